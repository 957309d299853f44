"""Merge several resolutions into one list: one entry if the targets agree on a pin, entries with markers if they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mirror.equality import equal_by_type
from pipx_parallel.emitters.plain_text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mirror.records.model import DistFile, FetchFailure
    from pipx_parallel.locks.target_markers import TargetSet
    from pipx_parallel.model import Pin, Resolution, Target


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
    from pipx_parallel.locks.target_markers import TargetSet  # only with several targets

    groups: dict[tuple[str, str, str | None, str | None], list[tuple[int, Pin]]] = {}
    for number, resolution in enumerate(resolutions):
        for pin in resolution.pins:
            groups.setdefault((pin.name, pin.version, pin.url, pin.index), []).append((number, pin))
    targets = TargetSet([resolution.target for resolution in resolutions])
    ordered = sorted(groups.values(), key=lambda members: (members[0][1].name, members[0][0]))
    return tuple(_entry(members, targets) for members in ordered)


def target_labels(targets: Sequence[Target]) -> list[str]:
    """Return how the targets are called, those that differ only in their Python as one."""
    if len(targets) < 2:
        return [target.label for target in targets]
    from pipx_parallel.locks.target_labels import labels  # only with several targets

    return labels(targets)


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


def _entry(members: list[tuple[int, Pin]], targets: TargetSet) -> LockEntry:
    files = {file.filename: file for _, pin in members for file in pin.installable}
    marker = targets.marker(number for number, _ in members)
    return LockEntry(members[0][1], marker, tuple(files[name] for name in sorted(files)))


def _by_name(files: tuple[DistFile, ...]) -> tuple[DistFile, ...]:
    return files if len(files) < 2 else tuple(sorted(files, key=_filename))  # most pins have one file


def _filename(file: DistFile) -> str:
    return file.filename
