"""The solver's keys and numbers are spelled in one place each."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pipx_parallel
from pipx_parallel.resolution.package_keys import base_of, extra_of, is_extra, package_key
from pipx_parallel.resolver.masks import bit_of, mask_from, mask_of, release_of, releases_in

ROOT = Path(pipx_parallel.__file__).parent
# The solver itself, the home of its keys, and the record of an edge in a lock, which is written `name[extra]` there.
HOMES = ("resolver", "resolution/package_keys.py", "model.py")
BIT_NAMES = {"at", "best", "bit", "final", "first", "last", "release"}


def raw_encodings(source: str) -> list[str]:
    """Return the expressions that convert bits and releases, or spell or split a package key, by hand."""
    return [ast.unparse(node) for node in ast.walk(ast.parse(source)) if _is_raw(node)]


def _is_raw(node: ast.AST) -> bool:
    match node:
        case (
            ast.BinOp(op=ast.LShift() | ast.RShift(), right=ast.Constant(value=1))
            | ast.BinOp(left=ast.Subscript(), op=ast.Sub(), right=ast.Constant(value=1))
            | ast.Compare(left=ast.Subscript(), comparators=[ast.Constant(value="]")])
            | ast.Call(func=ast.Attribute(attr="partition"), args=[ast.Constant(value="[")])
        ):
            return True
        case ast.BinOp(left=ast.Name(id=name), op=ast.Add() | ast.Sub(), right=ast.Constant(value=1)):
            return name in BIT_NAMES
        case ast.JoinedStr(values=[_, ast.Constant(value="["), ast.FormattedValue(value=ast.Name()), *_]):
            return True
    return False


def test_no_other_module_spells_the_solver_encoding() -> None:
    """Neither bits against releases, nor ``name[extra]``."""
    used = set()
    for path in (*ROOT.glob("*.py"), *(ROOT / "emitters").glob("*.py"), *(ROOT / "resolution").glob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(HOMES):
            used |= {(name, text) for text in raw_encodings(path.read_text("utf-8"))}

    assert used == set()


@pytest.mark.parametrize(
    "source",
    [
        "versions[bit - 1]",
        "chosen[name] - 1",
        "mask >> at + 1 & 1",
        "usable << 1",
        "mask >> 1",
        'name[-1] == "]"',
        'name[-1] != "]"',
        'need.package.partition("[")[0]',
        'f"{name}[{extra}]"',
    ],
)
def test_the_search_finds_each_form(source: str) -> None:
    """The test above can fail."""
    assert len(raw_encodings(source)) == 1


def test_a_key_is_split_into_what_it_was_made_of() -> None:
    """A project's own key has no extra."""
    key = package_key("requests", "socks")

    assert (is_extra(key), base_of(key), extra_of(key)) == (True, "requests", "socks")
    assert (is_extra("requests"), base_of("requests"), extra_of("requests")) == (False, "requests", "")


def test_bits_and_releases_convert_both_ways() -> None:
    """As ``mask_of`` numbers them: the first key is release 0."""
    keys = ["a", "b", "c"]

    assert mask_of(keys, [("b", "d")]) == mask_from(0b110) == 1 << bit_of(1) | 1 << bit_of(2)
    assert releases_in(mask_from(0b101)) == 0b101
    assert [release_of(bit_of(release)) for release in range(3)] == [0, 1, 2]
