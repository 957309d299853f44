"""Read the pins and edges of an existing lock as a resolution, so that it can be shown without solving anew. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import parse_toml
from mirror.names import is_project_name, normalize_name
from pipx_parallel.model import Origin, Pin, RequirementEdge, Resolution

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pipx_parallel.model import RootRequirement, Target

_NO_NEWER = "a lock does not record newer releases; name the requirements file to see whether this is the newest"
_VIA = re.compile(r"\s*#\s+via\b\s*(.*)")
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:==|@|\s*$)")


class LockedEdges(NamedTuple):
    """What a lock says of who requires whom: (parent, child), and (origin, child, requirement) of the user's own lines."""

    between: list[tuple[str, str]]
    roots: list[tuple[Origin, str, str]]


def locked_edges(text: str, roots: Sequence[RootRequirement]) -> LockedEdges | None:
    """Return the edges of a lock; None if it is not a lock. ``roots`` are the requirements that were read from it.

    pylock.toml has them as ``dependencies``, a requirements file as ``# via`` comments.
    """
    if not all(root.url or root.specifier.startswith("==") for root in roots):
        return None
    return _of_pylock(text) if re.search(r"^lock-version\s*=", text, re.MULTILINE) else _of_comments(text, roots)


def locked_resolution(
    edges: LockedEdges, roots: Sequence[RootRequirement], target: Target, holds: Callable[[str | None], bool]
) -> Resolution | None:
    """Return the pins of a lock for a target with their edges; None if it has none between them. ``holds`` evaluates a marker."""
    chosen = {root.name: root for root in roots if holds(root.marker)}
    if not edges.between and len(chosen) > 1:
        return None
    rows = [row for row in edges.roots if row[1] in chosen] or _unrequired(edges, chosen)
    direct = {name for _, name, _ in rows}
    pins = tuple([_pin(root, direct=name in direct) for name, root in sorted(chosen.items())])
    own = [RequirementEdge("", name, requirement, origin) for origin, name, requirement in rows]
    between = [RequirementEdge(*pair, "") for pair in dict.fromkeys(edges.between) if set(pair) <= set(chosen)]
    return Resolution(target, pins, (*own, *between), ())


def _pin(root: RootRequirement, *, direct: bool) -> Pin:
    version = root.specifier.lstrip("=").strip() or "?"
    return Pin(root.name, version, (), (), url=root.url, direct=direct, reason=_NO_NEWER)


def _of_pylock(text: str) -> LockedEdges:
    table = parse_toml(text)
    between = [
        (normalize_name(package["name"]), normalize_name(row["name"]))
        for package in table["packages"]
        for row in package.get("dependencies", ())
        if isinstance(row.get("name"), str)
    ]
    ours = table.get("tool", {}).get("pipx-parallel", {})
    rows = ours.get("roots", ()) if isinstance(ours, dict) else ()
    roots = [
        (_origin(str(row.get("origin", ""))), normalize_name(str(row["name"])), str(row.get("requirement", "")))
        for row in rows
        if isinstance(row, dict) and "name" in row
    ]
    return LockedEdges(between, roots)


def _of_comments(text: str, roots: Sequence[RootRequirement]) -> LockedEdges:
    names = {root.name for root in roots}
    origins = {root.name: root.origin for root in roots}
    edges = LockedEdges([], [])
    for name, parents in _annotated(text):
        for parent in parents:
            plain = normalize_name(parent.partition("[")[0]) if is_project_name(parent.partition("[")[0]) else ""
            if plain in names:
                edges.between.append((plain, name))
            else:
                edges.roots.append((Origin(re.sub(r"^-[rc] ", "", parent)), name, name))
        if not parents and name in origins:
            edges.roots.append((origins[name], name, name))
    return edges


def _annotated(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield (project, who requires it) of each pin, of both annotation styles of pip-compile and uv."""
    current: tuple[str, list[str]] | None = None
    listing = False
    for line in text.splitlines():
        head, _, comment = line.partition("#")
        match = _NAME.match(head)
        if match and line[:1] not in {" ", "\t", "-"}:
            if current:
                yield current
            current, listing = (normalize_name(match[1]), []), False
        via = _VIA.match(line[len(head) :]) if comment else None
        if current is None:
            continue
        if via:
            current[1].extend(part.strip() for part in via[1].split(",") if part.strip())
            listing = not via[1].strip()
        elif listing and not head.strip() and comment.strip():
            current[1].append(comment.strip())
        elif head.strip():
            listing = False
    if current:
        yield current


def _unrequired(edges: LockedEdges, chosen: Mapping[str, RootRequirement]) -> list[tuple[Origin, str, str]]:
    """Return a root for each package that nothing requires, and for one of each cycle that no other root leads to."""
    below: dict[str, list[str]] = {}
    for parent, child in edges.between:
        below.setdefault(parent, []).append(child)
    required = {child for parent, child in edges.between if parent != child}
    reached: set[str] = set()
    roots: list[str] = []
    for name in [*(name for name in chosen if name not in required), *sorted(chosen)]:
        if name in reached:
            continue
        roots.append(name)
        stack = [name]
        while stack:
            here = stack.pop()
            if here not in reached:
                reached.add(here)
                stack += below.get(here, [])
    return [(chosen[name].origin, name, name) for name in roots]


def _origin(text: str) -> Origin:
    source, colon, line = text.rpartition(":")
    return Origin(source, int(line)) if colon and line.isdecimal() else Origin(text)
