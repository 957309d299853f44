"""Files, functions and records stay small enough to be read at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mirror
import pipx_parallel

MODULES = [
    (path, path.read_text(encoding="utf-8"))
    for package in (mirror, pipx_parallel)
    for path in sorted(Path(package.__file__ or "").parent.rglob("*.py"))
]
MIRROR = [(path, text) for path, text in MODULES if "mirror" in path.parts]


def nodes(text: str, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes of these kinds."""
    return (node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds))


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize(("path", "text"), MIRROR, ids=[path.stem for path, _ in MIRROR])
def test_a_module_of_the_mirror_has_at_most_300_lines(path: Path, text: str) -> None:
    """One noun a file."""
    assert text.count("\n") <= 300, path


def test_a_function_has_at_most_50_lines() -> None:
    """Without its docstring."""
    large = [
        f"{path.name}: {node.name}"
        for path, text in MODULES
        for node in nodes(text, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and body_lines(node) > 50
    ]

    assert MODULES
    assert large == []


def test_a_record_has_at_most_20_fields() -> None:
    """What has more is several records."""
    large = [
        f"{path.name}: {node.name}"
        for path, text in MODULES
        for node in nodes(text, ast.ClassDef)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "NamedTuple" for base in node.bases)
        and sum(isinstance(statement, ast.AnnAssign) for statement in node.body) > 20
    ]

    assert large == []
