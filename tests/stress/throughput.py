"""Throughput and latency of ``mirror serve`` with one and with two workers: ``python -m tests.stress.throughput``.

On a machine of few or busy cores the CPU time per request is the steadier figure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.served import Served

SECONDS = 4.0
CLIENTS = 400
RELEASES = 30
TICKS = os.sysconf("SC_CLK_TCK")


def processes(root: int) -> list[int]:
    """Return a process and all its descendants (Linux)."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    members = [root]
    for member in members:
        members += [pid for pid, parent in parents.items() if parent == member]
    return members


def cpu_seconds(root: int) -> float:
    """Return the CPU time of a process and its descendants so far."""
    rows = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in processes(root)]
    return sum(int(row[11]) + int(row[12]) for row in rows) / TICKS


def loaded(url: str, clients: int, pause: float = 0.0) -> dict[str, float]:
    """Return the figures of a load client in a process of its own."""
    command = [sys.executable, "-m", "tests.stress.load", url, str(clients), str(SECONDS), str(pause)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def measure(server: Served) -> dict[str, float]:
    """Return the figures of one server."""
    url = server.url + "/simple/app/"
    idle = loaded(url, 1, 0.01)
    before = cpu_seconds(server.process.pid)
    busy = loaded(url, CLIENTS)
    spent = cpu_seconds(server.process.pid) - before
    paced = loaded(url, CLIENTS, 1.0)
    return {
        "per second": round(busy["per_second"]),
        "server CPU ms per request": round(1000 * spent / busy["requests"], 3),
        "cores used by the server": round(spent / SECONDS, 2),
        "idle median ms": round(1000 * idle["median"], 2),
        "idle p99 ms": round(1000 * idle["p99"], 2),
        f"p99 ms of {CLIENTS} that never pause": round(1000 * busy["p99"], 2),
        f"p99 ms of {CLIENTS}, each once a second": round(1000 * paced["p99"], 2),
        "closed": idle["closed"] + busy["closed"] + paced["closed"],
    }


def main() -> None:
    """Print the figures of one worker and of two."""
    projects = {"app": [wheel("app", f"1.{minor}") for minor in range(RELEASES)]}
    with LoopbackIndex(projects) as index, tempfile.TemporaryDirectory() as folder:
        for count in ("1", "2"):
            (Path(folder) / count).mkdir()
            server = Served(Path(folder) / count, index, "--workers", count)
            assert server.process.stderr is not None
            threading.Thread(target=server.process.stderr.read, daemon=True).start()  # a full pipe would stop it
            try:
                server.get("/simple/app/")
                print(count, "worker(s):", json.dumps(measure(server)))  # noqa: T201 - its output
            finally:
                server.process.terminate()
                server.process.wait(60)


if __name__ == "__main__":
    main()
