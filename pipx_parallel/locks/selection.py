"""Markers of a lock for a selection of its extras and groups (PEP 751). Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

# PEP 751's two marker variables that a requirement's marker cannot have.
_CHOICE = re.compile(r"(?P<q>['\"])(?P<name>[^'\"]+)(?P=q)\s+(?P<no>not\s+)?in\s+(?P<list>extras|dependency_groups)\b")
_ALWAYS, NEVER = "python_version >= '0'", "python_version < '0'"
_ONLY_CHOICES = re.compile(rf"(?:{_ALWAYS}|{NEVER}|and|or|[()\s])+")


def decided(marker: str, extras: Collection[str], groups: Collection[str]) -> str | None:
    """Return what a marker says of the environment for these extras and groups; None if it is true, ``NEVER`` if it is false."""
    from packaging.markers import Marker  # 45 ms, only for locks with extras or groups
    from packaging.utils import canonicalize_name

    chosen = {"extras": set(map(canonicalize_name, extras)), "dependency_groups": set(map(canonicalize_name, groups))}

    def decide(match: re.Match[str]) -> str:
        requested = canonicalize_name(match["name"]) in chosen[match["list"]]
        return _ALWAYS if requested != bool(match["no"]) else NEVER

    text = _CHOICE.sub(decide, marker)
    if text == marker or not _ONLY_CHOICES.fullmatch(text):
        return text
    return None if Marker(text).evaluate() else NEVER
