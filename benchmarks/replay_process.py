"""The replay index in its own process: its command line, and the harness's handle of it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import recording
from benchmarks.replay import NetworkLink, ReplayServer, serve
from benchmarks.replay_site import ReplaySite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
_UNITS = {"KB/s": 1e3, "MB/s": 1e6, "GB/s": 1e9, "B/s": 1.0}


class ReplayIndex:
    """A running replay index."""

    def __init__(self, port: int) -> None:
        """Take the port it listens on."""
        self._base = f"http://127.0.0.1:{port}"
        self.index_url = f"{self._base}/simple/"

    def take_counters(self) -> dict[str, int]:
        """Return what was served since the last call: requests, bytes, connections, and requests by kind."""
        with urllib.request.urlopen(f"{self._base}/-/counters/reset") as response:  # noqa: S310 - our own loopback
            counters: dict[str, int] = json.load(response)
        counters["connections"] = max(0, counters.get("connections", 0) - 1)  # this one
        return counters


@contextlib.contextmanager
def running(path: Path, link: NetworkLink, keep: Path) -> Iterator[ReplayIndex]:
    """Start the index as a process, wait until it listens, and stop it at the end."""
    options = ["--latency", str(link.latency), "--bandwidth", f"{link.bandwidth:.0f}B/s", "--keep", str(keep)]
    command = [sys.executable, "-m", "benchmarks", "replay", str(path), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            first = process.stdout.readline() if process.stdout else ""
            yield ReplayIndex(json.loads(first)["port"])
        finally:
            process.terminate()


def parse_bandwidth(text: str) -> float:
    """Read ``50MB/s``, ``800KB/s`` or ``0`` (no limit) into bytes per second."""
    for unit, factor in _UNITS.items():
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text)


def main(arguments: Sequence[str]) -> int:
    """Serve a recording until interrupted; the first line on stdout has the port as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks replay", description=main.__doc__)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds per request")
    parser.add_argument("--bandwidth", type=parse_bandwidth, default=0.0, help="of the whole link, such as 50MB/s")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder where rendered pages are kept between runs")
    options = parser.parse_args(arguments)
    server = ReplayServer(load_site(options.recording, options.keep), NetworkLink(options.latency, options.bandwidth))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(server, options.port, lambda port: print(json.dumps({"port": port}), flush=True)))
    return 0


def load_site(path: Path, keep: Path | None) -> ReplaySite:
    """Read a recording into a site; rendered pages are stored in a folder named by the digest of recording and code."""
    digest = hashlib.sha256(path.read_bytes())
    for module in ("synthetic", "replay_site", "recording"):
        digest.update(Path(__file__).with_name(f"{module}.py").read_bytes())
    folder = keep / f"pages-{digest.hexdigest()[:16]}" if keep else None
    return ReplaySite(recording.read(path).projects, keep=folder)
