"""The figures of our tool's JSON report: requests and bytes against the configured index, and the solver's time.

Of the peers nothing is known there: what they ask for is encrypted. A replay index counts for everybody. The report costs time,
so the runs that write it are not those measured.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import workloads
from benchmarks.runner import run_once
from benchmarks.tools import Job, Ours

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers import Installed
    from benchmarks.runner import Bench, Outcome

_REPORT = "report.json"
_ROUNDS = 3  # of offline runs: the median is taken


class Reported(NamedTuple):
    """The figures of the report; empty for other tools."""

    traffic: dict[str, int]  # "requests" and "bytes" of a cold run
    solve: float | None = None  # seconds that an offline run spends in resolving, reading records included


def reported(bench: Bench, case: Outcome, entry: Installed) -> Reported:
    """Run our tool once more (several times if offline) and return the figures of its report."""
    if case.failure or not case.pins or not isinstance(entry.tool, Ours):
        return Reported({})
    if case.mode == "offline":
        cache = bench.folder / case.workload / case.mode / case.tool / "cache"
        seconds = [_targets(bench, case, entry.tool, cache) for _ in range(_ROUNDS)]
        return Reported(
            {}, statistics.median(sum(target["seconds"]["solve"] for target in targets) for targets in seconds)
        )
    if case.mode != "cold" or bench.take_counters:
        return Reported({})
    counts = [target["counts"] for target in _targets(bench, case, entry.tool, None)]
    # Each target has the counts of the run up to its end.
    return Reported({name: max(count[name] for count in counts) for name in ("requests", "bytes")})


def _targets(bench: Bench, case: Outcome, tool: Ours, cache: Path | None) -> list[dict[str, Any]]:
    """Return the targets of the report of one run; ``cache`` is a full one, None: an empty one."""
    folder = bench.folder / case.workload / "reported"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    workload = workloads.load(case.workload)
    job = Job(workload, case.mode, folder, cache or folder / "cache", bench.index_url, sys.executable)
    run_once(bench, job, tool.reporting(_REPORT))
    targets: list[dict[str, Any]] = json.loads((folder / _REPORT).read_text(encoding="utf-8"))["targets"]
    return targets
