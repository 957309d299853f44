"""Traffic against the configured index: our tool says it in its JSON report; of the peers nothing is known there."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

from benchmarks import workloads
from benchmarks.runner import run_once
from benchmarks.tools import Job, Ours

if TYPE_CHECKING:
    from benchmarks.peers import Installed
    from benchmarks.runner import Bench, Outcome

_REPORT = "report.json"


def reported_traffic(bench: Bench, case: Outcome, entry: Installed) -> dict[str, int]:
    """Return requests and bytes of one more cold run; empty where they are not known.

    The report costs time, so the run that writes it is not one of those measured.
    """
    if bench.take_counters or case.mode != "cold" or case.failure or not isinstance(entry.tool, Ours):
        return {}
    folder = bench.folder / case.workload / "traffic"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    job = Job(workloads.load(case.workload), "cold", folder, folder / "cache", bench.index_url, sys.executable)
    run_once(bench, job, entry.tool.reporting(_REPORT))
    targets = json.loads((folder / _REPORT).read_text(encoding="utf-8"))["targets"]
    counts: list[dict[str, int]] = [target["counts"] for target in targets if "counts" in target]
    return {name: sum(each.get(name, 0) for each in counts) for name in ("requests", "bytes")} if counts else {}
