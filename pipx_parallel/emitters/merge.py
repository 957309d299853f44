"""Merge several resolutions into one list: one entry if the targets agree on a pin, entries with markers if they differ.

Also who requires whom: the edges of all resolutions, grouped for the outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from pipx_parallel.emitters.plain_text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mirror.records.model import DistFile, FetchFailure
    from pipx_parallel.locks.target_markers import TargetSet
    from pipx_parallel.model import Origin, Parts, Pin, Resolution, RootRequirement, Target


class LockEntry(NamedTuple):
    """One pin of a lock. ``installable`` is the union over the targets that have it, sorted by file name."""

    pin: Pin
    marker: str | None  # None: for every target of the lock
    installable: tuple[DistFile, ...]


def merge(resolutions: Sequence[Resolution], parts: Parts | None = None) -> tuple[LockEntry, ...]:
    """Return the pins of all resolutions, sorted by name, then by the first target that has them.

    Of the entries of one name exactly one has a marker that is true, in each target that has the project. With ``parts`` the
    markers also say which extras and groups a pin is for.
    """
    if len(resolutions) == 1 and parts is None:
        return tuple(LockEntry(pin, None, _by_name(pin.installable)) for pin in resolutions[0].pins)
    from pipx_parallel.locks.target_markers import TargetSet  # only with several targets

    groups: dict[tuple[str, str, str | None, str | None], list[tuple[int, Pin]]] = {}
    for number, resolution in enumerate(resolutions):
        for pin in resolution.pins:
            groups.setdefault((pin.name, pin.version, pin.url, pin.index), []).append((number, pin))
    targets = TargetSet([resolution.target for resolution in resolutions])
    ordered = sorted(groups.values(), key=lambda members: (members[0][1].name, members[0][0]))
    if parts is None:
        markers = [targets.marker(number for number, _ in members) for members in ordered]
    else:
        markers = _part_markers(resolutions, ordered, parts, targets)
    return tuple(_entry(members, marker) for members, marker in zip(ordered, markers, strict=True))


def _part_markers(
    resolutions: Sequence[Resolution], entries: Sequence[list[tuple[int, Pin]]], parts: Parts, targets: TargetSet
) -> list[str | None]:
    from pipx_parallel.locks.part_markers import Member, PartSet  # only with extras or groups
    from pipx_parallel.locks.parts import holders_of  # as above

    part_set = PartSet(parts, targets)
    holders = [holders_of(resolution) for resolution in resolutions]
    return [
        part_set.marker(
            [
                Member(resolutions[number].fork, targets.cells_of(number), holders[number][pin.name])
                for number, pin in members
            ]
        )
        for members in entries
    ]


def target_labels(targets: Sequence[Target]) -> list[str]:
    """Return how the targets are called, those that differ only in their Python as one."""
    # A target occurs once for each set of conflicting extras and groups.
    targets = list({(target.label, target.python_from, target.python_until): target for target in targets}.values())
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


def _entry(members: list[tuple[int, Pin]], marker: str | None) -> LockEntry:
    files = {file.filename: file for _, pin in members for file in pin.installable}
    return LockEntry(members[0][1], marker, tuple(files[name] for name in sorted(files)))


def _by_name(files: tuple[DistFile, ...]) -> tuple[DistFile, ...]:
    return files if len(files) < 2 else tuple(sorted(files, key=_filename))  # most pins have one file


def _filename(file: DistFile) -> str:
    return file.filename


def children(resolutions: Sequence[Resolution]) -> dict[str, tuple[str, ...]]:
    """Return the direct dependencies of each project, sorted; "" is the user."""
    children_of: dict[str, set[str]] = {}
    for resolution in resolutions:
        for edge in resolution.edges:
            if edge.parent_project != edge.child:
                children_of.setdefault(edge.parent_project, set()).add(edge.child)
    return {parent: tuple(sorted(names)) for parent, names in children_of.items()}


def requesters(
    resolutions: Sequence[Resolution], constraints: Sequence[RootRequirement] = ()
) -> dict[str, tuple[str, ...]]:
    """Return who requires each project: the user's sources first (``-r requirements.in``), then projects, sorted.

    A project counts once, whichever of its extras requires another. ``constraints`` name their file for what they constrain.
    """
    sources: dict[str, set[str]] = {}
    parents: dict[str, set[str]] = {}
    for resolution in resolutions:
        for edge in resolution.edges:
            if edge.parent_project == edge.child:
                continue  # an extra of the project's own
            if edge.parent:
                parents.setdefault(edge.child, set()).add(edge.parent_project)
            elif edge.origin is not None:
                sources.setdefault(edge.child, set()).add(source_words(edge.origin))
    for constraint in constraints:
        if constraint.name in sources or constraint.name in parents:
            sources.setdefault(constraint.name, set()).add(source_words(constraint.origin, constraint=True))
    return {
        name: (*sorted(sources.get(name, ())), *sorted(parents.get(name, ()))) for name in sorted({*sources, *parents})
    }


def source_words(origin: Origin, *, constraint: bool = False) -> str:
    """Return a source in pip's words: ``-r requirements.in``, ``-c limits.txt``, ``--packages``; or a project's, in uv's."""
    if origin.label:
        return origin.label
    source = origin.source
    if source.startswith("--") or source.endswith((".toml", ".cfg", ".py")):
        return source
    return f"{'-c' if constraint else '-r'} {source}"


def extras(resolutions: Sequence[Resolution]) -> dict[str, tuple[str, ...]]:
    """Return the requested extras of each project, normalised (PEP 685) and sorted; projects without extras are omitted."""
    extras_of: dict[str, set[str]] = {}
    for resolution in resolutions:
        for root in resolution.roots:
            if root.extras and not root.constraint:
                extras_of.setdefault(root.name, set()).update(root.extras)
        for edge in resolution.edges:
            if edge.extras and edge.parent_project != edge.child:
                extras_of.setdefault(edge.child, set()).update(edge.extras)
    return {name: tuple(sorted(names)) for name, names in extras_of.items() if names}


def roots_by_name(resolutions: Sequence[Resolution]) -> Mapping[str, RootRequirement]:
    """Return for each project the user's first requirement with a URL, else the first one."""
    roots: dict[str, RootRequirement] = {}
    for resolution in resolutions:
        for root in resolution.roots:
            first = roots.get(root.name)
            if first is None or (first.url is None and root.url is not None):
                roots[root.name] = root
    return roots
