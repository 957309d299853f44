"""Render a resolution as a tree or graph: ``tree``, ``tree --invert``, ``why``; as text, JSON and DOT. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.names import normalize_name
from pipx_parallel.errors import UsageError
from pipx_parallel.locks.graph import (
    Graph,
    Neighbour,
    Node,
    all_dependencies,
    all_dependents,
    dependencies,
    dependents,
    graph_of,
    root_nodes,
)  # fmt: skip
from pipx_parallel.locks.graph import chains as paths_to
from pipx_parallel.locks.paint import unpainted
from pipx_parallel.locks.quality import pin_json
from pipx_parallel.nearest_names import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipx_parallel.locks.paint import Paint
    from pipx_parallel.model import Pin, RequirementEdge, Resolution

_SEEN = " (*)"
_NONE, _UNKNOWN = "none stated", "not known"  # instead of a licence
_MOST_CHAINS, _MOST_NAMES = 20, 10  # that `why` shows; the others are counted, and named up to here
_FOOTER = "(*) subtree shown above"
_Row = tuple[Node, str]  # a node, and the text after it


class TreeStyle(NamedTuple):
    """How a tree is drawn."""

    depth: int | None = None  # levels below a root (0: the roots alone)
    outdated: bool = False  # name the newest release where a pin is not that
    detail: Callable[[Pin], str] = lambda _: ""  # more text behind a version
    paint: Paint = unpainted


_PLAIN = TreeStyle()


def render_tree(resolution: Resolution, style: TreeStyle = _PLAIN) -> str:
    """Return the tree from the user's requirements down; a subtree is drawn once, then marked ``(*)``."""
    graph = graph_of(resolution)
    missing = {failure.project for failure in resolution.missing}
    rows = [
        (node, _bracketed(", ".join(map(_root_text, edges))))
        for node, edges in root_nodes(graph).items()
        if node.name in graph.pins or node.name in missing
    ]
    return _drawn(
        graph,
        rows,
        lambda node: [(row.node, _neighbour_text(row)) for row in dependencies(graph, node)],
        style,
    )


def render_inverted(resolution: Resolution, name: str, style: TreeStyle = _PLAIN) -> str:
    """Return the tree from one project up to the user's requirements. Raises ``UsageError`` if it is not pinned."""
    graph = graph_of(resolution)
    pin = _pin(resolution, graph, name)

    def root_texts(node: Node) -> list[str]:
        edges = [edge for edge in graph.roots if edge.child == node.name]
        return [_root_text(edge) for edge in edges if not node.extras or set(node.extras) & set(edge.extras)]

    def dependents_of(node: Node) -> list[_Row]:
        return [
            (row.node, _bracketed("; ".join([*_asks(row), *root_texts(row.node)]))) for row in dependents(graph, node)
        ]

    start = Node(pin.name)
    return _drawn(graph, [(start, _bracketed("; ".join(root_texts(start))))], dependents_of, style)


def render_why(resolution: Resolution, name: str, paint: Paint = unpainted) -> str:
    """Return the shortest chains from lines of the input through each package that requires a project, and why it is not newer.

    Raises ``UsageError`` if it is not pinned.
    """
    graph = graph_of(resolution)
    pin = _pin(resolution, graph, name)
    limits = [root for root in resolution.roots if root.constraint and root.name == pin.name]
    lines = [
        *_chain_lines(graph, pin.name, paint),
        *(f"{paint('branch', f'{root.origin}:')} limited to {root.text}" for root in limits),
        paint("note", _newest(pin)),
        *[paint("warning", row.text) for row in pin.conditions],
    ]
    return "\n  ".join((_titled(graph, Node(pin.name), paint), *lines)) + "\n"


def chains(resolution: Resolution, name: str) -> list[str]:
    """Return the paths from lines of the input to a project: of each line, and of each package that requires it."""
    return _chain_lines(graph_of(resolution), name, unpainted)


def why_json(resolution: Resolution, name: str) -> dict[str, object]:
    """Return the content of ``render_why`` for JSON. Raises ``UsageError``."""
    graph = graph_of(resolution)
    pin = _pin(resolution, graph, name)
    paths = [
        {"origin": str(path[0].origin), "chain": [step.requirement or step.child for step in path]}
        for path in paths_to(graph, pin.name)
    ]
    return {"target": resolution.label, **_package(graph, pin), "chains": paths}


def tree_json(resolution: Resolution) -> dict[str, object]:
    """Return the graph for JSON: the user's requirements, and each project with its neighbours."""
    graph = graph_of(resolution)
    return {
        "target": resolution.label,
        "roots": [
            {"name": edge.child, "requirement": edge.requirement, "origin": str(edge.origin)} for edge in graph.roots
        ],
        "packages": [_package(graph, pin) for pin in resolution.pins],
        "missing": [{"name": failure.project, "problem": str(failure.error)} for failure in resolution.missing],
    }


def render_licences(resolution: Resolution) -> str:
    """Return a table of the licences with the packages of each; those that state none, and those not known, come last."""
    rows: dict[str, list[str]] = {}
    for pin in resolution.pins:
        rows.setdefault(_UNKNOWN if pin.licence is None else pin.licence or _NONE, []).append(pin.name)
    names = sorted(rows, key=lambda name: ({_NONE: 1, _UNKNOWN: 2}.get(name, 0), name.lower()))
    cells = [(name, str(len(rows[name])), ", ".join(rows[name])) for name in names]
    width = max((len(row[0]) for row in cells), default=0)
    return "".join(f"{name:{width}}  {count:>4}  {packages}\n" for name, count, packages in cells)


def tree_dot(resolution: Resolution) -> str:
    """Return the graph in the DOT language (Graphviz); direct requirements have a double border, edges of extras a label."""
    graph = graph_of(resolution)
    lines = ["digraph lock {", "    rankdir=LR", "    node [shape=box, fontname=Helvetica]"]
    for pin in resolution.pins:
        border = ", peripheries=2" if pin.direct else ""
        lines.append(f"    {_quoted(pin.name)} [label={_quoted(_titled(graph, Node(pin.name)))}{border}]")
    for pin in resolution.pins:
        for edge in all_dependencies(graph, pin.name):
            label = f"label={_quoted(edge.parent_extra)}, " if edge.parent_extra else ""
            lines.append(
                f"    {_quoted(pin.name)} -> {_quoted(edge.child)} [{label}tooltip={_quoted(edge.requirement)}]"
            )
    return "\n".join([*lines, "}"]) + "\n"


def _drawn(graph: Graph, rows: list[_Row], below: Callable[[Node], list[_Row]], style: TreeStyle) -> str:
    """Draw rows and their subtrees. A stack instead of recursion, because chains of requirements have no maximum length."""
    seen: dict[str, set[str]] = {}  # project -> the extras with which its subtree was drawn
    repeated = False
    lines: list[str] = []
    stack = [(row, "", "", "", 0) for row in reversed(rows)]
    while stack:
        (node, words), indent, branch, stem, level = stack.pop()
        expanded = style.depth is None or level < style.depth
        children = below(node) if expanded else []
        again = bool(children) and node.name in seen and seen[node.name].issuperset(node.extras)
        repeated = repeated or again
        if expanded:
            seen.setdefault(node.name, set()).update(node.extras)
        pin = graph.pins.get(node.name)
        note = "" if pin is None else f"{style.detail(pin)}{_note(pin, outdated=style.outdated)}"
        title = f"{node} {style.paint('version', pin.version if pin is not None else '(missing)')}"
        after = f"{note}{words}{_SEEN if again else ''}"
        lines.append(f"{style.paint('branch', indent + branch)}{title}{style.paint('note', after)}")
        if not again:
            inner = indent + stem
            last = len(children) - 1
            for number, child in reversed(list(enumerate(children))):
                ends = ("└── ", "    ") if number == last else ("├── ", "│   ")
                stack.append((child, inner, *ends, level + 1))
    return "".join(f"{line}\n" for line in ([*lines, _FOOTER] if repeated else lines))


def _chain_lines(graph: Graph, name: str, paint: Paint) -> list[str]:
    paths = paths_to(graph, name)
    lines = [_chain_line(graph, path, paint) for path in paths[:_MOST_CHAINS]]
    others = sorted({path[-1].parent_project for path in paths[_MOST_CHAINS:]})
    if others:
        named = ", ".join([*others[:_MOST_NAMES], *["…"] * (len(others) > _MOST_NAMES)])
        lines.append(paint("note", f"and {len(others)} more: {named} (tree --invert {name} shows all)"))
    return lines


def _chain_line(graph: Graph, path: Sequence[RequirementEdge], paint: Paint) -> str:
    steps = [f"{paint('branch', f'{path[0].origin}:')} {path[0].requirement}"]
    for step in path[1:]:
        parent = Node(step.parent_project, (step.parent_extra,) if step.parent_extra else ())
        steps.append(f"{_titled(graph, parent, paint)}: {step.requirement or step.child}")
    return paint("branch", " → ").join(steps)


def _package(graph: Graph, pin: Pin) -> dict[str, object]:
    return {
        **pin_json(pin),
        **({} if pin.licence is None else {"licence": pin.licence}),
        "reason": pin.reason,
        "conditions": [{"kind": row.kind.value, "text": row.text} for row in pin.conditions],
        "dependencies": [_edge_json(edge.child, edge) for edge in all_dependencies(graph, pin.name)],
        "required-by": [_edge_json(edge.parent_project, edge) for edge in all_dependents(graph, pin.name)],
    }


def _edge_json(name: str, edge: RequirementEdge) -> dict[str, object]:
    return {"name": name, "requirement": edge.requirement, "extra": edge.parent_extra or None}


def _pin(resolution: Resolution, graph: Graph, name: str) -> Pin:
    normalised = normalize_name(name)
    if normalised in graph.pins:
        return graph.pins[normalised]
    for failure in resolution.missing:
        if failure.project == normalised:
            raise UsageError(f"{normalised} is missing: {failure.error}")
    near = nearest(normalised, graph.pins)
    raise UsageError(
        f"{normalised or name!r} is not in this lock: nothing requires it on {resolution.label}",
        f"did you mean {near!r}?" if near else "",
    )


def _newest(pin: Pin) -> str:
    if pin.url is not None:
        return f"fixed by its reference: {pin.url}"
    if pin.latest is None and pin.reason is not None:
        return pin.reason
    if pin.latest is None or pin.latest == pin.version:
        return "the newest release that this target can install"
    age = "" if pin.libyears is None else f" ({pin.libyears:.1f} libyears)"
    return f"not the newest: {pin.latest} is out{age}" + (f"; {pin.reason}" if pin.reason else "")


def _titled(graph: Graph, node: Node, paint: Paint = unpainted) -> str:
    pin = graph.pins.get(node.name)
    return f"{node} {paint('version', '(missing)' if pin is None else pin.version)}"


def _note(pin: Pin, *, outdated: bool) -> str:
    """Return what is shown of a pin behind its version: its licence, if it was read, and the newest release."""
    licence = "" if pin.licence is None else f" [{pin.licence or 'no licence stated'}]"
    is_old = outdated and pin.latest not in {None, pin.version}
    return f"{licence} (newest: {pin.latest})" if is_old else licence


def _neighbour_text(row: Neighbour) -> str:
    by = f" (extra: {', '.join(row.by)})" if row.by else ""
    return f"{by}{_bracketed(row.requirement)}"


def _asks(row: Neighbour) -> list[str]:
    return [f"asks for {row.requirement}"] if row.requirement else []


def _root_text(edge: RequirementEdge) -> str:
    origin = edge.origin
    if origin is None:
        return edge.requirement
    return ", ".join(
        (edge.requirement, str(origin), *([origin.label] if ":" in origin.label else []))
    )  # a group or an extra


def _bracketed(words: str) -> str:
    return f" ({words})" if words else ""


def _quoted(text: str) -> str:
    plain = text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
