"""The progress line: what it says while something is resolved or built."""

from __future__ import annotations

import io

from pipx_parallel.console import Printer
from pipx_parallel.progress import Progress


def test_a_build_is_named_with_its_seconds() -> None:
    """The first of several, and how many more; afterwards the line is that of the resolution again."""
    now = [0.0]
    printer = Printer(io.StringIO(), 0, colour=False, columns=lambda: 80)
    progress = Progress(printer, lambda: now[0], draws=False)
    progress.planned("metadata", "b")

    progress.building("a 1.0")
    now[0] = 12.4
    progress.building("b 2.0")
    building = progress.line()
    progress.built("a 1.0")
    other = progress.line()
    progress.built("b 2.0")

    assert building == "Building a 1.0 (12 s) and 1 more"
    assert other == "Building b 2.0 (0 s)"
    assert progress.line() == "Resolving 0/1 (b)"
