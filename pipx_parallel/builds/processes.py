"""Runs the programs of a build with a time limit and captured output, and ends all their descendants.

On POSIX each program has a parent process of its own (``supervisor``), which kills it and all its descendants when its standard
input is closed. Only this process has the other end of that pipe, so it is closed however this process ends.
"""

# Paths are passed to other programs as text.

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import BuildFailed, BuildProblem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_POSIX = os.name == "posix"
_SUPERVISOR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "supervisor.py")
_PATIENCE = 2.0  # seconds that a supervisor has to end its descendants


class Finished(NamedTuple):
    """How a program ended."""

    code: int
    output: str  # stdout and stderr, interleaved


class Processes:
    """Runs programs, from any thread, until it is closed."""

    def __init__(self, timeout: float) -> None:
        """``timeout`` is the seconds that one program may take."""
        self._timeout = timeout
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False
        self._lock = threading.Lock()

    def run(self, command: Sequence[str], *, cwd: str | None = None, environ: Mapping[str, str]) -> Finished:
        """Run a program to its end. Raises ``BuildFailed`` if it cannot be started, takes too long, or is cancelled."""
        with tempfile.TemporaryFile() as output:
            return self._run(command, cwd, environ, output)

    def _run(self, command: Sequence[str], cwd: str | None, environ: Mapping[str, str], file: IO[bytes]) -> Finished:
        """Run a program whose output is a file: a pipe would stay open while any descendant is alive."""
        with self._lock:
            if self._closed:
                raise BuildFailed("cancelled", BuildProblem.CANCELLED)
            process = _start(command, cwd, environ, file)
            self._running.add(process)
        try:
            late = _ended_late(process, self._timeout)
        finally:
            _let_go(process)
            with self._lock:
                self._running.discard(process)
        file.seek(0)
        output = file.read().decode("utf-8", "replace")
        if self._closed:
            raise BuildFailed("cancelled", BuildProblem.CANCELLED)
        if late:
            reason = f"was given up after {self._timeout:g} seconds (--build-timeout)"
            raise BuildFailed(reason, BuildProblem.TIMEOUT, log=output.splitlines())
        return Finished(process.returncode, output)

    def close(self) -> None:
        """End every program that is running; safe to call twice."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            _let_go(process)
        for process in running:
            _end(process)


def _start(
    command: Sequence[str], cwd: str | None, environ: Mapping[str, str], output: IO[bytes]
) -> subprocess.Popen[bytes]:
    program = shutil.which(command[0])
    if program is None:
        raise BuildFailed(f"{command[0]} cannot be run: there is no such program")
    words = [program, *command[1:]]
    try:
        return subprocess.Popen(  # noqa: S603 - a program we name, no shell between
            [sys.executable, "-I", "-S", _SUPERVISOR, *words] if _POSIX else words, cwd=cwd, env=dict(environ),
            stdin=subprocess.PIPE if _POSIX else subprocess.DEVNULL, stdout=output,
            stderr=subprocess.DEVNULL if _POSIX else subprocess.STDOUT,  # a supervisor has nothing to say in a build's log
            start_new_session=_POSIX,
        )  # fmt: skip
    except OSError as error:
        raise BuildFailed(f"{program} cannot be run: {error.strerror or error}") from error


def _ended_late(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for a program, and end it at its time limit; return whether the limit was reached."""
    late = threading.Event()

    def give_up() -> None:
        late.set()
        _end(process)

    clock = threading.Timer(seconds, give_up)  # a timer, because wait() with a timeout polls
    clock.daemon = True
    clock.start()
    try:
        process.wait()
    finally:
        clock.cancel()
    return late.is_set()


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """Close the pipe to a supervisor: it then ends its descendants and itself."""
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and its descendants."""
    _let_go(process)
    try:
        if not _POSIX:
            process.kill()
        elif _runs_on(process):
            os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        return  # it has ended already


def _runs_on(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a program is still alive after its supervisor had time to end it."""
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        return True
    return False
