"""Measure the memory of a process tree; run in its own process: ``python -I -S weigh.py RESULT TIMEOUT LOG COMMAND…``.

Tools fork, so the largest single process says too little. Every few milliseconds the proportional set sizes (PSS: a page that
several processes share is counted once, in shares) of the whole tree are summed; the peak of the sums is the result, or what
the kernel noted of the largest process where that is more. Looking costs the tool time: a run that is weighed is not timed.
Without ``/proc`` (macOS) the largest process is all there is.
"""

import json
import os
import signal
import sys
import time

_PAUSE = 0.004  # seconds between samples


def main(result: str, timeout: float, log: str, command: list[str]) -> int:
    """Run the command for at most ``timeout`` seconds, and write its peak in bytes as JSON to ``result``."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    actions = [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
    started = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=actions, setpgroup=0)
    peak, ended = 0, 0
    while not ended:
        peak = max(peak, sum(map(pss, tree(child))))
        time.sleep(_PAUSE)
        if time.perf_counter() - started > timeout:
            os.killpg(child, signal.SIGKILL)
        ended, status, usage = os.wait4(child, os.WNOHANG)
    unit = 1 if sys.platform == "darwin" else 1024
    figures = {"wall": time.perf_counter() - started, "peak": max(peak, usage.ru_maxrss * unit)}
    with open(result, "w", encoding="utf-8") as file:  # pathlib would double this process's memory
        json.dump({**figures, "status": os.waitstatus_to_exitcode(status)}, file)
    return 0


def tree(process: int) -> list[int]:
    """Return a process and all its descendants, as far as they are visible."""
    processes = [process]
    for member in processes:
        try:
            for thread in os.listdir(f"/proc/{member}/task"):
                with open(f"/proc/{member}/task/{thread}/children", encoding="ascii") as file:
                    processes += map(int, file.read().split())
        except OSError:  # it has ended
            continue
    return processes


def pss(process: int) -> int:
    """Return the proportional set size of a process in bytes; 0 if it has ended or the system does not report it."""
    try:
        with open(f"/proc/{process}/smaps_rollup", encoding="ascii") as file:
            sizes = [int(line.split()[1]) for line in file if line.startswith("Pss:")]
    except OSError:
        return 0
    return sum(sizes) * 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4:]))
