"""A resolution as a graph: who needs whom, in both directions, and the shortest ways from the user to a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipx_parallel.model import Edge, Origin, Pin, Resolution


class Graph(NamedTuple):
    """The edges of a resolution by their ends, without those of a project to itself (its own extras).

    ``asked`` are the user's own edges; ``below`` and ``above`` map a project to its edges, in the resolution's order.
    """

    pins: dict[str, Pin]
    asked: tuple[Edge, ...]
    below: dict[str, list[Edge]]
    above: dict[str, list[Edge]]


def graph_of(resolution: Resolution) -> Graph:
    """Arrange the edges; those to a project that has no pin (it is missing) stay."""
    graph = Graph({pin.name: pin for pin in resolution.pins}, _asked(resolution), {}, {})
    for edge in resolution.edges:
        if edge.parent and edge.parent != edge.child:
            graph.below.setdefault(edge.parent, []).append(edge)
            graph.above.setdefault(edge.child, []).append(edge)
    return graph


def dependencies(graph: Graph, name: str) -> list[tuple[str, str]]:
    """Return (project, what is asked of it) for each direct dependency, sorted; several requirements are joined."""
    return _joined((edge.child, edge.requirement) for edge in graph.below.get(name, ()))


def dependents(graph: Graph, name: str) -> list[tuple[str, str]]:
    """Return (project, what it asks for) for each project that needs this one, sorted."""
    return _joined((edge.parent, edge.requirement) for edge in graph.above.get(name, ()))


def chain(graph: Graph, start: str, goal: str) -> list[Edge] | None:
    """Return the shortest way down from ``start`` to ``goal`` ([] where they are one), or None; the first by name of equals."""
    came: dict[str, Edge | None] = {start: None}
    row = [start]
    while row and goal not in came:
        following: list[str] = []
        for name in row:
            for edge in sorted(graph.below.get(name, ()), key=_by_child):
                if edge.child not in came:
                    came[edge.child] = edge
                    following.append(edge.child)
        row = following
    if goal not in came:
        return None
    way: list[Edge] = []
    last = came[goal]
    while last is not None:
        way.append(last)
        last = came[last.parent]
    return way[::-1]


def _asked(resolution: Resolution) -> tuple[Edge, ...]:
    """Return the user's edges in the order he wrote them, without his constraints (a constraint brings nothing in)."""
    limits: set[tuple[str, Origin | None]] = {(root.name, root.origin) for root in resolution.roots if root.constraint}
    order: dict[tuple[str, Origin | None], int] = {}
    for number, root in enumerate(resolution.roots):
        order.setdefault((root.name, root.origin), number)
    own = [edge for edge in resolution.edges if not edge.parent and (edge.child, edge.origin) not in limits]
    return tuple(sorted(own, key=lambda edge: order.get((edge.child, edge.origin), len(order))))


def _joined(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    found: dict[str, dict[str, None]] = {}
    for name, requirement in pairs:
        found.setdefault(name, {})[requirement] = None
    return [(name, ", ".join(found[name])) for name in sorted(found)]


def _by_child(edge: Edge) -> tuple[str, str]:
    return edge.child, edge.requirement
