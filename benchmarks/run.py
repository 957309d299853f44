"""The run: read the options, set up tools and index, run the cases, write the results and print the table."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import functools
import json
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import peers, recording, runner, summary, workloads
from benchmarks.isolation import configured_index, environment, index_option
from benchmarks.quality import assess
from benchmarks.replay import NetworkLink
from benchmarks.replay_process import parse_bandwidth, running
from benchmarks.reported import reported
from benchmarks.tools import MODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.recording import RecordedProject
    from benchmarks.replay_process import ReplayIndex

_HERE = Path(__file__).parent
STANDARD = (
    ("medium-bounded", ("cold", "offline", "check")),
    ("medium", ("cold",)),
    ("small", ("cold",)),
)


def main(arguments: Sequence[str]) -> int:
    """Run this tool and its peers side by side and print medians, ratios, memory, traffic and quality."""
    options = _parser().parse_args(arguments)
    installed = peers.install(
        options.tools.split(","), options.cache, environment(options.cache / "home"), options.ours
    )
    with _index(options) as replay:
        bench = runner.Bench(
            options.cache / "work", environment, replay.index_url if replay else index_option(), options.rounds, options.timeout,
            replay.take_counters if replay else None, lambda text: print(text, file=sys.stderr, flush=True), options.budget,
        )  # fmt: skip
        cases = []
        for name, modes in _plan(options):
            workload = workloads.load(name)
            for mode in modes:
                cases.extend(runner.run_case(bench, workload, mode, installed))
        entries = {entry.tool.name: entry for entry in installed}
        reports = [reported(bench, case, entries[case.tool]) for case in cases]
        outcomes = [
            case._replace(traffic=case.traffic or report.traffic, solve=report.solve)
            for case, report in zip(cases, reports, strict=True)
        ]
    results = _results(options, installed, outcomes, _finder(options))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(summary.table(results))
    print(f"written: {options.output}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    names = ", ".join(workloads.names())
    parser.add_argument("--workload", action="append", help=f"may be given several times: {names}")
    parser.add_argument("--mode", default="cold", help=f"of the workloads given, comma-separated: {', '.join(MODES)}")
    parser.add_argument(
        "--tools", default=",".join(peers.DEFAULT), help=f"comma-separated, of: {', '.join(peers.NAMES)}"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--budget",
        type=float,
        default=float("inf"),
        help="seconds of one case after which a tool sits out the other rounds",
    )
    parser.add_argument("--timeout", type=float, default=180.0, help="seconds, after which a process is ended")
    parser.add_argument("--replay", type=Path, help="a recording to serve on loopback instead of the configured index")
    parser.add_argument("--latency", type=float, default=0.03, help="of the replay index, seconds per request")
    parser.add_argument("--bandwidth", type=parse_bandwidth, default=50e6, help="of the replay index, such as 50MB/s")
    parser.add_argument("--ours", type=Path, help="an interpreter that runs this work tree as it stands")
    parser.add_argument("--cache", type=Path, default=peers.DEFAULT_CACHE, help="environments and scratch files")
    parser.add_argument("-o", "--output", type=Path, default=_HERE / "results" / "latest.json")
    return parser


def _plan(options: argparse.Namespace) -> Sequence[tuple[str, Sequence[str]]]:
    """Return the workloads and modes of the options, or the standard set."""
    if options.workload:
        return [(name, options.mode.split(",")) for name in options.workload]
    return STANDARD


@contextlib.contextmanager
def _index(options: argparse.Namespace) -> Iterator[ReplayIndex | None]:
    if options.replay is None:
        yield None
        return
    with running(options.replay, NetworkLink(options.latency, options.bandwidth), options.cache / "pages") as replay:
        yield replay


def _finder(options: argparse.Namespace) -> Callable[[str], RecordedProject | None]:
    """Return a function that finds all releases of a project, in the recording or the configured index."""
    if options.replay:
        return {project.name: project for project in recording.read(options.replay).projects}.get
    from benchmarks.upstream import Upstream  # needs urllib3, which a replay run does not

    upstream = Upstream(configured_index())
    return functools.cache(lambda name: upstream.project(name, 0))


def _results(
    options: argparse.Namespace,
    installed: Sequence[peers.Installed],
    cases: Sequence[runner.Outcome],
    find: Callable[[str], RecordedProject | None],
) -> dict[str, Any]:
    header: dict[str, Any] = {
        "made": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": {
            "cpus": os.cpu_count(),
            "system": platform.platform(terse=True),
            "python": platform.python_version(),
        },
        "index": "configured" if options.replay is None else f"replay of {options.replay.name}",
        "rounds": options.rounds,
        "tools": {entry.tool.name: {"version": entry.version, "note": entry.tool.note} for entry in installed},
    }
    if options.replay:
        header["link"] = {"latency": options.latency, "bandwidth": options.bandwidth}
        header["recording"] = recording.read(options.replay).header
    values = []
    for case in cases:
        direct = workloads.load(case.workload).direct_names()
        quality = assess(case.pins, direct, find)._asdict() if case.pins else None
        values.append({**case.to_json(), "quality": quality})
    return {**header, "cases": values}
