"""Our own wheel, built from a clean copy of the tree under test."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.checkout import clean_copy

if TYPE_CHECKING:
    from pathlib import Path


def build_own_wheel(folder: Path) -> Path:
    """Build our wheel in an empty folder, without the network, and return its path."""
    tree, out = clean_copy(folder / "tree"), folder / "out"
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*command, "-w", str(out), str(tree)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl"))
