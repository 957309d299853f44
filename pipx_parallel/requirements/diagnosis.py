"""Explain why a text is not a valid requirement, with a remedy."""

from __future__ import annotations

import re

from pipx_parallel.requirements.references import looks_like_path
from pipx_parallel.requirements.refusal import quoted

_HEAD = re.compile(r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)?\s*(?P<extras>\[[^\]]*\])?\s*\(?(?P<rest>[^;]*)")
_CLAUSE = re.compile(r"(?P<operator>[=<>!~]+)\s*(?P<version>.*)")
_OPERATORS = ("===", "==", "~=", "!=", "<=", ">=", "<", ">")
_LIKE = "write it like: name, name[extra]>=1.0,<2, or name @ https://…"
_LIKE_MARKER = "write it like: name>=1.0; python_version < '3.12'"


def diagnose(text: str, parser_message: str) -> tuple[str, str]:
    """Return (problem, remedy) for a text that ``packaging`` refused with ``parser_message``."""
    head, _, marker = text.partition(";")
    mistake = _of_clauses(head)
    if mistake is not None:
        return f"{quoted(text)} is not a valid requirement: {mistake[0]}", mistake[1]
    reason = parser_message.partition("\n")[0].rstrip(".:")
    if looks_like_path(head):
        remedy = "if it is a path, it does not exist: paths are relative to the current folder"
    else:
        remedy = _LIKE_MARKER if marker else _LIKE
    return f"{quoted(text)} is not a valid requirement: {reason}", remedy


def _of_clauses(head: str) -> tuple[str, str] | None:
    """Return (problem, remedy) of the first common mistake after the name, or None."""
    match = _HEAD.match(head)
    if match is None or looks_like_path(head):
        return None
    rest = match["rest"].strip().rstrip(")")
    if not match["name"]:
        return ("there is no name before the version", _LIKE) if rest[:1] in "=<>!~" and rest else None
    if rest and rest[0] not in "=<>!~@[,(":
        return (
            f"{quoted(rest)} follows the name",
            "put each requirement on its own line; a version needs an operator",
        )
    for clause in rest.split(","):
        mistake = _of_clause(clause.strip())
        if mistake is not None:
            return mistake
    return None


def _of_clause(clause: str) -> tuple[str, str] | None:
    match = _CLAUSE.fullmatch(clause)
    if match is None:
        return None
    operator, version = match["operator"], match["version"].strip()
    mistakes = (
        (operator == "=", "'=' is not an operator", "use == to pin a version"),
        (operator not in _OPERATORS, f"{quoted(operator)} is not an operator", f"use one of {' '.join(_OPERATORS)}"),
        (not version, f"no version follows {operator}", f"add a version, like {operator}1.0, or remove the operator"),
        (version.endswith("]"), "the extras follow the version", "write them after the name: name[extra]>=1.0"),
        (
            operator == "~=" and version.isdecimal(),
            f"~={version} has one number",
            f"~= needs at least two: ~={version}.0",
        ),
        (
            version.endswith(".*") and operator not in ("==", "!="),
            f".* cannot follow {operator}",
            "use it only with == or !=",
        ),
        (
            any(mark in version for mark in "<>=!~"),
            f"a comma is missing in {quoted(version)}",
            "separate bounds by commas: >=1.0,<2",
        ),
        (
            not _is_version(version.removesuffix(".*")),
            f"{quoted(version)} is not a version",
            "a version looks like 1.0, 2024.1 or 3.0rc1 (PEP 440)",
        ),
    )
    return next(((problem, remedy) for wrong, problem, remedy in mistakes if wrong), None)


def _is_version(text: str) -> bool:
    from packaging.version import InvalidVersion, Version  # 45 ms, only for an error

    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
