"""What gives the parts of an output their colors; ``console`` has the colors."""

from __future__ import annotations

from collections.abc import Callable

Paint = Callable[[str, str], str]  # the kind of a part ("branch", "version", "note", …), its text -> the text to print


def unpainted(_: str, text: str) -> str:
    """Return a part of an output as it is."""
    return text
