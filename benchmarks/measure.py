"""Measures one process; run as a tiny process of its own: ``python -I -S measure.py RESULT TIMEOUT LOG COMMAND…``.

Peak memory is the reason: Linux hands the memory peak of whoever starts a process on to it, so the starter must be small (9 MB),
and the harness is not. Wall time is taken around the command alone. Needs ``os.wait4``: Linux and macOS.
"""

import json
import os
import signal
import sys
import time


def main(result: str, timeout: float, log: str, command: list[str]) -> int:
    """Run the command for at most ``timeout`` seconds, and write its times as JSON to ``result``."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    actions = [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
    started = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=actions, setpgroup=0)
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(child, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, timeout)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - started
    signal.setitimer(signal.ITIMER_REAL, 0)
    unit = 1 if sys.platform == "darwin" else 1024
    figures = {"wall": wall, "user": usage.ru_utime, "system": usage.ru_stime, "peak": usage.ru_maxrss * unit}
    with open(result, "w", encoding="utf-8") as file:  # pathlib would double this process's memory
        json.dump({**figures, "status": os.waitstatus_to_exitcode(status)}, file)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4:]))
