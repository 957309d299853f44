"""Files, functions and records stay small enough to be read at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import mirror
import pipx_parallel
from mirror.session.mirror import Mirror

MODULES = [
    (path, path.read_text(encoding="utf-8"))
    for package in (mirror, pipx_parallel)
    for path in sorted(Path(package.__file__ or "").parent.rglob("*.py"))
]
TREES = [(path, ast.parse(text)) for path, text in MODULES]


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield every function and method of both packages, with a name for messages."""
    for path, tree in TREES:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path}:{node.lineno} {node.name}", node


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of parameters of a function, without ``self`` and ``cls``."""
    arguments = function.args
    names = [row.arg for row in (*arguments.posonlyargs, *arguments.args)]
    rest = (arguments.vararg is not None) + (arguments.kwarg is not None)
    return len(names) - (names[:1] in (["self"], ["cls"])) + len(arguments.kwonlyargs) + rest


def test_a_module_has_at_most_300_lines() -> None:
    """One noun a file."""
    assert len(MODULES) > 200
    assert [f"{path}: {lines}" for path, text in MODULES if (lines := text.count("\n")) > 300] == []


def test_a_function_has_at_most_50_lines() -> None:
    """Its docstring counts."""
    assert [
        f"{name}: {lines}"
        for name, node in functions()
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > 50
    ] == []  # fmt: skip


def test_a_function_has_at_most_8_parameters() -> None:
    """What needs more is given a record."""
    assert [f"{name}: {count}" for name, node in functions() if (count := parameters(node)) > 8] == []


def test_a_record_has_at_most_20_fields() -> None:
    """What has more is several records: named tuples, structs and all other classes."""
    assert [
        f"{path}: {node.name}"
        for path, tree in TREES
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and sum(isinstance(statement, ast.AnnAssign) for statement in node.body) > 20
    ] == []  # fmt: skip


def test_the_interface_of_the_mirror_has_at_most_14_members() -> None:
    """Attributes that the constructor sets, properties and methods."""
    source = Path(mirror.__file__ or "").parent / "session" / "mirror.py"
    attributes = {
        node.attr
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    members = {name for name in {*attributes, *vars(Mirror)} if not name.startswith("_")}

    assert {"want_projects", "project", "admin"} <= members
    assert len(members) <= 14, sorted(members)


def test_few_modules_lie_beside_the_folders() -> None:
    """At most twenty in both packages together: what belongs together has a folder."""
    assert len([path for path, _ in MODULES if path.parent.name in {"mirror", "pipx_parallel"}]) <= 20
