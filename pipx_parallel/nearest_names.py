"""The nearest of the names that exist, for people who mistyped one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CLOSE = 0.75  # of 1: "reqeusts" to "requests" is 0.88, "flask" to "black" 0.6


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the name among ``known`` that is closest to ``name``, or None where none is close; never ``name`` itself."""
    from difflib import get_close_matches  # 3 ms, only on the way to an error

    names = sorted({other for other in known if other != name})
    return next(iter(get_close_matches(name, names, n=1, cutoff=_CLOSE)), None)
