"""A program's parent that ends with whoever started it, and ends all that the program started. Run as a script (POSIX).

``python supervisor.py PROGRAM ARGUMENT…`` runs the program until it ends or until standard input is closed, which happens
however the process at its other end goes: by itself, by a signal, by SIGKILL. Then everything left is killed: the process
group, and on Linux also what left it, since orphans of this process become its children (``PR_SET_CHILD_SUBREAPER``).
The exit code is the program's, 128 + N for signal N; 127 if the program cannot be started.

The program writes both of its streams to this process's standard output. Nothing of this process goes there, however it ends.
"""

# Imports nothing of the project and little of the standard library: it starts once for every program of a build.
from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_NOT_STARTED = 127  # exit code, as a shell has it
_ROUNDS = 100  # of killing what is left: a child may have started another meanwhile


def main(command: list[str]) -> int:
    """Run a program and return its exit code."""
    _adopt_orphans()
    streams = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, 1, 2)]
    try:
        child = os.posix_spawn(command[0], command, os.environ, file_actions=streams, setsigdef=(signal.SIGPIPE,))
    except OSError as error:
        os.write(1, f"{command[0]} cannot be run: {error.strerror or error}\n".encode())
        return _NOT_STARTED
    ending = threading.Thread(target=_end_with_parent, daemon=True)
    ending.start()
    status = _wait_for(child, ending)
    _kill_children()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _wait_for(child: int, ending: threading.Thread) -> int:
    """Return the wait status of a process; collect orphans meanwhile."""
    while True:
        try:
            ended, status = os.wait()
        except ChildProcessError:  # standard input was closed, and the other thread waited for the program it killed
            ending.join()
            return signal.SIGKILL
        if ended == child:
            return status


def _adopt_orphans() -> None:
    """Have orphaned descendants become children of this process, if the system supports that."""
    if sys.platform == "linux":
        import ctypes  # only here: 10 ms

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_with_parent() -> None:
    """Wait until standard input is closed, then kill everything, this process last."""
    while os.read(0, 4096):
        pass
    _kill_children()
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _kill_children() -> None:
    """Kill every child of this process; those of a killed child become children of this process, and follow."""
    for _ in range(_ROUNDS):
        children = _children()
        if not children:
            return
        for number in children:
            with suppress(OSError):  # it has just ended
                os.kill(number, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    """Return the numbers of the processes whose parent this one is."""
    own = str(os.getpid())
    numbers = []
    for name in os.listdir("/proc") if sys.platform == "linux" else ():
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[1] == own:
                numbers.append(int(name))
    return numbers


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
