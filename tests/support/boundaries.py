"""Read a source tree and say where it breaks a layer law.

The law is data (``Law``); this file knows no module of ours. Nothing is imported or run: everything is read from the syntax
tree. An import under ``if TYPE_CHECKING:`` counts like any other, because a circle of types is a circle too.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple


class Folder(NamedTuple):
    """Modules that belong together. They may import each other and the folders named; those stand earlier in the table."""

    name: str
    modules: tuple[str, ...]  # names or fnmatch patterns
    may_import: tuple[str, ...]  # names of folders, or fnmatch patterns over them


class Law(NamedTuple):
    """What may import and use what. Patterns are those of ``fnmatch``; a module's name is dotted."""

    folders: tuple[Folder, ...]  # a module belongs to the first row that names it, exact names before patterns
    forbidden: tuple[tuple[str, str, str], ...] = ()  # (importer, imported, the rule in words)
    homes: Mapping[str, tuple[str, ...]] = {}  # top-level third-party name -> modules that may import it
    edges: Mapping[str, tuple[str, ...]] = {}  # "files", "clock", … -> modules that may touch it
    late: tuple[str, ...] = ()  # modules that exist to load others late; elsewhere each late import says why


class Import(NamedTuple):
    """One module named by one import statement."""

    target: str
    line: int
    in_function: bool
    reasoned: bool  # a comment on the line, or above the run of imports, says why


class Module(NamedTuple):
    """What the law needs to know of one file."""

    name: str
    path: Path
    imports: tuple[Import, ...]
    touches: tuple[tuple[str, int], ...]  # (edge, line)


class Violation(NamedTuple):
    """One place that breaks the law; ``str()`` is one line for a person."""

    module: str
    line: int
    message: str

    def __str__(self) -> str:
        """Return ``module:line: message``."""
        return f"{self.module}:{self.line}: {self.message}"


# What touching the world looks like in source text. Names of calls and attributes, dotted where the root says which it is.
_EDGE_NAMES: Mapping[str, tuple[str, ...]] = {
    "files": (
        "open", "io.open", "os.open", "os.replace", "os.rename", "os.remove", "os.unlink", "os.mkdir", "os.makedirs", "os.chmod",
        "os.stat", "os.lstat", "os.walk", "os.scandir", "os.listdir", "os.path.exists", "os.path.isfile", "os.path.isdir",
        "tempfile.*", "shutil.*", "*.read_text", "*.write_text", "*.read_bytes", "*.write_bytes", "*.iterdir", "*.mkdir",
        "*.unlink", "*.is_file", "*.is_dir", "*.rglob",
    ),
    "environment": ("os.environ", "os.environ.*", "os.getenv", "os.putenv"),
    "clock": ("time.time", "time.time_ns", "datetime.now", "datetime.*.now", "datetime.utcnow", "date.today"),
    "timer": ("time.monotonic*", "time.perf_counter*", "time.process_time*", "time.sleep"),
    "output": ("print", "input", "sys.stdout", "sys.stdout.*", "sys.stderr", "sys.stderr.*", "sys.stdin", "sys.stdin.*"),
    "network": ("socket.*", "ssl.*", "urllib.request.*", "http.client.*"),
    "processes": ("subprocess.*", "os.system", "os.popen", "os.fork", "os.kill", "multiprocessing.*"),
    "threads": ("threading.*", "concurrent.futures.*", "queue.*", "asyncio.*"),
    "danger": ("eval", "exec", "pickle.*", "marshal.*", "shelve.*"),
}  # fmt: skip


def violations(roots: Sequence[Path], law: Law) -> list[Violation]:
    """Return every violation in the packages whose folders are ``roots``, sorted."""
    modules = read_modules(roots)
    broken = [*_unplaced(modules, law), *_unknown_entries(modules, law), *_circles(modules)]
    for module in modules.values():
        broken += _outside(module, modules, law)
        broken += _forbidden(module, law)
        broken += _third_party(module, modules, law)
        broken += _touching(module, law)
        broken += _unreasoned(module, law)
    return sorted(set(broken))


def read_modules(roots: Sequence[Path]) -> dict[str, Module]:
    """Return the modules below each package folder by dotted name, in order of name."""
    paths = {_name_of(path, root): path for root in roots for path in sorted(root.rglob("*.py"))}
    return {name: _read(name, paths[name], paths.keys()) for name in sorted(paths)}


def _name_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _read(name: str, path: Path, modules_known: Collection[str]) -> Module:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, filename=str(path))
    imports = tuple(_imports(tree, text.splitlines(), name, path, modules_known))
    return Module(name, path, imports, tuple(_touches(tree)))


def _imports(
    tree: ast.Module, lines: list[str], name: str, path: Path, modules_known: Collection[str]
) -> Iterator[Import]:
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for target in _targets(node, name, path, modules_known):
                yield Import(target, node.lineno, id(node) in inside, _has_reason(lines, node.lineno))


def _targets(node: ast.Import | ast.ImportFrom, name: str, path: Path, modules_known: Collection[str]) -> Iterator[str]:
    """Yield what a statement imports; ``from package import module`` names the module, not the package."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
        base = ".".join([*package[: len(package) - node.level + 1], *([base] if base else [])])
    full = [f"{base}.{alias.name}" for alias in node.names]
    yield from dict.fromkeys(edge if edge in modules_known else base for edge in full)


def _has_reason(lines: list[str], line: int) -> bool:
    """Say whether the import on ``line`` (from 1), or the run of imports it ends, carries a comment with words."""
    row = line - 1
    if _is_reason(lines[row].partition("#")[2]):
        return True
    while row > 0 and (not lines[row - 1].strip() or lines[row - 1].lstrip().startswith(("import ", "from "))):
        row -= 1
        if _is_reason(lines[row].partition("#")[2]):
            return True
    above = lines[row - 1].strip() if row > 0 else ""
    return above.startswith("#") and _is_reason(above.lstrip("#"))


def _is_reason(comment: str) -> bool:
    """Say whether a comment holds words beside a directive to a linter."""
    words = re.sub(r"noqa(:\s*[A-Z]+[0-9]+(,\s*[A-Z]+[0-9]+)*)?|type: ignore(\[[^\]]*\])?", "", comment).split()
    return len([word for word in words if any(letter.isalpha() for letter in word)]) >= 2


def _touches(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield each edge the code touches: by name, attribute or import of it. A variable called ``queue`` is no module."""
    bound = {alias.asname or alias.name.partition(".")[0] for node in ast.walk(tree) for alias in _aliases(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            named = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) or (
            isinstance(node, ast.Attribute) and _dotted(node).startswith(("os.environ", "sys.std"))
        ):
            dotted = _dotted(node.func if isinstance(node, ast.Call) else node)
            root, _, rest = dotted.partition(".")
            named = [dotted if not rest or root in bound else f"?.{rest}"]
        else:
            continue
        for dotted in named:
            yield from ((edge, node.lineno) for edge, patterns in _EDGE_NAMES.items() if _matches(dotted, patterns))


def _aliases(node: ast.AST) -> list[ast.alias]:
    return node.names if isinstance(node, ast.Import | ast.ImportFrom) else []


def _dotted(node: ast.expr) -> str:
    """Return ``a.b.c`` for a chain of names; anything else at its root is ``?``."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    parts.append(node.id if isinstance(node, ast.Name) else "?")
    return ".".join(reversed(parts))


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _folder_of(name: str, law: Law) -> Folder | None:
    for exact in (True, False):
        for folder in law.folders:
            if name in folder.modules if exact else _matches(name, folder.modules):
                return folder
    return None


def _unplaced(modules: Mapping[str, Module], law: Law) -> Iterator[Violation]:
    for name in modules:
        if _folder_of(name, law) is None:
            yield Violation(name, 1, "stands in no folder of the layer table: add it there")


def _unknown_entries(modules: Mapping[str, Module], law: Law) -> Iterator[Violation]:
    """Yield entries of the table that name nothing, and rows that name a row below them."""
    entries = [entry for folder in law.folders for entry in folder.modules]
    entries += [entry for home in (*law.homes.values(), *law.edges.values(), law.late) for entry in home]
    for entry in dict.fromkeys(entries):
        if not any(fnmatchcase(name, entry) for name in modules):
            yield Violation(entry, 1, "is named by the layer table and does not exist")
    above: list[str] = []
    for folder in law.folders:
        for wanted in folder.may_import:
            if not any(fnmatchcase(name, wanted) for name in above):
                yield Violation(folder.name, 1, f"names {wanted!r}, which is no row above it")
        above.append(folder.name)


def _outside(module: Module, modules: Mapping[str, Module], law: Law) -> Iterator[Violation]:
    here = _folder_of(module.name, law)
    order = [folder.name for folder in law.folders]
    for edge in module.imports:
        there = _folder_of(edge.target, law) if edge.target in modules else None
        if here is None or there is None or here == there:
            continue
        if not _matches(there.name, here.may_import) or order.index(there.name) > order.index(here.name):
            yield Violation(
                module.name, edge.line, f"imports {edge.target}: {here.name!r} may not import {there.name!r}"
            )


def _forbidden(module: Module, law: Law) -> Iterator[Violation]:
    for edge in module.imports:
        for importer, imported, rule in law.forbidden:
            if fnmatchcase(module.name, importer) and fnmatchcase(edge.target, imported):
                yield Violation(module.name, edge.line, f"imports {edge.target}: {rule}")


def _third_party(module: Module, modules: Mapping[str, Module], law: Law) -> Iterator[Violation]:
    """Yield third-party imports outside the home that the law gives them, and those it does not know."""
    own = {name.partition(".")[0] for name in modules}
    for edge in module.imports:
        top = edge.target.partition(".")[0]
        if top in own or top in sys.stdlib_module_names:
            continue
        if top not in law.homes:
            yield Violation(module.name, edge.line, f"imports {top}, which has no home in the layer table")
        elif not _matches(module.name, law.homes[top]):
            yield Violation(module.name, edge.line, f"imports {top}, whose home is {', '.join(law.homes[top])}")


def _touching(module: Module, law: Law) -> Iterator[Violation]:
    for edge, line in module.touches:
        if not _matches(module.name, law.edges.get(edge, ())):
            yield Violation(module.name, line, f"touches {edge}; only edge modules may")


def _unreasoned(module: Module, law: Law) -> Iterator[Violation]:
    if _matches(module.name, law.late):
        return
    for edge in module.imports:
        if edge.in_function and not edge.reasoned:
            yield Violation(
                module.name, edge.line, f"imports {edge.target} in a function without a comment that says why"
            )


def _circles(modules: Mapping[str, Module]) -> Iterator[Violation]:
    """Yield one violation for each import that closes a circle (depth first, in order of name)."""
    done: set[str] = set()
    trail: list[str] = []

    def visit(name: str) -> Iterator[Violation]:
        trail.append(name)
        for edge in modules[name].imports:
            if edge.target in trail and edge.target != name:
                circle = " -> ".join([*trail[trail.index(edge.target) :], edge.target])
                yield Violation(name, edge.line, f"closes a circle: {circle}")
            elif edge.target in modules and edge.target not in done and edge.target != name:
                yield from visit(edge.target)
        trail.pop()
        done.add(name)

    for name in modules:
        if name not in done:
            yield from visit(name)
