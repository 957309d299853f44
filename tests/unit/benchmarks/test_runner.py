"""Rounds of real processes: who runs when, what is wiped, and what becomes of failures."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.peers import Installed
from benchmarks.runner import Bench, run_case
from benchmarks.tools import Job
from benchmarks.workloads import Workload

pytestmark = pytest.mark.skipif(os.name == "nt", reason="figures come from wait4")

_WRITE = (
    "import os, sys; os.makedirs(sys.argv[2], exist_ok=True); open(sys.argv[1], 'a').write('a==1\\n' if {ok} else '')"
)


class Script:
    """A tool that is a line of Python; it remembers what it found when it was asked for its command."""

    note = ""
    output = "requirements.txt"
    offline = checks = True
    dated = False

    def __init__(self, name: str, code: str) -> None:
        """Take the line; ``sys.argv`` holds the output and the cache folder."""
        self.name, self.code = name, code
        self.found: list[tuple[str, bool, bool]] = []  # mode, is there a cache, is there an output

    def command(self, job: Job) -> list[str]:
        """Return the command line."""
        output = job.folder / self.output
        self.found.append((job.mode, job.cache.exists(), output.exists()))
        return [sys.executable, "-c", self.code, str(output), str(job.cache)]


def _environment(home: Path) -> Mapping[str, str]:
    del home
    return os.environ


def _run(
    tmp_path: Path, mode: str, *scripts: Script, rounds: int = 3, budget: float = 1000.0
) -> tuple[list[str], list[str | None]]:
    source = tmp_path / "w.in"
    source.write_text("a\n", encoding="utf-8")
    lines: list[str] = []
    bench = Bench(tmp_path / "work", _environment, None, rounds, 20.0, None, lines.append, budget)
    outcomes = run_case(bench, Workload("w", (source,)), mode, [Installed(script, "1") for script in scripts])
    order = [line.split()[3].rstrip(":") for line in lines if "/" in line]
    full = [outcome.samples for outcome in outcomes if len(outcome.samples) == rounds or outcome.failure]
    assert len(full) == len(outcomes) or budget < 1000.0
    return order, [outcome.failure for outcome in outcomes]


def test_tools_take_turns_and_another_one_begins_each_round(tmp_path: Path) -> None:
    """So that no tool always runs on a machine that another one has just warmed."""
    first, second = Script("one", _WRITE.format(ok=True)), Script("two", _WRITE.format(ok=True))

    order, _ = _run(tmp_path, "cold", first, second)

    assert order == ["one", "two", "two", "one", "one", "two"]


def test_every_cold_run_starts_without_cache_and_output(tmp_path: Path) -> None:
    """Nothing of the round before is left."""
    tool = Script("one", _WRITE.format(ok=True))

    _run(tmp_path, "cold", tool)

    assert tool.found == [("cold", False, False)] * 4  # the last one is weighed


def test_offline_runs_find_a_filled_cache_and_no_output_and_checks_find_both(tmp_path: Path) -> None:
    """The filling run is not measured."""
    offline, check = (Script("one", _WRITE.format(ok=True)) for _ in range(2))

    _run(tmp_path, "offline", offline, rounds=2)
    _run(tmp_path, "check", check, rounds=2)

    assert offline.found == [("filling", False, False), *[("offline", True, False)] * 3]  # the last one is weighed
    assert check.found == [("filling", False, False), *[("check", True, True)] * 3]


def test_a_tool_that_fails_says_why_without_a_host_and_runs_no_more(tmp_path: Path) -> None:
    """The others go on."""
    bad = Script("bad", "import sys; sys.exit('no answer from https://index.example/simple/a/')")
    good = Script("good", _WRITE.format(ok=True))

    order, failures = _run(tmp_path, "cold", bad, good)

    assert order == ["bad", "good", "good", "good"]
    assert failures == ["exit 1: no answer from https://INDEX/simple/a/", None]


def test_a_tool_over_its_time_budget_skips_the_round(tmp_path: Path) -> None:
    """Each tool runs once."""
    order, failures = _run(tmp_path, "cold", Script("one", _WRITE.format(ok=True)), rounds=3, budget=0.0)

    assert (order, failures) == (["one"], [None])


def test_a_list_that_must_be_refused_is_measured_until_its_refusal(tmp_path: Path) -> None:
    """Exit code 1 is the answer, and any other code is a failure; a tool that locks for this day alone does not take part."""
    refuses, locks, other = (
        Script(name, code) for name, code in (("no", "raise SystemExit(1)"), ("yes", ""), ("old", ""))
    )
    refuses.dated = locks.dated = True
    source = tmp_path / "w.in"
    source.write_text("a\n", encoding="utf-8")
    workload = Workload("w", (source,), "3.11", "2024-01-01T00:00:00Z", possible=False)
    bench = Bench(tmp_path / "work", _environment, None, 2, 20.0, None, lambda _: None, 1000.0)

    outcomes = run_case(bench, workload, "cold", [Installed(script, "1") for script in (refuses, locks, other)])

    assert [(outcome.tool, len(outcome.samples), outcome.failure) for outcome in outcomes] == [
        ("no", 2, None),
        ("yes", 0, "exit 0, where the list must be refused"),
    ]
