"""Records of the fetcher: the job of a key, request counts, and the errors that end a run early."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.ports import Exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from mirror.ports import ProblemKind, Purpose, Request, Work

    Steps = Generator[Request | Work, Any, Any]  # a request is sent its exchange, work its result
    Deliver = Callable[[Any, Exception | None], None]


class RequestLimitError(Exception):
    """A URL was requested too often in one run: a bug, not an error of the user."""


class FetchJob:
    """One key under way: its steps, the current request, and how often that was tried."""

    __slots__ = ("attempts", "key", "listeners", "request", "started", "steps")

    def __init__(self, key: str, steps: Steps, deliver: Deliver) -> None:
        """Send nothing yet."""
        self.key = key
        self.steps = steps
        self.listeners = [deliver]
        self.request: Request | None = None
        self.attempts = 0
        self.started = 0.0


LATENCY_BOUNDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # seconds: the upper bounds of a histogram


class FetchCounts:
    """Requests, retries, failures and bytes so far. Only the fetcher writes it."""

    __slots__ = ("bytes", "failures", "for_purpose", "latencies", "requests", "retries", "seconds", "waited")

    def __init__(self) -> None:
        """Start at zero."""
        self.requests = 0
        self.retries = 0
        self.failures = 0
        self.bytes = 0
        self.for_purpose: dict[Purpose, list[int]] = {}  # requests and bytes
        self.waited = 0.0  # seconds in which the owner waited
        self.seconds = 0.0  # from each request until its answer, added up
        self.latencies = [0] * (
            len(LATENCY_BOUNDS) + 1
        )  # requests by these seconds; the last has those beyond all bounds

    def took(self, seconds: float) -> None:
        """Count the time of a request that was answered."""
        self.seconds += seconds
        self.latencies[sum(seconds > bound for bound in LATENCY_BOUNDS)] += 1


def done_of(work: Work) -> bytes | Exception:
    """Do work and return its result or its error: a worker that raises would never report its job."""
    try:
        return work.do()
    except Exception as error:  # noqa: BLE001 - the error is raised in the steps
        return error


def refused_work(_: Work, problem: str, __: ProblemKind) -> Exception:
    """Return the error of work that was not begun."""
    return MirrorError(problem)


def url_and_range(request: Request) -> tuple[str, str]:
    """Return the key by which requests are counted."""
    return request.url, next((value for name, value in request.headers if name.lower() == "range"), "")


def drop(answer: Exchange | bytes | Exception) -> None:
    """Close the file of an answer that nobody waits for."""
    if isinstance(answer, Exchange) and answer.file is not None:
        answer.file.close()
