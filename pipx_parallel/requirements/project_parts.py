"""What a pyproject.toml says of its extras and groups: which contradict each other, and which groups are installed by default.

``[tool.pipx-parallel]`` has ``conflicts`` and ``default-groups`` as ``[tool.uv]`` has them; a key that is absent there is read
from ``[tool.uv]``, because it describes the project and not the tool.
"""

from __future__ import annotations

import re
from itertools import chain, combinations, product
from typing import TYPE_CHECKING, Any

from mirror.names import is_project_name, normalize_extras, normalize_name
from pipx_parallel.model import Part, Parts
from pipx_parallel.requirements.refusal import quoted, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pipx_parallel.requirements.toml_lines import TomlText

_SELF = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*\[([^\]]*)\]\s*(?:;\s*(.+))?", re.DOTALL)
_OURS, _UV = "pipx-parallel", "uv"
_LIKE = 'write it like: conflicts = [[{ extra = "cpu" }, { extra = "gpu" }]]'


def parts_of(text: TomlText, extras: Sequence[str], groups: Sequence[str]) -> Parts | None:
    """Return the parts of a lock that has these extras and groups; None if it has none of them.

    Raises ``RequirementsError`` for malformed settings, and for names that the project does not have.
    """
    if not extras and not groups:
        return None
    locked = {*(Part("extra", name) for name in extras), *(Part("group", name) for name in map(normalize_name, groups))}
    every, including = _conflicts(text), _including(text)
    inherited = _inherited(including, every)
    conflicts = [tuple(part for part in conflict if part in locked) for conflict in [*every, *inherited]]
    return Parts(
        tuple(extras),
        tuple(dict.fromkeys(map(normalize_name, groups))),
        tuple(name for name in _default_groups(text) if Part("group", name) in locked),
        tuple(dict.fromkeys(conflict for conflict in conflicts if len(conflict) > 1)),
        tuple(row for row in _torn(including, every) if row[0] in locked),
    )


def joined(parts: Iterable[Parts]) -> Parts:
    """Return the parts of several projects as one."""
    fields = (tuple(dict.fromkeys(chain.from_iterable(values))) for values in zip(*parts, strict=True))
    return Parts(*fields)


def _setting(text: TomlText, key: str) -> tuple[Any, str]:
    """Return the value of a setting, None if there is none, and the tool whose table it is from."""
    tools = text.table("tool") or {}
    for tool in (_OURS, _UV):
        table = tools.get(tool)
        if isinstance(table, dict) and key in table:
            return table[key], tool
    return None, _OURS


def _default_groups(text: TomlText) -> list[str]:
    value, _ = _setting(text, "default-groups")
    table = text.table("dependency-groups") or {}
    available = [normalize_name(name) for name in table]
    if value is None or value == "all":
        return available if value else []
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        problem = "default-groups is not a list of groups"
        raise refusal(text.at_key("default-groups"), problem, 'write it like: default-groups = ["dev"]')
    names = [normalize_name(name) for name in value]
    for name in names:
        if name not in available:
            problem = f"there is no dependency group {quoted(name)}"
            remedy = f"the groups are: {', '.join(sorted(table)) or 'none'}"
            raise refusal(text.at_key("default-groups"), problem, remedy)
    return names


def _conflicts(text: TomlText) -> list[list[Part]]:
    value, tool = _setting(text, "conflicts")
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise refusal(text.at_key("conflicts"), "conflicts is not a list of lists", _LIKE)
    rows = [[_part(text, item, tool) for item in row] for row in value]
    return [[part for part in row if part is not None] for row in rows]


def own_extras(item: str, project: str) -> tuple[tuple[str, ...], str] | None:
    """Return the extras of its own that a project requires by this requirement, and the marker; None for another one."""
    match = _SELF.fullmatch(item.strip())
    if match is None or normalize_name(match[1]) != project:
        return None
    return normalize_extras(match[2]), (match[3] or "").strip()


def _inherited(
    including: Mapping[Part, Sequence[Part]], conflicts: Sequence[Sequence[Part]]
) -> Iterator[tuple[Part, Part]]:
    """Yield the conflicts of parts that include a part with a conflict."""
    for conflict in conflicts:
        for first, second in combinations(conflict, 2):
            pairs = product([first, *including.get(first, ())], [second, *including.get(second, ())])
            yield from (pair for pair in pairs if pair[0] != pair[1] and pair != (first, second))


def _torn(
    including: Mapping[Part, Sequence[Part]], conflicts: Sequence[Sequence[Part]]
) -> Iterator[tuple[Part, Part, Part]]:
    """Yield each part that includes two parts which conflict, with these two."""
    for conflict in conflicts:
        for first, second in combinations(conflict, 2):
            both = [part for part in including.get(first, ()) if part in including.get(second, ())]
            yield from ((part, first, second) for part in both)


def _including(text: TomlText) -> dict[Part, list[Part]]:
    """Return for each part those that include it, directly or through others."""
    project = normalize_name(str((text.table("project") or {}).get("name", "")))
    direct: dict[Part, set[Part]] = {}
    for name, items in _lists(_static_extras(text)):
        rows = [own_extras(item, project) for item in items if isinstance(item, str)]
        extras = {extra for row in rows if row is not None for extra in row[0]}
        direct[Part("extra", normalize_name(name))] = {Part("extra", extra) for extra in extras}
    for name, items in _lists(text.table("dependency-groups")):
        groups = [item.get("include-group") for item in items if isinstance(item, dict)]
        direct[Part("group", normalize_name(name))] = {Part("group", normalize_name(str(group))) for group in groups}
    including: dict[Part, list[Part]] = {}
    for part, included in direct.items():
        pending, seen = [*included], set(included)
        while pending:
            more = direct.get(pending.pop(), set()) - seen
            seen |= more
            pending += more
        for other in sorted(seen - {part}):
            including.setdefault(other, []).append(part)
    return including


def _lists(table: dict[str, Any] | None) -> list[tuple[str, list[Any]]]:
    """Return the lists of a table; what else is in it is refused where it is read."""
    return [(name, items) for name, items in (table or {}).items() if isinstance(items, list)]


def _part(text: TomlText, item: object, tool: str) -> Part | None:
    """Return one item of a conflict; None for what uv has besides: another package of a workspace, or the project itself."""
    if isinstance(item, dict) and tool == _UV:
        project = text.table("project") or {}
        if "package" in item and not _is_same(item["package"], project.get("name")):
            return None
        item = {key: name for key, name in item.items() if key != "package"}
        if not item:
            return None
    kind, name = next(iter(item.items()), ("", "")) if isinstance(item, dict) and len(item) == 1 else ("", "")
    if kind not in {"extra", "group"} or not isinstance(name, str) or not is_project_name(name):
        raise refusal(text.at_key("conflicts"), f"{quoted(str(item))} is neither an extra nor a group", _LIKE)
    part = Part(kind, normalize_name(name))
    table = text.table("dependency-groups") or {} if kind == "group" else _static_extras(text)
    if table is not None and part.name not in map(normalize_name, table):
        remedy = f"its {kind}s are: {', '.join(sorted(table)) or 'none'}"
        raise refusal(text.at_key("conflicts"), f"the project has no {part}", remedy)
    return part


def _static_extras(text: TomlText) -> dict[str, Any] | None:
    """Return the extras that the file states; None if the project's build states them."""
    project = text.table("project")
    if project is None or "optional-dependencies" in str(project.get("dynamic", "")):
        return None
    return text.table("optional-dependencies", project) or {}


def _is_same(left: object, right: object) -> bool:
    return isinstance(left, str) and isinstance(right, str) and normalize_name(left) == normalize_name(right)
