"""What a lock costs, counted instead of timed: requests, store reads, and parses of versions, requirements and markers.

The bounds are written per project of the answer, so that work which grows faster than the answer breaks them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.conftest import Run
from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex

DIRECT = 20
RELEASES = 30
LOCKED = 2 * DIRECT + 1
# Counts every call of a Python function, then prints how often which was called. One processor: pages are read in this process.
COUNTED = """
import collections, json, os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
calls = collections.Counter()
def note(frame, event, _):
    if event == "call":
        calls[f"{frame.f_globals.get('__name__')}:{frame.f_code.co_qualname}"] += 1
sys.setprofile(note)
from pipx_parallel.__main__ import main
code = main()
sys.setprofile(None)
print(json.dumps([code, calls]))
"""


class Costs(NamedTuple):
    """How often each was done."""

    requests: int
    store_reads: int
    versions: int
    requirements: int  # by packaging, or by our own reader of plain ones
    markers: int
    specifiers: int


CountedLock = Callable[..., Costs]


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve 20 projects that each need a library of their own, all of which need one base; 30 releases of each."""
    bases = ["base>=1; python_version >= '3.8'"]
    versions = [f"1.{number}" for number in range(RELEASES)]
    projects = {"base": [wheel("base", version) for version in versions]}
    for number in range(DIRECT):
        requirement_lines = [f"lib-{number}>=1,<2", *bases]
        projects[f"app-{number}"] = [wheel(f"app-{number}", version, requirement_lines) for version in versions]
        projects[f"lib-{number}"] = [wheel(f"lib-{number}", version, ["base>=1"]) for version in versions]
    with LoopbackIndex(projects) as served:
        yield served


@pytest.fixture
def lock(home: Path, spawn: Run, index: LoopbackIndex) -> CountedLock:
    """Return a function that locks the 20 and counts."""
    (home / "r.txt").write_text("".join(f"app-{number}\n" for number in range(DIRECT)), encoding="utf-8")

    def counted(*flags: str) -> Costs:
        before = len(index.requests_seen)
        ran = spawn("lock", "r.txt", "-o", "locked.txt", *flags, script=COUNTED)
        code, calls = json.loads(ran.out.splitlines()[-1])
        assert code == 0, ran.err
        return Costs(
            len(index.requests_seen) - before,
            calls.get("mirror.store.disk:DiskStore.get_many", 0),
            calls.get("packaging.version:Version.__init__", 0),
            calls.get("packaging.requirements:Requirement.__init__", 0)
            + calls.get("mirror.records.dependency_sets:compile_requirement", 0),
            calls.get("packaging.markers:Marker.__init__", 0),
            calls.get("packaging.specifiers:SpecifierSet.__init__", 0),
        )

    return counted


@pytest.mark.skipif(os.name == "nt", reason="the counts are the same, the start of a process is not")
def test_a_cold_lock_asks_and_parses_once_per_project(lock: CountedLock) -> None:
    """A page and the metadata of one file each; what repeats among releases and projects is parsed once."""
    costs = lock()

    assert costs.requests == 2 * LOCKED
    assert costs.store_reads <= LOCKED
    assert costs.requirements <= 3 * DIRECT  # the lines of the 41 files that were read
    assert costs.versions <= 10  # of 1,230 releases
    assert costs.markers <= 1  # of 20 that are spelled alike
    assert costs.specifiers <= 4


@pytest.mark.skipif(os.name == "nt", reason="as above")
def test_a_warm_offline_lock_parses_nothing(lock: CountedLock) -> None:
    """Two records a project are read, and everything in them is already parsed."""
    lock()
    lock("--offline")

    costs = lock("--offline")

    assert 0 < costs.store_reads <= 2 * LOCKED
    assert costs._replace(store_reads=0) == (0, 0, 0, 0, 0, 0)


@pytest.mark.skipif(os.name == "nt", reason="as above")
def test_a_fresh_check_reads_only_what_became_of_the_pins(lock: CountedLock) -> None:
    """The lock's own digest answers; the mirror is read in one statement."""
    lock()

    assert lock("--check") == (0, 1, 0, 0, 0, 0)
