"""What a project's own files say it needs, whatever file says it; and the hook of builds."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mirror.names import normalize_name
from pipx_parallel.model import Origin
from pipx_parallel.requirements.refusal import quoted, refusal


class Wanted(NamedTuple):
    """Which parts of a project are to be locked."""

    extras: tuple[str, ...] = ()  # normalised
    groups: tuple[str, ...] = ()
    build_requires: bool = False
    dependencies: bool = True  # False: only the groups are asked for


class Declared(NamedTuple):
    """What a project declares, of what was wanted: requirements with their places, in order."""

    requirements: tuple[tuple[str, Origin], ...]
    requires_python: str | None = None
    files: tuple[tuple[str, Origin], ...] = ()  # requirements files it points to (setuptools' ``file:``), read as well


class BuiltProject(NamedTuple):
    """What a build backend says of a project (core metadata)."""

    requires_dist: tuple[str, ...]
    requires_python: str | None = None


ProjectBuild = Callable[[str], BuiltProject]  # folder -> metadata; raises RequirementsError or a MirrorError

_EXTRA_LAST = r"(?s)(?:(?P<rest>.+?)\s+and\s+)?extra\s*==\s*(?P<q>['\"])(?P<extra>[^'\"]+)(?P=q)"
_EXTRA_FIRST = r"(?s)extra\s*==\s*(?P<q>['\"])(?P<extra>[^'\"]+)(?P=q)\s+and\s+(?P<rest>.+)"


def check_extras(wanted: Sequence[str], available: Sequence[str], origin: Origin) -> None:
    """Raise ``RequirementsError`` for an extra that the project does not have."""
    missing = [extra for extra in wanted if extra not in available]
    if missing:
        names = ", ".join(sorted(available)) or "none"
        raise refusal(origin, f"there is no extra {quoted(missing[0])}", f"the extras are: {names}")


def from_built(built: BuiltProject, wanted: Wanted, origin: Origin) -> Declared:
    """Return the requirements of built metadata, those of the wanted extras without their ``extra ==`` marker."""
    requirements: list[tuple[str, Origin]] = []
    available: list[str] = []
    for text in built.requires_dist:
        head, _, marker = text.partition(";")
        if "extra" not in marker:
            requirements.append((text, origin))
            continue
        match = re.fullmatch(_EXTRA_LAST, marker.strip()) or re.fullmatch(_EXTRA_FIRST, marker.strip())
        rest = (match["rest"] or "").strip() if match else ""
        if match is None or "extra" in rest or (" or " in rest and not rest.startswith("(")):
            raise refusal(
                origin,
                f"the backend wrote a marker that cannot be split: {quoted(text)}",
                "write it as … and extra == 'name'",
            )
        extra = normalize_name(match["extra"])
        available.append(extra)
        if extra in wanted.extras:
            requirements.append((f"{head.strip()} ; {rest}" if rest else head.strip(), origin))
    check_extras(wanted.extras, available, origin)
    return Declared(tuple(requirements), built.requires_python)
