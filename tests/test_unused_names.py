"""No name without a use: a function, class or constant that nothing names is dead."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import mirror
import pipx_parallel
from benchmarks import synthetic

# Names that a library calls, by the class that it asks for them.
CALLED_BY_LIBRARIES = {
    "create_key", "get_response", "save_response", "build_connection_pool_key_attributes", "cert_verify",  # requests
    "list_commands", "get_command", "format_commands", "format_options", "format_help_text",  # click
    "get_completion_args", "format_completion", "source_template",  # click
}  # fmt: skip


def sources(*packages: object) -> dict[Path, str]:
    """Return the text of every module of packages."""
    roots = [Path(str(vars(package)["__file__"])).parent for package in packages]
    return {path: path.read_text(encoding="utf-8") for root in roots for path in sorted(root.rglob("*.py"))}


def definitions(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line, name) of functions, methods, classes, and names assigned in a module."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("__"):
            yield node.lineno, node.name
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        for target in [*targets, *([statement.target] if isinstance(statement, ast.AnnAssign) else [])]:
            if isinstance(target, ast.Name) and not target.id.startswith("__"):
                yield statement.lineno, target.id


def test_every_name_is_used() -> None:
    """Somewhere in the packages or the benchmarks, not in a test alone."""
    texts = sources(mirror, pipx_parallel)
    words = Counter(
        word for text in sources(mirror, pipx_parallel, synthetic).values() for word in re.findall(r"\w+", text)
    )

    unused = [
        f"{path.name}:{line}: {name}"
        for path, text in texts.items()
        for line, name in definitions(text)
        if words[name] == 1 and name not in CALLED_BY_LIBRARIES
    ]

    assert texts
    assert unused == []
