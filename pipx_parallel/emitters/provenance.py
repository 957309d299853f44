"""Who requires whom: the edges of a resolution, grouped for the outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.model import Origin, Resolution, RootRequirement


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
