"""Runs a server as several processes on one socket: starts each again that ends, and stops all when this process is interrupted.

A process stops at the end of a pipe, so that all stop if this process is killed, and on every system alike. Each then
answers what is under way and stores what is new.
"""

from __future__ import annotations

import multiprocessing
import time
from contextlib import suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

_PAUSE = 1.0  # seconds between two starts of one worker, at least
_STOP = 45.0  # seconds for all workers to stop: requests under way and the mirror's last writes


class _Worker(msgspec.Struct, frozen=True):
    process: SpawnProcess
    pipe: Connection  # the worker stops when it is closed
    began: float


class Supervisor:
    """Keeps a number of worker processes running; to be used from one thread."""

    def __init__(self, count: int, target: Callable[..., None], arguments: tuple[object, ...]) -> None:
        """Start nothing yet.

        Args:
            count: How many processes.
            target: Their main function; called with the worker's number, the pipe and the arguments. All must be picklable.
            arguments: More arguments for it.
        """
        self._target = target
        self._arguments = arguments
        self._context = multiprocessing.get_context("spawn")  # a fork would copy the locks of threads
        self._workers: list[_Worker | None] = [None] * count

    def run(self, warn: Callable[[str], None]) -> None:
        """Run until interrupted (``KeyboardInterrupt``); ``warn`` gets a message for each worker that ended by itself."""
        try:
            for number in range(len(self._workers)):
                self._workers[number] = self._start(number)
            while True:
                self._replace_ended(warn)
        except KeyboardInterrupt:
            return
        finally:
            self._stop()

    def _start(self, number: int) -> _Worker:
        theirs, ours = self._context.Pipe(duplex=False)
        # Not daemonic: a worker has processes of its own, which solve.
        process = self._context.Process(target=self._target, args=(number, theirs, *self._arguments))
        process.start()
        theirs.close()
        return _Worker(process, ours, time.monotonic())

    def _replace_ended(self, warn: Callable[[str], None]) -> None:
        """Wait until a worker ends and start another in its stead."""
        ended = wait([worker.process.sentinel for worker in self._workers if worker is not None])
        for number, worker in enumerate(self._workers):
            if worker is None or worker.process.sentinel not in ended:
                continue
            worker.process.join()
            worker.pipe.close()
            warn(f"worker {number} ended ({_reason(worker.process.exitcode)}); it is started again")
            time.sleep(max(0.0, worker.began + _PAUSE - time.monotonic()))
            self._workers[number] = self._start(number)

    def _stop(self) -> None:
        """Stop every worker; one that does not stop in time, or after a second interruption, is killed."""
        workers = [worker for worker in self._workers if worker is not None]
        for worker in workers:
            worker.pipe.close()
        until = time.monotonic() + _STOP
        with suppress(KeyboardInterrupt):
            for worker in workers:
                worker.process.join(max(0.0, until - time.monotonic()))
        for worker in workers:
            worker.process.kill()


def closed(pipe: Connection) -> None:
    """Return when the other end of a pipe is closed or its process has ended."""
    with suppress(EOFError, OSError):
        pipe.recv_bytes()


def _reason(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
