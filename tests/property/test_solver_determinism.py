"""Equal facts give equal answers, questions and arguments, whatever the hash seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
from random import Random
from pipx_parallel.resolver.solver import Impossible, solve
from tests.property.strategies import universe_of
from tests.support.fake_source import FakeSource
from tests.support.plain_argument import explanation
for seed in range(300):
    universe = universe_of(Random(seed))
    source = FakeSource(universe)
    result = solve(source, universe.roots)
    if isinstance(result, Impossible):
        print(seed, explanation(result), result.counts)
    else:
        print(seed, list(result.chosen.items()), result.dependencies, result.held, result.counts)
    print(source.asked, source.prepared, source.hinted)
"""


def output(hash_seed: str, folder: Path) -> str:
    """Run the program under a hash seed."""
    environ = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True, env=environ, cwd=folder
    ).stdout


def test_the_hash_seed_changes_nothing(tmp_path: Path) -> None:
    """Every call to the source, in order, and every word of the outcome."""
    first = output("1", tmp_path)

    assert len(first) > 10_000
    assert output("2", tmp_path) == first
