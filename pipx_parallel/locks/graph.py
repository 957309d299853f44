"""A resolution as a graph: who requires whom, with extras, and the shortest paths from a root to a project.

A package is a node with the extras that one parent requests of it, as in uv: ``uvicorn[standard]``. An edge that an extra adds has
a parent key of the form ``name[extra]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.names import with_extras

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipx_parallel.model import Origin, Pin, RequirementEdge, Resolution


class Node(NamedTuple):
    """A project with the extras that are requested of it. ``str()`` is ``name[extra]``."""

    name: str
    extras: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the name as a requirement has it."""
        return with_extras(self.name, self.extras)


class Neighbour(NamedTuple):
    """A node next to another, with the requirement between them and the extras of the parent that add it, if any."""

    node: Node
    requirement: str  # several are joined by ", "
    by: tuple[str, ...] = ()


class Graph(NamedTuple):
    """The edges of a resolution by their ends.

    ``roots`` are the user's own edges; ``below`` maps a project to its edges and those of its extras, ``above`` to the edges that
    require it, in the resolution's order.
    """

    pins: dict[str, Pin]
    roots: tuple[RequirementEdge, ...]
    below: dict[str, list[RequirementEdge]]
    above: dict[str, list[RequirementEdge]]


def graph_of(resolution: Resolution) -> Graph:
    """Return the graph of a resolution."""
    graph = Graph({pin.name: pin for pin in resolution.pins}, _root_edges(resolution), {}, {})
    for edge in resolution.edges:
        if edge.parent:
            graph.below.setdefault(edge.parent_project, []).append(edge)
            graph.above.setdefault(edge.child, []).append(edge)
    return graph


def root_nodes(graph: Graph) -> dict[Node, list[RequirementEdge]]:
    """Return the projects that the user requires, each with all extras that the user requests, and the user's edges to it."""
    edges: dict[str, list[RequirementEdge]] = {}
    for edge in graph.roots:
        edges.setdefault(edge.child, []).append(edge)
    return {_node(name, rows): rows for name, rows in edges.items()}


def dependencies(graph: Graph, node: Node) -> list[Neighbour]:
    """Return each direct dependency of a node, sorted by name: those it always has, and those that its extras add."""
    edges: dict[str, list[RequirementEdge]] = {}
    keys = _keys(graph, node)
    for edge in all_dependencies(graph, node.name):
        if edge.parent in keys:
            edges.setdefault(edge.child, []).append(edge)
    return [Neighbour(_node(name, edges[name]), _requirement(edges[name]), _by(edges[name])) for name in sorted(edges)]


def all_dependencies(graph: Graph, name: str) -> list[RequirementEdge]:
    """Return the edges from a project and its requested extras to other projects, sorted by child."""
    return [edge for edge in graph.below.get(name, ()) if edge.child != name]


def all_dependents(graph: Graph, name: str) -> list[RequirementEdge]:
    """Return the edges from other projects and their extras to a project, sorted by parent."""
    return [edge for edge in graph.above.get(name, ()) if edge.parent_project != name]


def dependents(graph: Graph, node: Node) -> list[Neighbour]:
    """Return each node that requires one with these extras, sorted by name; a parent has only the extra that adds it."""
    edges = [edge for edge in graph.above.get(node.name, ()) if _concerns(edge, node)]
    always = {edge.parent for edge in edges}
    rows: dict[Node, list[RequirementEdge]] = {}
    for edge in edges:
        if not edge.parent_extra or edge.parent_project not in always:
            parent = Node(edge.parent_project, (edge.parent_extra,) if edge.parent_extra else ())
            rows.setdefault(parent, []).append(edge)
    return [Neighbour(parent, _requirement(rows[parent]), _by(rows[parent])) for parent in sorted(rows)]


def chains(graph: Graph, goal: str) -> list[list[RequirementEdge]]:
    """Return paths from the user's edges to a project, the shortest first.

    They are the shortest one from each line of the user's, and the shortest one through each package that requires the project.
    Of several shortest paths it is the first by name.
    """
    paths = [path for edge in graph.roots if (path := _path(_steps(graph, [edge], goal), goal))]
    shown = {path[-1].parent_project for path in paths}
    steps = _steps(graph, graph.roots)
    for edge in all_dependents(graph, goal):
        if edge.parent_project not in shown and edge.parent in steps:
            shown.add(edge.parent_project)
            paths.append([*_path(steps, edge.parent), edge])
    return sorted(paths, key=len)


def _steps(graph: Graph, starts: Sequence[RequirementEdge], goal: str = "") -> dict[str, RequirementEdge]:
    """Return the last edge of the shortest path from edges to each parent key, as far as a goal."""
    steps: dict[str, RequirementEdge] = {}
    for start in starts:
        steps.update({end: start for end in _ends(start) if end not in steps})
    level = list(steps)
    while level and goal not in steps:
        next_level: list[str] = []
        for key in level:
            edges = [edge for edge in graph.below.get(key.partition("[")[0], ()) if edge.parent == key]
            for edge in sorted(edges, key=_by_child):
                for end in _ends(edge):
                    if end not in steps:
                        steps[end] = edge
                        next_level.append(end)
        level = next_level
    return steps


def _path(steps: Mapping[str, RequirementEdge], goal: str) -> list[RequirementEdge]:
    """Return the edges from one of the user's to a goal; [] if nothing leads there."""
    path: list[RequirementEdge] = []
    step = steps.get(goal)
    while step is not None:
        path.append(step)
        step = steps.get(step.parent)
    return path[::-1]


def reached(graph: Graph, starts: Iterable[tuple[str, Iterable[str]]]) -> set[str]:
    """Return the projects that can be reached from these projects with these extras, themselves included."""
    by_parent: dict[str, list[RequirementEdge]] = {}
    for edges in graph.below.values():
        for edge in edges:
            by_parent.setdefault(edge.parent, []).append(edge)
    pending = [end for name, extras in starts for end in _ends_of(name, extras)]
    keys = set(pending)
    while pending:
        ends = {end for edge in by_parent.get(pending.pop(), ()) for end in _ends(edge)} - keys
        keys |= ends
        pending += ends
    return {key.partition("[")[0] for key in keys}


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


def _keys(graph: Graph, node: Node) -> list[str]:
    """Return the parents that a node stands for: its project, its extras, and the further extras of its own that these require."""
    own = [edge for edge in graph.below.get(node.name, ()) if edge.child == node.name]
    keys = list(_ends_of(node.name, node.extras))
    for key in keys:  # grows during the loop
        keys += [end for edge in own if edge.parent == key for end in _ends(edge) if end not in keys]
    return keys


def _ends(edge: RequirementEdge) -> tuple[str, ...]:
    return _ends_of(edge.child, edge.extras)


def _ends_of(name: str, extras: Iterable[str]) -> tuple[str, ...]:
    return (name, *(f"{name}[{extra}]" for extra in extras))


def _concerns(edge: RequirementEdge, node: Node) -> bool:
    """Return whether an edge to a node's project leads to the node: it requests one of its extras, if it has extras."""
    if node.extras:
        return not set(node.extras).isdisjoint(edge.extras)
    return edge.parent_project != node.name


def _node(name: str, edges: Iterable[RequirementEdge]) -> Node:
    return Node(name, tuple(sorted({extra for edge in edges for extra in edge.extras})))


def _requirement(edges: Iterable[RequirementEdge]) -> str:
    return ", ".join(dict.fromkeys(edge.requirement for edge in edges))


def _by(edges: Iterable[RequirementEdge]) -> tuple[str, ...]:
    """Return the extras of the parent that add an edge; () if the parent always has one."""
    extras = {edge.parent_extra for edge in edges}
    return () if "" in extras else tuple(sorted(extras))


def _by_child(edge: RequirementEdge) -> tuple[str, str]:
    return edge.child, edge.requirement
