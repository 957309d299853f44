"""Threads that do one thing at a time each, and can be let go of at once."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from mirror.http.problems import CANCELLED, CLOSED

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.ports import ProblemKind

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class _Job(Generic[Asked, Answered]):
    """One thing that is owed an answer."""

    __slots__ = ("asked", "done")

    def __init__(self, asked: Asked, done: Callable[[Answered], None]) -> None:
        self.asked = asked
        self.done = done


class WorkerPool(Generic[Asked, Answered]):
    """Runs a blocking ``perform`` in up to ``workers`` daemon threads, started as they are needed.

    Not ``concurrent.futures``: its threads keep an interpreter from ending while a read hangs, and it cannot answer for
    what is under way when it is closed.
    """

    def __init__(
        self,
        workers: int,
        perform: Callable[[Asked], Answered],
        refuse: Callable[[Asked, str, ProblemKind], Answered],
    ) -> None:
        """``perform`` returns how it ended, and must not raise; ``refuse`` answers for it with a problem."""
        self._workers = workers
        self._perform = perform
        self._refuse = refuse
        self._queue: SimpleQueue[_Job[Asked, Answered] | None] = SimpleQueue()
        self._open: dict[_Job[Asked, Answered], None] = {}
        self._threads = 0
        self._closed = False
        self._lock = threading.RLock()  # re-entrant: close() may come from a signal handler of the thread in submit()

    @property
    def closed(self) -> bool:
        """Tell whether ``close`` has been called: work under way should end when it can."""
        return self._closed

    def submit(self, asked: Asked, done: Callable[[Answered], None]) -> None:
        """Queue what is asked; ``done`` is called exactly once, from a worker or from ``close``."""
        job = _Job(asked, done)
        with self._lock:
            if not self._closed:
                self._open[job] = None
                self._queue.put(job)
                if self._threads < min(self._workers, len(self._open)):
                    self._threads += 1
                    threading.Thread(target=self._work, name="mirror-worker", daemon=True).start()
                return
        done(self._refuse(asked, *CLOSED))

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
            job.done(self._refuse(job.asked, *CANCELLED))
        return True

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            answer = self._refuse(job.asked, *CANCELLED) if self._closed else self._perform(job.asked)
            with self._lock:
                owed = job in self._open  # close() may have answered for it already
                self._open.pop(job, None)
            if owed:
                job.done(answer)
