"""A thread pool that can be closed at once, without waiting for the jobs under way."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from mirror.http.problems import CANCELLED, CLOSED

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.ports import ProblemKind

Task = TypeVar("Task")
Result = TypeVar("Result")


class _Job(Generic[Task, Result]):
    """A task and the callback for its result."""

    __slots__ = ("done", "task")

    def __init__(self, task: Task, done: Callable[[Result], None]) -> None:
        self.task = task
        self.done = done


class WorkerPool(Generic[Task, Result]):
    """Runs a blocking ``perform`` in up to ``workers`` daemon threads, started as they are needed.

    Not ``concurrent.futures``: its threads keep the interpreter alive while a read hangs, and its shutdown cannot report the
    jobs under way as cancelled.
    """

    def __init__(
        self,
        workers: int,
        perform: Callable[[Task], Result],
        refuse: Callable[[Task, str, ProblemKind], Result],
    ) -> None:
        """Start no thread yet.

        Args:
            workers: The most threads.
            perform: Does a task and returns its result; must not raise.
            refuse: Returns the result of a task that is not done, from a problem.
        """
        self._workers = workers
        self._perform = perform
        self._refuse = refuse
        self._queue: SimpleQueue[_Job[Task, Result] | None] = SimpleQueue()
        self._open: dict[_Job[Task, Result], None] = {}
        self._threads = 0
        self._closed = False
        self._lock = threading.RLock()  # re-entrant: close() may come from a signal handler of the thread in submit()

    @property
    def closed(self) -> bool:
        """Return whether ``close`` has been called: tasks under way should end early."""
        return self._closed

    def submit(self, task: Task, done: Callable[[Result], None]) -> None:
        """Queue a task; ``done`` is called exactly once, from a worker or from ``close``."""
        job = _Job(task, done)
        with self._lock:
            if not self._closed:
                self._open[job] = None
                self._queue.put(job)
                if self._threads < min(self._workers, len(self._open)):
                    self._threads += 1
                    threading.Thread(target=self._work, name="mirror-worker", daemon=True).start()
                return
        done(self._refuse(task, *CLOSED))

    def close(self) -> bool:
        """Report every open task as cancelled, at once; return False if the pool was closed already."""
        with self._lock:
            if self._closed:
                return False
            self._closed = True
            cancelled = list(self._open)
            self._open.clear()
            for _ in range(self._threads):
                self._queue.put(None)
        for job in cancelled:
            job.done(self._refuse(job.task, *CANCELLED))
        return True

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            result = self._refuse(job.task, *CANCELLED) if self._closed else self._perform(job.task)
            with self._lock:
                is_open = job in self._open  # close() may have reported it already
                self._open.pop(job, None)
            if is_open:
                job.done(result)
