"""Pairs of project lists: ``--only-binary`` and ``--no-binary``, ``--all-releases`` and ``--only-final``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

ALL = ":all:"


def listed_in(name: str, chosen: Container[str], other: Container[str]) -> bool | None:
    """Return True if a project is in the first list, False if it is in the second, None if it is in neither.

    As in pip, a project's own name takes precedence over ``:all:``, in whichever list each is.
    """
    if name in chosen:
        return True
    if name in other:
        return False
    if ALL in chosen:
        return True
    return False if ALL in other else None
