"""Programs run for a build: with a time limit, output kept, and everything they started ended with them."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, NamedTuple

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
        with self._lock:
            if self._closed:
                raise BuildFailed("cancelled")
            process = self._start(command, cwd, environ)
            self._running.add(process)
        try:
            output, _ = process.communicate(timeout=self._timeout)
        except subprocess.TimeoutExpired:
            _end(process)
            output, _ = process.communicate()
            tail = output.decode("utf-8", "replace")
            raise BuildFailed(f"was given up after {self._timeout:g} seconds (--build-timeout)\n{tail}") from None
        finally:
            with self._lock:
                self._running.discard(process)
        if self._closed:
            raise BuildFailed("cancelled")
        return Finished(process.returncode, output.decode("utf-8", "replace"))

    def close(self) -> None:
        """End every program that is running; safe to call twice."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            _end(process)

    def _start(self, command: Sequence[str], cwd: str | None, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - a program we name, no shell between
                list(command), cwd=cwd, env=dict(environ), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=os.name == "posix",
            )  # fmt: skip
        except OSError as error:
            raise BuildFailed(f"{command[0]} cannot be run: {error.strerror or error}") from error


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and, where the system has process groups, all that it started."""
    try:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except OSError:
        return  # it has ended by itself
