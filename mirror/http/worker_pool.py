"""Threads that make one exchange at a time each, and can be let go of at once."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

from mirror.http.problems import CANCELLED, CLOSED
from mirror.ports import Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.ports import Request


class _Job:
    """One request that is owed an answer."""

    __slots__ = ("done", "request")

    def __init__(self, request: Request, done: Callable[[Exchange], None]) -> None:
        self.request = request
        self.done = done


class WorkerPool:
    """Runs a blocking ``perform`` in up to ``workers`` daemon threads, started as they are needed.

    Not ``concurrent.futures``: its threads keep an interpreter from ending while a read hangs, and it cannot answer for a
    request that is under way when it is closed.
    """

    def __init__(self, workers: int, perform: Callable[[Request], Exchange]) -> None:
        """``perform`` returns how an exchange ended; it must not raise."""
        self._workers = workers
        self._perform = perform
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._open: dict[_Job, None] = {}
        self._threads = 0
        self._closed = False
        self._lock = threading.RLock()  # re-entrant: close() may come from a signal handler of the thread in submit()

    @property
    def closed(self) -> bool:
        """Tell whether ``close`` has been called: work under way should end when it can."""
        return self._closed

    def submit(self, request: Request, done: Callable[[Exchange], None]) -> None:
        """Queue a request; ``done`` is called exactly once, from a worker or from ``close``."""
        job = _Job(request, done)
        with self._lock:
            if not self._closed:
                self._open[job] = None
                self._queue.put(job)
                if self._threads < min(self._workers, len(self._open)):
                    self._threads += 1
                    threading.Thread(target=self._work, name="mirror-http", daemon=True).start()
                return
        done(Exchange.failed(request, *CLOSED))

    def close(self) -> bool:
        """Answer everything under way with "cancelled", at once; return whether this call did the closing."""
        with self._lock:
            if self._closed:
                return False
            self._closed = True
            cancelled = list(self._open)
            self._open.clear()
            for _ in range(self._threads):
                self._queue.put(None)
        for job in cancelled:
            job.done(Exchange.failed(job.request, *CANCELLED))
        return True

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            exchange = Exchange.failed(job.request, *CANCELLED) if self._closed else self._perform(job.request)
            with self._lock:
                owed = job in self._open  # close() may have answered for it already
                self._open.pop(job, None)
            if owed:
                job.done(exchange)
