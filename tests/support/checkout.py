"""Where the source tree under test is, and a clean copy of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# .ci/run tests the installed wheel from a folder without the two packages, and says here where the whole tree is.
VARIABLE = "CHECKOUT_UNDER_TEST"
_LEFTOVERS = (".git", "build", "dist", "*.egg-info", "__pycache__", ".venv*", ".*_cache", ".hypothesis", ".coverage*")


def checkout() -> Path:
    """Return the root of the source tree: from the environment, else the one that holds this file."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path(__file__).resolve().parents[2]


def clean_copy(target: Path) -> Path:
    """Copy the source tree to ``target`` without what git ignores, and return ``target``."""
    shutil.copytree(checkout(), target, ignore=shutil.ignore_patterns(*_LEFTOVERS))
    return target
