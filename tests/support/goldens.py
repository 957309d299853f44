"""Compares a text with the one under ``tests/golden/``; ``UPDATE_GOLDENS=1`` writes it instead, to be reviewed."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "golden"


def assert_golden(name: str, text: str) -> None:
    """Fail where ``text`` differs from the file ``name``."""
    path = FOLDER / name
    if os.environ.get("UPDATE_GOLDENS"):
        path.write_bytes(text.encode("utf-8"))

    assert text == path.read_bytes().decode("utf-8")
