"""Run several step generators concurrently and wait for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError, error_of_foreign_text

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from typing import Any

    from mirror.http.fetcher import Fetcher
    from mirror.ports import Request, Work


def gather(
    fetcher: Fetcher, pump: Callable[[], bool], jobs: Mapping[str, Generator[Request | Work, Any, Any]]
) -> dict[str, Any]:
    """Run the jobs and return, by key, each result or ``MirrorError``; other errors are raised.

    ``pump`` waits for an arrival and processes it; it returns whether there was any.
    """
    ended: dict[str, Any] = {}

    def receiver(key: str) -> Callable[[Any, Exception | None], None]:
        def deliver(result: Any, error: Exception | None) -> None:
            ended[key] = result if error is None else error_of_foreign_text(key, error)

        return deliver

    for key, steps in jobs.items():
        fetcher.submit("j/" + key, steps, receiver(key))
    while len(ended) < len(jobs) and pump():
        pass
    return {key: ended.get(key, MirrorError(f"{key}: cancelled")) for key in jobs}
