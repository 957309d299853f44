"""Lists of projects in pairs: ``--only-binary`` excludes ``--no-binary``, ``--all-releases`` excludes ``--only-final``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

ALL = ":all:"


def listed_in(name: str, chosen: Container[str], other: Container[str]) -> bool | None:
    """Return True where a project is in the first list, False where in the second, None where in neither.

    As in pip, a project's own name goes before ``:all:``, whichever list either stands in.
    """
    if name in chosen:
        return True
    if name in other:
        return False
    if ALL in chosen:
        return True
    return False if ALL in other else None
