"""Run the cases: every tool in every round, the order rotated by one each round, one process at a time."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.answers import read_pins
from benchmarks.peers import Installed
from benchmarks.tools import Job, Tool
from benchmarks.workloads import Workload

_HOST = re.compile(r"(?<=://)[^/\s'\"]+|(?<=host=')[^']+")  # results name no registry
_MEASURE = Path(__file__).with_name("measure.py")
_WEIGH = Path(__file__).with_name("weigh.py")
_SLOW = 30.0  # seconds


class Bench(NamedTuple):
    """The settings of all cases of a run."""

    folder: Path  # scratch: wiped per job
    environment: Callable[[Path], Mapping[str, str]]
    index_url: str | None
    rounds: int
    timeout: float
    take_counters: Callable[[], dict[str, int]] | None  # the replay index's; None against the configured index
    say: Callable[[str], None]
    budget: float = float("inf")  # seconds of one case after which a tool skips the remaining rounds


class Outcome(NamedTuple):
    """One tool on one workload in one mode."""

    workload: str
    mode: str
    tool: str
    samples: tuple[dict[str, float], ...]  # seconds "wall", "user", "system"; bytes "peak"
    pins: dict[str, str]
    traffic: dict[str, int]  # of the last round; empty if it is not known
    cache_bytes: int
    failure: str | None  # why there are no more samples
    peak: float = 0.0  # bytes of the whole process tree, in one more run that is not timed; 0 if there was none
    solve: float | None = None  # seconds our solver took offline, by its own report

    def to_json(self) -> dict[str, Any]:
        """Return the outcome for a results file."""
        return {**self._asdict(), "samples": list(self.samples)}


def run_case(bench: Bench, workload: Workload, mode: str, tools: Sequence[Installed]) -> list[Outcome]:
    """Run one workload in one mode with every tool that supports it; a tool that fails skips later rounds."""
    tools_here = [entry.tool for entry in tools if entry.tool.dated or not (workload.prior_to or workload.python)]
    taking_part = [tool for tool in tools_here if mode != "check" or tool.checks]
    jobs = {tool.name: _job(bench, workload, mode, tool) for tool in taking_part}
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in jobs}
    traffic: dict[str, dict[str, int]] = {name: {} for name in jobs}
    failures = {tool.name: _fill(bench, jobs[tool.name], tool) for tool in taking_part}
    for number in range(bench.rounds):
        turn = number % len(taking_part)
        for tool in taking_part[turn:] + taking_part[:turn]:
            if failures[tool.name] or sum(sample["wall"] for sample in samples[tool.name]) > bench.budget:
                continue
            result, traffic[tool.name] = _measured(bench, jobs[tool.name], tool)
            failures[tool.name] = failure(result, jobs[tool.name], tool, bench.timeout)
            if not failures[tool.name]:
                samples[tool.name].append(result)
            outcome = failures[tool.name] or f"{result['wall']:.2f} s"
            bench.say(f"{workload.name} {mode} {number + 1}/{bench.rounds} {tool.name}: {outcome}")
    return [
        Outcome(workload.name, mode, tool.name, tuple(samples[tool.name]), _pins(job, tool, failures[tool.name]),
                traffic[tool.name], _size(job.cache), failures[tool.name],
                _weighed(bench, job, tool) if _worth_weighing(samples[tool.name], failures[tool.name]) else 0.0)
        for tool in taking_part for job in [jobs[tool.name]]
    ]  # fmt: skip


def _job(bench: Bench, workload: Workload, mode: str, tool: Tool) -> Job:
    folder = bench.folder / workload.name / mode / tool.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sources = tuple(Path(shutil.copy(source, folder)) for source in workload.sources)
    own = workload._replace(sources=sources)
    return Job(own, mode, folder, folder / "cache", bench.index_url, sys.executable)


def _fill(bench: Bench, job: Job, tool: Tool) -> str | None:
    """Fill the cache once, unmeasured, if the mode starts with a full one."""
    if job.mode == "cold":
        return None
    bench.say(f"{job.workload.name} {job.mode}: filling the cache of {tool.name}")
    result = run_once(bench, job._replace(mode="filling"), tool)
    return failure(result, job, tool, bench.timeout)


def _measured(bench: Bench, job: Job, tool: Tool) -> tuple[dict[str, float], dict[str, int]]:
    _clear(job, tool)
    if bench.take_counters:
        bench.take_counters()
    result = run_once(bench, job, tool)
    return result, bench.take_counters() if bench.take_counters else {}


def _worth_weighing(samples: Sequence[Mapping[str, float]], failure: str | None) -> bool:
    """Return whether one more run is quick enough; for a slow tool the figure of its largest process is used."""
    return not failure and samples[-1]["wall"] < _SLOW


def _weighed(bench: Bench, job: Job, tool: Tool) -> float:
    """Return the peak of one more run."""
    _clear(job, tool)
    return run_once(bench, job, tool, _WEIGH)["peak"]


def _clear(job: Job, tool: Tool) -> None:
    """Remove what the mode does not start with."""
    if job.mode == "cold":
        for folder in (job.cache, job.folder / "home"):
            shutil.rmtree(folder, ignore_errors=True)
    if job.mode != "check":
        (job.folder / tool.output).unlink(missing_ok=True)


def run_once(bench: Bench, job: Job, tool: Tool, with_: Path = _MEASURE) -> dict[str, float]:
    """Run one command and return its figures and exit status; ``with_`` is the measuring script."""
    report = job.folder / "figures.json"
    command = [sys.executable, "-I", "-S", str(with_), str(report), str(bench.timeout), str(job.folder / "log")]
    environment = dict(bench.environment(job.folder / "home"))
    subprocess.run([*command, *tool.command(job)], check=True, cwd=job.folder, env=environment)
    figures: dict[str, float] = json.loads(report.read_text(encoding="utf-8"))
    return figures


def failure(result: Mapping[str, float], job: Job, tool: Tool, timeout: float) -> str | None:
    """Return why a run failed, in one line without host names; None if it succeeded."""
    if result["wall"] >= timeout:
        return f"over {timeout:.0f} s"
    if not job.workload.possible:
        return None if result["status"] == 1 else f"exit {result['status']:.0f}, where the list must be refused"
    if result["status"] or not (job.folder / tool.output).exists():
        lines = (job.folder / "log").read_text(encoding="utf-8", errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "no message")
        return f"exit {result['status']:.0f}: {_HOST.sub('INDEX', last.strip())[:160]}"
    return None


def _pins(job: Job, tool: Tool, failure: str | None) -> dict[str, str]:
    return {} if failure or not job.workload.possible else read_pins(job.folder / tool.output)


def _size(folder: Path) -> int:
    files: Iterable[Path] = folder.rglob("*") if folder.exists() else ()
    return sum(file.stat().st_size for file in files if file.is_file() and not file.is_symlink())
