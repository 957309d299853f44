"""The parts of a lock: which can be installed together, and which of them a pin is for. Pure.

A part is an extra, a dependency group, or the project's own dependencies (None). Parts that conflict are resolved apart, in
forks: a fork has one set of parts that can be installed together, and all parts that conflict with none.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from pipx_parallel.locks.graph import graph_of, reached

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.model import Part, Parts, Resolution

Fork = tuple["Part", ...]

DEFAULT_GROUP = "default"


def conflicting(parts: Parts) -> tuple[Part, ...]:
    """Return the parts that conflict with others, in the order in which they are declared."""
    return tuple(dict.fromkeys(part for conflict in parts.conflicts for part in conflict))


def forks_of(parts: Parts | None) -> list[Fork]:
    """Return each set of conflicting parts that can be installed together, the smallest first; at least the empty one."""
    forks: list[Fork] = [()]
    for part in conflicting(parts) if parts is not None else ():
        rivals = rivals_of(part, parts)
        forks += [(*fork, part) for fork in forks if rivals.isdisjoint(fork)]
    return sorted(forks, key=len)


def rivals_of(part: Part, parts: Parts | None) -> set[Part]:
    """Return the parts that a part conflicts with."""
    conflicts = parts.conflicts if parts is not None else ()
    return {other for conflict in conflicts if part in conflict for other in conflict} - {part}


def rival_pairs(parts: Parts) -> list[Fork]:
    """Return the pairs of parts that conflict."""
    return list(dict.fromkeys(pair for conflict in parts.conflicts for pair in combinations(conflict, 2)))


def base_group(parts: Parts) -> str | None:
    """Return the name of the group that stands for the project's own dependencies; None if no group is in the lock.

    PEP 751: ``default-groups`` has "synthetic dependency groups to represent what should be installed by default (e.g. what
    project.dependencies implicitly represents)".
    """
    if not parts.groups:
        return None
    name = DEFAULT_GROUP
    while name in parts.groups:
        name = f"project-{name}"
    return name


def holders_of(resolution: Resolution) -> dict[str, frozenset[Part | None]]:
    """Return for each pin the parts that it is for: those with a requirement from which it can be reached."""
    graph = graph_of(resolution)
    holders: dict[str, set[Part | None]] = {pin.name: set() for pin in resolution.pins}
    edges: dict[Part | None, list[tuple[str, Sequence[str]]]] = {}
    for edge in graph.roots:
        part = edge.origin.part if edge.origin is not None else None
        edges.setdefault(part, []).append((edge.child, edge.extras))
    for part, ends in edges.items():
        for name in reached(graph, ends):
            holders.setdefault(name, set()).add(part)
    return {name: frozenset(parts or {None}) for name, parts in holders.items()}
