"""Programs run for a build: with a time limit, output kept, and everything they started ended with them."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from typing import IO, TYPE_CHECKING, NamedTuple

from mirror.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Finished(NamedTuple):
    """How a program ended."""

    code: int
    output: str  # stdout and stderr as they came


class Processes:
    """Runs programs, from any thread, until it is closed."""

    def __init__(self, timeout: float) -> None:
        """``timeout`` is the seconds that one program may take."""
        self._timeout = timeout
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False
        self._lock = threading.Lock()

    def run(self, command: Sequence[str], *, cwd: str | None = None, environ: Mapping[str, str]) -> Finished:
        """Run a program to its end. Raises ``BuildFailed`` where it cannot be started, takes too long, or is cancelled."""
        with tempfile.TemporaryFile() as said:
            return self._run(command, cwd, environ, said)

    def _run(self, command: Sequence[str], cwd: str | None, environ: Mapping[str, str], said: IO[bytes]) -> Finished:
        """Run a program that writes to a file: a pipe would stay open as long as anything it left behind is alive."""
        with self._lock:
            if self._closed:
                raise BuildFailed("cancelled")
            process = _start(command, cwd, environ, said)
            self._running.add(process)
        try:
            late = _ended_late(process, self._timeout)
        finally:
            with self._lock:
                self._running.discard(process)
        said.seek(0)
        output = said.read().decode("utf-8", "replace")
        if self._closed:
            raise BuildFailed("cancelled")
        if late:
            raise BuildFailed(f"was given up after {self._timeout:g} seconds (--build-timeout)\n{output}")
        return Finished(process.returncode, output)

    def close(self) -> None:
        """End every program that is running; safe to call twice."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            _end(process)


def _start(
    command: Sequence[str], cwd: str | None, environ: Mapping[str, str], said: IO[bytes]
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - a program we name, no shell between
            list(command), cwd=cwd, env=dict(environ), stdin=subprocess.DEVNULL,
            stdout=said, stderr=subprocess.STDOUT, start_new_session=os.name == "posix",
        )  # fmt: skip
    except OSError as error:
        raise BuildFailed(f"{command[0]} cannot be run: {error.strerror or error}") from error


def _ended_late(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for a program, and end it when its time is over; say whether that was needed."""
    late = threading.Event()

    def give_up() -> None:
        late.set()
        _end(process)

    clock = threading.Timer(seconds, give_up)  # and a plain wait: one with a time limit polls
    clock.daemon = True
    clock.start()
    try:
        process.wait()
    finally:
        clock.cancel()
    return late.is_set()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and, where the system has process groups, all that it started."""
    try:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except OSError:
        return  # it has ended by itself
