"""The dependencies that a project declares, in whatever file, and the hook for builds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from mirror.equality import NamedTuple
from mirror.names import normalize_name
from pipx_parallel.model import Origin, Part, Parts
from pipx_parallel.requirements.refusal import quoted, refusal


class Wanted(NamedTuple):
    """The parts of a project to lock."""

    extras: tuple[str, ...] = ()  # normalised
    groups: tuple[str, ...] = ()
    build_requires: bool = False
    dependencies: bool = True  # False: only the groups
    all_extras: bool = False
    all_groups: bool = False

    def extras_of(self, available: Sequence[str], origin: Origin) -> tuple[str, ...]:
        """Return the wanted extras. Raises ``RequirementsError`` for one that the project does not have."""
        check_extras(self.extras, available, origin)
        return tuple(dict.fromkeys((*self.extras, *(available if self.all_extras else ()))))

    def left_out(self, extras: Iterable[str], groups: Iterable[str] = ()) -> tuple[Part, ...]:
        """Return the parts of a project as not wanted; none if any part was named: then the user knows of them."""
        if self != Wanted():
            return ()
        rows = (*(("extra", name) for name in extras), *(("group", name) for name in groups))
        return tuple(dict.fromkeys(Part(kind, normalize_name(name)) for kind, name in rows))


class Declared(NamedTuple):
    """The wanted requirements that a project declares, with their origins, in order."""

    requirements: tuple[tuple[str, Origin], ...]
    requires_python: str | None = None
    files: tuple[tuple[str, Origin], ...] = ()  # requirements files it refers to (setuptools' ``file:``)
    extras: tuple[str, ...] = ()  # those among the wanted
    parts: Parts | None = None  # as a pyproject.toml describes them
    left_out: tuple[Part, ...] = ()  # its extras and groups, if none of them was wanted


class BuiltProject(NamedTuple):
    """The core metadata of a project, from its build backend."""

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
        if wanted.all_extras or extra in wanted.extras:
            own = origin._replace(part=Part("extra", extra))
            requirements.append((f"{head.strip()} ; {rest}" if rest else head.strip(), own))
    extras = wanted.extras_of(tuple(dict.fromkeys(available)), origin)
    return Declared(tuple(requirements), built.requires_python, extras=extras, left_out=wanted.left_out(available))
