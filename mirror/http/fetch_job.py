"""What the fetcher keeps of each key under way, what it counts, and how a run may end early."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from mirror.ports import Purpose, Request, Work

    Steps = Generator[Request | Work, Any, Any]  # a request is sent its exchange, work what it returns
    Deliver = Callable[[Any, Exception | None], None]


class RequestLimitError(Exception):
    """One URL was asked for again and again in one run: a loop of ours, which ends here. Never the user's fault."""


class DeadlineError(Exception):
    """The time that the owner gave this run is over."""


class FetchJob:
    """One key under way: its steps, the request being made, and how often that was tried."""

    __slots__ = ("attempts", "key", "listeners", "request", "started", "steps")

    def __init__(self, key: str, steps: Steps, deliver: Deliver) -> None:
        """Nothing has been asked yet."""
        self.key = key
        self.steps = steps
        self.listeners = [deliver]
        self.request: Request | None = None
        self.attempts = 0
        self.started = 0.0


class FetchCounts:
    """What fetching has cost so far; read it, never write it."""

    __slots__ = ("bytes", "failures", "for_purpose", "requests", "retries", "waited")

    def __init__(self) -> None:
        """Start from nothing."""
        self.requests = 0
        self.retries = 0
        self.failures = 0
        self.bytes = 0
        self.for_purpose: dict[Purpose, list[int]] = {}  # requests and bytes
        self.waited = 0.0  # seconds in which the owner had nothing else to do


def done_of(work: Work) -> bytes | Exception:
    """Do work and return what came of it; a worker must not die, or its job would never be answered."""
    try:
        return work.do()
    except Exception as error:  # noqa: BLE001 - it is raised in the steps
        return error
