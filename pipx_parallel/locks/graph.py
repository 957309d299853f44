"""A resolution as a graph: dependencies and dependents, and the shortest paths from a root to a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mirror.equality import equal_by_type

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipx_parallel.model import Origin, Pin, RequirementEdge, Resolution


@equal_by_type
class Graph(NamedTuple):
    """The edges of a resolution by their ends, without those from a project to itself (its own extras).

    ``roots`` are the user's own edges; ``below`` and ``above`` map a project to its edges, in the resolution's order.
    """

    pins: dict[str, Pin]
    roots: tuple[RequirementEdge, ...]
    below: dict[str, list[RequirementEdge]]
    above: dict[str, list[RequirementEdge]]


def graph_of(resolution: Resolution) -> Graph:
    """Return the graph of a resolution, with edges to projects that have no pin because they are missing."""
    graph = Graph({pin.name: pin for pin in resolution.pins}, _root_edges(resolution), {}, {})
    for edge in resolution.edges:
        if edge.parent and edge.parent != edge.child:
            graph.below.setdefault(edge.parent, []).append(edge)
            graph.above.setdefault(edge.child, []).append(edge)
    return graph


def dependencies(graph: Graph, name: str) -> list[tuple[str, str]]:
    """Return (project, requirement) for each direct dependency, sorted; several requirements are joined."""
    return _joined((edge.child, edge.requirement) for edge in graph.below.get(name, ()))


def dependents(graph: Graph, name: str) -> list[tuple[str, str]]:
    """Return (project, its requirement) for each project that requires this one, sorted."""
    return _joined((edge.parent, edge.requirement) for edge in graph.above.get(name, ()))


def chain(graph: Graph, start: str, goal: str) -> list[RequirementEdge] | None:
    """Return the edges of the shortest path from ``start`` to ``goal``: [] if they are equal, None if there is no path.

    Of several shortest paths it is the first by name.
    """
    reached_by: dict[str, RequirementEdge | None] = {start: None}
    level = [start]
    while level and goal not in reached_by:
        next_level: list[str] = []
        for name in level:
            for edge in sorted(graph.below.get(name, ()), key=_by_child):
                if edge.child not in reached_by:
                    reached_by[edge.child] = edge
                    next_level.append(edge.child)
        level = next_level
    if goal not in reached_by:
        return None
    path: list[RequirementEdge] = []
    edge_up = reached_by[goal]
    while edge_up is not None:
        path.append(edge_up)
        edge_up = reached_by[edge_up.parent]
    return path[::-1]


def _root_edges(resolution: Resolution) -> tuple[RequirementEdge, ...]:
    """Return the user's edges in input order, without constraints (a constraint adds no package)."""
    constraints: set[tuple[str, Origin | None]] = {
        (root.name, root.origin) for root in resolution.roots if root.constraint
    }
    order: dict[tuple[str, Origin | None], int] = {}
    for number, root in enumerate(resolution.roots):
        order.setdefault((root.name, root.origin), number)
    own = [edge for edge in resolution.edges if not edge.parent and (edge.child, edge.origin) not in constraints]
    return tuple(sorted(own, key=lambda edge: order.get((edge.child, edge.origin), len(order))))


def _joined(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    requirements: dict[str, dict[str, None]] = {}
    for name, requirement in pairs:
        requirements.setdefault(name, {})[requirement] = None
    return [(name, ", ".join(requirements[name])) for name in sorted(requirements)]


def _by_child(edge: RequirementEdge) -> tuple[str, str]:
    return edge.child, edge.requirement
