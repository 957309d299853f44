"""The closest existing name, for "did you mean" hints."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CLOSE = 0.75  # of 1: "reqeusts" to "requests" is 0.88, "flask" to "black" 0.6


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name among ``names`` that is closest to ``name``, None if none is close; never ``name`` itself."""
    from difflib import get_close_matches  # 3 ms, only for an error

    others = sorted({other for other in names if other != name})
    return next(iter(get_close_matches(name, others, n=1, cutoff=_CLOSE)), None)
