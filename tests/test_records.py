"""Records of two kinds are never equal, even if their fields hold the same values."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, cast

import pytest

import mirror
import pipx_parallel

# Named tuples that compare as tuples do, each with the reason.
AS_TUPLES = {
    "pipx_parallel.config.option.Argument": "the options import nothing",
    "pipx_parallel.config.option.Option": "the options import nothing",
    "pipx_parallel.errors.Suggestions": "a build loads no mirror",
    "pipx_parallel.locks.locked_extra.LockedExtras": "a build loads no mirror",
    "pipx_parallel.locks.locked_extra.Pinned": "a build loads no mirror",
}


def named_tuples() -> Iterator[tuple[str, str]]:
    """Yield module and name of every named tuple of both packages."""
    for package in (mirror, pipx_parallel):
        root = Path(package.__file__ or "").parent
        for path in sorted(root.rglob("*.py")):
            module = ".".join(path.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "NamedTuple" for base in node.bases):
                    yield module, node.name


KINDS = [*named_tuples()]


def test_the_scan_finds_named_tuples() -> None:
    """And every exception is one of them."""
    names = {f"{module}.{name}" for module, name in KINDS}

    assert len(names) > 50
    assert set(AS_TUPLES) <= names


@pytest.mark.parametrize(("module", "name"), [row for row in KINDS if ".".join(row) not in AS_TUPLES])
def test_a_named_tuple_compares_by_type(module: str, name: str) -> None:
    """``mirror.equality.NamedTuple``, or a ``msgspec.Struct`` where no warm lock loads the module."""
    kind = cast("type[NamedTuple]", getattr(import_module(module), name))
    values = range(len(kind._fields))
    record = kind._make(values)

    assert record == kind._make(values)
    assert hash(record) == hash(kind._make(values))
    assert record != tuple(values)
    assert not record == tuple(values)  # noqa: SIM201 - both operators are defined
