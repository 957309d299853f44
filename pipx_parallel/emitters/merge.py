"""Merge several resolutions into one list: one entry if the targets agree on a pin, entries with markers if they differ."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from mirror.equality import equal_by_type
from pipx_parallel.emitters.plain_text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mirror.records.model import DistFile, FetchFailure
    from pipx_parallel.model import Pin, Resolution, Target

# PEP 508 variables, in order of preference for distinguishing environments.
_VARIABLES = (
    "python_version",
    "sys_platform",
    "platform_machine",
    "implementation_name",
    "python_full_version",
    "platform_python_implementation",
    "os_name",
    "platform_system",
    "implementation_version",
)
_ENVIRONMENT = _VARIABLES[:4]


@equal_by_type
class LockEntry(NamedTuple):
    """One pin of a lock. ``installable`` is the union over the targets that have it, sorted by file name."""

    pin: Pin
    marker: str | None  # None: for every target of the lock
    installable: tuple[DistFile, ...]


def merge(resolutions: Sequence[Resolution]) -> tuple[LockEntry, ...]:
    """Return the pins of all resolutions, sorted by name, then by the first target that has them.

    Of the entries of one name exactly one has a marker that is true, in each target that has the project.
    """
    if len(resolutions) == 1:
        return tuple(LockEntry(pin, None, _by_name(pin.installable)) for pin in resolutions[0].pins)
    groups: dict[tuple[str, str, str | None, str | None], list[tuple[int, Pin]]] = {}
    for number, resolution in enumerate(resolutions):
        for pin in resolution.pins:
            groups.setdefault((pin.name, pin.version, pin.url, pin.index), []).append((number, pin))
    targets = [resolution.target for resolution in resolutions]
    ordered = sorted(groups.values(), key=lambda members: (members[0][1].name, members[0][0]))
    return tuple(_entry(members, targets) for members in ordered)


def environments(targets: Sequence[Target]) -> tuple[str, ...]:
    """Return the markers of the targets, without duplicates: ``environments`` of PEP 751."""
    variables = list(_ENVIRONMENT)
    distinct = _distinguishing(targets, range(len(targets)))
    variables += [name for name in distinct if name not in variables]
    markers = (_conjunction(_values(target, variables)) for target in targets)
    return tuple(dict.fromkeys(marker for marker in markers if marker))


def missing(resolutions: Sequence[Resolution]) -> tuple[FetchFailure, ...]:
    """Return the failures of all targets, without duplicates, sorted by project and release."""
    failures: dict[tuple[str, str], FetchFailure] = {}
    for resolution in resolutions:
        for failure in resolution.missing:
            failures.setdefault((failure.project, failure.release or ""), failure)
    return tuple(failures[key] for key in sorted(failures))


def missing_lines(resolutions: Sequence[Resolution]) -> Iterator[str]:
    """Yield one comment line per failure."""
    for failure in missing(resolutions):
        yield f"# MISSING: {one_line(failure.message)}"


def _entry(members: list[tuple[int, Pin]], targets: Sequence[Target]) -> LockEntry:
    files = {file.filename: file for _, pin in members for file in pin.installable}
    chosen = [number for number, _ in members]
    return LockEntry(members[0][1], _marker(chosen, targets), tuple(files[name] for name in sorted(files)))


def _marker(chosen: Sequence[int], targets: Sequence[Target]) -> str | None:
    """Return the marker that is true in the chosen targets and false in the others, None if all are chosen."""
    if len(set(chosen)) == len(targets):
        return None
    variables = _distinguishing(targets, chosen)
    rows = dict.fromkeys(_values(targets[number], variables) for number in chosen)
    terms = [_conjunction(row) for row in rows]
    if len(terms) == 1:
        return terms[0] or None
    return " or ".join(f"({term})" if " and " in term else term for term in terms)


def _distinguishing(targets: Sequence[Target], chosen: Iterable[int]) -> tuple[str, ...]:
    """Return the fewest variables whose values distinguish the chosen targets from the rest (or all from each other)."""
    inside = set(chosen)
    has_others = len(inside) < len(targets)
    for size in range(1, len(_VARIABLES) + 1):
        for variables in combinations(_VARIABLES, size):
            rows = [_values(target, variables) for target in targets]
            ours = {rows[number] for number in inside}
            others = {row for number, row in enumerate(rows) if number not in inside}
            if (ours.isdisjoint(others)) if has_others else (len(ours) == len(targets)):
                return variables
    return _ENVIRONMENT  # two targets have equal markers, so no marker can distinguish them


def _values(target: Target, variables: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, target.markers.get(name, "")) for name in variables)


def _conjunction(row: Iterable[tuple[str, str]]) -> str:
    return " and ".join(f'{name} == "{value}"' for name, value in row if value and '"' not in value)


def _by_name(files: tuple[DistFile, ...]) -> tuple[DistFile, ...]:
    return files if len(files) < 2 else tuple(sorted(files, key=_filename))  # most pins have one file


def _filename(file: DistFile) -> str:
    return file.filename
