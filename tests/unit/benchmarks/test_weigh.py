"""Memory is that of the whole process tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import weigh

SIZE = 40_000_000
# Two processes, each with a block of its own; the first waits for the second.
FORKS = f"""
import os, time
child = os.fork()
block = bytearray({SIZE})
block[::4096] = b"x" * len(block[::4096])
time.sleep(0.5)
if child:
    os.waitpid(child, 0)
"""


def weighed(tmp_path: Path, *command: str, timeout: float = 20.0) -> dict[str, float]:
    """Weigh a command as the harness does."""
    result = tmp_path / "figures.json"
    script = [sys.executable, "-I", "-S", weigh.__file__, str(result), str(timeout), str(tmp_path / "log")]
    subprocess.run([*script, *command], check=True)
    figures: dict[str, float] = json.loads(result.read_text(encoding="utf-8"))
    return figures


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="the system does not say")
def test_a_forked_process_is_weighed_with_its_parent(tmp_path: Path) -> None:
    """The largest process alone would be half of it."""
    figures = weighed(tmp_path, sys.executable, "-S", "-c", FORKS)

    assert figures["status"] == 0
    assert 2 * SIZE < figures["peak"] < 3 * SIZE


@pytest.mark.skipif(os.name == "nt", reason="needs wait4")
def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """With all it started."""
    figures = weighed(tmp_path, sys.executable, "-S", "-c", "import time; time.sleep(60)", timeout=0.3)

    assert figures["status"] == -9
