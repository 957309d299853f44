"""The part of JSON Schema 2020-12 that our schemas use; a keyword it does not know is an error, so none is skipped."""

from __future__ import annotations

import re
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_NOTES = frozenset({"$schema", "$defs", "title", "description"})


def problems(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None, path: str = "$") -> list[str]:
    """Return where and why ``value`` does not follow ``schema``; empty where it does."""
    top = schema if root is None else root
    messages: list[str] = []
    for keyword, rule in schema.items():
        if keyword not in _NOTES:
            messages += _check(keyword, rule, value, schema, top, path)
    return messages


def _check(  # noqa: C901, PLR0911 - one case a keyword
    keyword: str,
    rule: Any,
    value: Any,
    schema: dict[str, Any],
    top: dict[str, Any],
    path: str,
) -> list[str]:
    match keyword:
        case "$ref":
            return problems(value, top["$defs"][rule.rpartition("/")[2]], top, path)
        case "const":
            return [] if value == rule else [f"{path}: {value!r} is not {rule!r}"]
        case "type":
            return [] if _is(value, rule) else [f"{path}: {value!r} is not a {rule}"]
        case "pattern":
            return [] if re.search(rule, value) else [f"{path}: {value!r} does not match {rule}"]
        case "anyOf":
            return (
                [] if any(not problems(value, problem, top, path) for problem in rule) else [f"{path}: none of {rule}"]
            )
        case "required":
            return [f"{path}: {name} is missing" for name in rule if name not in value]
        case "items":
            return [
                problem
                for number, item in enumerate(value)
                for problem in problems(item, rule, top, f"{path}[{number}]")
            ]
        case "properties":
            checks = ((name, problem) for name, problem in rule.items() if name in value)
            return [problem for name, part in checks for problem in problems(value[name], part, top, f"{path}.{name}")]
        case "additionalProperties":
            others = [name for name in value if name not in schema.get("properties", {})]
            if rule is False:
                return [f"{path}: {name} is unknown" for name in others]
            return [problem for name in others for problem in problems(value[name], rule, top, f"{path}.{name}")]
    raise NotImplementedError(keyword)


def _is(value: Any, rule: str | list[str]) -> bool:
    kinds = [rule] if isinstance(rule, str) else rule
    if isinstance(value, bool):
        return "boolean" in kinds
    return isinstance(value, tuple(kind for name in kinds for kind in _TYPES[name]))
