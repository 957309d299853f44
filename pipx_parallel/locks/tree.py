"""Render a resolution as a tree or graph: ``tree``, ``tree --invert``, ``why``; as text, JSON and DOT. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.errors import UsageError
from pipx_parallel.locks.graph import Graph, chain, dependencies, dependents, graph_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipx_parallel.model import Pin, RequirementEdge, Resolution

_SEEN = " (*)"
_FOOTER = "(*) subtree shown above"
_Row = tuple[str, str]  # a project, and the text in parentheses after it


def render_tree(resolution: Resolution, *, depth: int | None = None) -> str:
    """Return the tree from the user's requirements down; a subtree is drawn once, then marked ``(*)``.

    ``depth`` limits the levels below a root (0: the roots alone).
    """
    graph = graph_of(resolution)
    missing = {failure.project for failure in resolution.missing}
    roots: dict[str, list[str]] = {}
    for edge in graph.roots:
        if edge.child in graph.pins or edge.child in missing:
            roots.setdefault(edge.child, []).append(_root_text(edge))
    rows = [(name, ", ".join(words)) for name, words in roots.items()]
    return _drawn(graph, rows, lambda name: dependencies(graph, name), depth)


def render_inverted(resolution: Resolution, name: str, *, depth: int | None = None) -> str:
    """Return the tree from one project up to the user's requirements. Raises ``UsageError`` if it is not pinned."""
    graph = graph_of(resolution)
    pin = _pin(resolution, graph, name)
    root_texts = {edge.child: _root_text(edge) for edge in reversed(graph.roots)}

    def dependents_of(child: str) -> list[_Row]:
        return [
            (parent, _noted(f"asks for {words}", root_texts.get(parent))) for parent, words in dependents(graph, child)
        ]

    return _drawn(graph, [(pin.name, root_texts.get(pin.name, ""))], dependents_of, depth)


def render_why(resolution: Resolution, name: str) -> str:
    """Return who requires a project, one chain per line of the input, and why it is not newer.

    Raises ``UsageError`` if it is not pinned.
    """
    graph = graph_of(resolution)
    pin = _pin(resolution, graph, name)
    limits = [root for root in resolution.roots if root.constraint and root.name == pin.name]
    lines = [*_chains(graph, pin.name), *(f"{root.origin}: limited to {root.text}" for root in limits), _newest(pin)]
    return "\n  ".join((_titled(pin), *lines)) + "\n"


def why_json(resolution: Resolution, name: str) -> dict[str, object]:
    """Return the content of ``render_why`` for JSON. Raises ``UsageError``."""
    graph = graph_of(resolution)
    pin = _pin(resolution, graph, name)
    paths = [
        {"origin": str(edge.origin), "chain": [edge.requirement, *(step.requirement for step in path)]}
        for edge, path in _paths(graph, pin.name)
    ]
    return {**_package(graph, pin), "chains": paths}


def tree_json(resolution: Resolution) -> dict[str, object]:
    """Return the graph for JSON: the user's requirements, and each project with its neighbours."""
    graph = graph_of(resolution)
    return {
        "target": resolution.target.label,
        "roots": [
            {"name": edge.child, "requirement": edge.requirement, "origin": str(edge.origin)} for edge in graph.roots
        ],
        "packages": [_package(graph, pin) for pin in resolution.pins],
        "missing": [{"name": failure.project, "problem": str(failure.error)} for failure in resolution.missing],
    }


def tree_dot(resolution: Resolution) -> str:
    """Return the graph in the DOT language (Graphviz); direct requirements have a double border."""
    graph = graph_of(resolution)
    lines = ["digraph lock {", "    rankdir=LR", "    node [shape=box, fontname=Helvetica]"]
    for pin in resolution.pins:
        border = ", peripheries=2" if pin.direct else ""
        lines.append(f"    {_quoted(pin.name)} [label={_quoted(_titled(pin))}{border}]")
    for pin in resolution.pins:
        for child, words in dependencies(graph, pin.name):
            lines.append(f"    {_quoted(pin.name)} -> {_quoted(child)} [tooltip={_quoted(words)}]")
    return "\n".join([*lines, "}"]) + "\n"


def _drawn(graph: Graph, rows: list[_Row], below: Callable[[str], list[_Row]], depth: int | None) -> str:
    """Draw rows and their subtrees. A stack instead of recursion, because chains of requirements have no maximum length."""
    seen: set[str] = set()
    repeated = False
    lines: list[str] = []
    stack = [(row, "", "", "", 0) for row in reversed(rows)]
    while stack:
        (name, words), indent, branch, stem, level = stack.pop()
        children = below(name) if depth is None or level < depth else []
        again = name in seen and bool(children)
        repeated = repeated or again
        seen.add(name)
        lines.append(f"{indent}{branch}{_labelled(graph, name, words)}{_SEEN if again else ''}")
        if not again:
            inner = indent + stem
            last = len(children) - 1
            for number, child in reversed(list(enumerate(children))):
                ends = ("└── ", "    ") if number == last else ("├── ", "│   ")
                stack.append((child, inner, *ends, level + 1))
    return "".join(f"{line}\n" for line in ([*lines, _FOOTER] if repeated else lines))


def _chains(graph: Graph, name: str) -> Iterator[str]:
    for edge, path in _paths(graph, name):
        steps = [f"{edge.origin}: {edge.requirement}"]
        steps += [f"{_labelled(graph, step.parent, '')}: {step.requirement}" for step in path]
        yield " → ".join(steps)


def _paths(graph: Graph, name: str) -> Iterator[tuple[RequirementEdge, list[RequirementEdge]]]:
    for edge in graph.roots:
        path = chain(graph, edge.child, name)
        if path is not None:
            yield edge, path


def _package(graph: Graph, pin: Pin) -> dict[str, object]:
    return {
        "name": pin.name,
        "version": pin.version,
        "direct": pin.direct,
        "latest": pin.latest,
        "libyears": pin.libyears,
        "reason": pin.reason,
        "dependencies": [{"name": name, "requirement": words} for name, words in dependencies(graph, pin.name)],
        "required-by": [{"name": name, "requirement": words} for name, words in dependents(graph, pin.name)],
    }


def _pin(resolution: Resolution, graph: Graph, name: str) -> Pin:
    normalised = "-".join(part for part in name.replace("_", "-").replace(".", "-").lower().split("-") if part)
    if normalised in graph.pins:
        return graph.pins[normalised]
    for failure in resolution.missing:
        if failure.project == normalised:
            raise UsageError(f"{normalised} is missing: {failure.error}")
    raise UsageError(f"{normalised or name!r} is not in this lock: nothing requires it on {resolution.target.label}")


def _newest(pin: Pin) -> str:
    if pin.url is not None:
        return f"fixed by its reference: {pin.url}"
    if pin.latest is None or pin.latest == pin.version:
        return "the newest release that this target can install"
    age = "" if pin.libyears is None else f" ({pin.libyears:.1f} libyears)"
    return f"not the newest: {pin.latest} is out{age}" + (f"; {pin.reason}" if pin.reason else "")


def _labelled(graph: Graph, name: str, words: str) -> str:
    pin = graph.pins.get(name)
    title = f"{name} (missing)" if pin is None else _titled(pin)
    return f"{title} ({words})" if words else title


def _titled(pin: Pin) -> str:
    return f"{pin.name} {pin.version}"


def _root_text(edge: RequirementEdge) -> str:
    return f"{edge.requirement}, {edge.origin}" if edge.origin is not None else edge.requirement


def _noted(words: str, more: str | None) -> str:
    return f"{words}; {more}" if more else words


def _quoted(text: str) -> str:
    plain = text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
