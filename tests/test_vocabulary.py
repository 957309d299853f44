"""Names and comments use the terms of the field: the words of old_words.toml were replaced."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Where the words below may not occur any more. One row a folder; a pattern of `Path.glob`, from the root of the repository.
DONE = (
    "mirror/*.py",
    "mirror/exchange/*.py",
    "mirror/http/*.py",
    "mirror/metadata/*.py",
    "mirror/records/*.py",
    "mirror/server/*.py",
    "mirror/session/*.py",
    "mirror/store/*.py",
    "pipx_parallel/builds/*.py",
    "pipx_parallel/bundle/*.py",
    "pipx_parallel/cli/*.py",
    "pipx_parallel/cli/commands/*.py",
    "pipx_parallel/config/*.py",
    "pipx_parallel/direct/*.py",
    "pipx_parallel/emitters/*.py",
    "pipx_parallel/locks/*.py",
    "pipx_parallel/requirements/*.py",
    "pipx_parallel/resolution/*.py",
    "pipx_parallel/resolver/*.py",
    "pipx_parallel/targets/*.py",
    "pipx_parallel/*.py",
    "benchmarks/*.py",
    "tests/**/*.py",
)

_WORDS = tomllib.loads((ROOT / "tests" / "old_words.toml").read_text("utf-8"))
OLD_NAMES: Mapping[str, str] = _WORDS["names"]
OLD_PHRASES: Mapping[str, str] = _WORDS["phrases"]


def names(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line, name) of every function, class, parameter and variable that a module binds."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.lineno, node.name
        elif isinstance(node, ast.alias) and node.asname:
            yield 0, node.asname


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of every comment and docstring."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            yield getattr(node, "lineno", 1), ast.get_docstring(node) or ""


def old_words(path: Path, text: str) -> list[str]:
    """Return one line for each old word in a module: where it is, and what to write instead."""
    bound = [(0, path.stem), *names(text)]
    return [
        f"{path}:{line}: {name} (write {OLD_NAMES[name.strip('_').lower()]})"
        for line, name in bound
        if name.strip("_").lower() in OLD_NAMES
    ] + [
        f"{path}:{line}: {match[0]} (write {instead})"
        for line, comment in prose(text)
        for phrase, instead in OLD_PHRASES.items()
        for match in re.finditer(phrase, comment, re.IGNORECASE)
    ]


@pytest.mark.parametrize("row", DONE)
def test_no_old_word_is_left(row: str) -> None:
    """Each row names at least one module, and none of its modules binds an old name."""
    modules = sorted(ROOT.glob(row))

    left = [line for path in modules for line in old_words(path.relative_to(ROOT), path.read_text(encoding="utf-8"))]

    assert modules
    assert left == []


@pytest.mark.parametrize(
    "text",
    [
        "found = 1",
        "def place(): ...",
        "class Told: ...",
        "def f(*, at): ...",
        "def f(): return [1 for _one in ()]",
        "for key, said in (): ...",
        "if (known := 1): ...",
        "with open('x') as kept: ...",
        "import json as shop",
        "try: ...\nexcept OSError as lesson: ...",
        "match 1:\n    case places: ...",
        "x = 1  # it cannot be had",
        '"""Ask him."""',
    ],
)
def test_an_old_word_is_reported(text: str) -> None:
    """Whatever binds the name, or says the phrase."""
    assert len(old_words(Path("sample.py"), text)) == 1


def test_the_name_of_a_module_counts() -> None:
    """An old word may not be the name of a file either."""
    assert len(old_words(Path("told.py"), "")) == 1


def test_a_new_word_is_accepted() -> None:
    """Words that only contain an old word are not old."""
    assert old_words(Path("offset.py"), "found_at = 1  # the history of this file") == []
