"""Load all sources into ``Inputs``: detect what each SOURCE of the command line is, and read it."""

# Paths stay strings as the user wrote them: pathlib would normalise them, and takes 3 ms to import.
from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.names import is_archive, is_project_name, normalize_name
from pipx_parallel.model import Inputs, Origin, Parts, RootRequirement
from pipx_parallel.requirements.gathering import Gathering
from pipx_parallel.requirements.project_metadata import (
    BuiltProject,
    Declared,
    ProjectBuild,
    Wanted,
    check_extras,
    from_built,
)
from pipx_parallel.requirements.refusal import quoted, refusal
from pipx_parallel.requirements.requirement_lines import parse_text, split_packages
from pipx_parallel.requirements.urls import is_location_url, join_location, mask_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipx_parallel.requirements.reader import Reader
    from pipx_parallel.requirements.toml_lines import TomlText

# The files that are looked for in a folder, in this order.
_IN_FOLDER = ("pyproject.toml", "setup.cfg", "setup.py", "requirements.in", "requirements.txt")


_OF_OTHER_TOOLS = (".lock", "pipfile", ".yml", ".yaml")  # ends of names that other tools give their files


class InputRequest(NamedTuple):
    """The inputs that a command names.

    A source is ``-``, a folder, pyproject.toml, setup.cfg, setup.py, a PEP 723 script, a pylock.toml, or else a requirements
    file. ``extras``, ``groups`` and ``build_requires`` apply to the projects among the sources; ``[PATH:]GROUP`` names another
    pyproject.toml, and without a project among the sources a group is read from ./pyproject.toml.
    """

    sources: Sequence[str] = ()
    packages: str | None = None  # separated by commas
    requirement_files: Sequence[str] = ()
    constraint_files: Sequence[str] = ()
    extras: Sequence[str] = ()
    groups: Sequence[str] = ()
    all_extras: bool = False
    all_groups: bool = False
    build_requires: bool = False
    overrides: Sequence[str] = ()  # requirements, or paths of requirements files
    excludes: Sequence[str] = ()


def load_inputs(
    request: InputRequest, *, environ: Mapping[str, str], reader: Reader, builder: ProjectBuild | None = None
) -> Inputs:
    """Read all sources and return their roots and options, in the order given.

    Args:
        request: The sources to read.
        environ: The variables that requirements files may use.
        reader: Reads files and URLs.
        builder: Calls build backends; without it, dynamic dependencies are refused.

    Raises:
        RequirementsError: An input is malformed or cannot be read; the message has file, line and remedy.
    """
    gathering = Gathering(reader, environ)
    loading = _Loading(gathering, request, builder)
    for text in split_packages(request.packages or ""):
        gathering.add_text(text, Origin("--packages"))
    for source in request.sources:
        loading.add(source)
    for path in request.requirement_files:
        gathering.add_file(path)
    for path in request.constraint_files:
        gathering.add_file(path, constraint=True)
    loading.add_remaining_groups()
    return gathering.finish(_overrides(request.overrides, gathering), _normalized(request.excludes, "--exclude"))


def kind_of(source: str, reader: Reader) -> str:
    """Return what a source is by its name: "requirements", "toml", "setup.cfg", "setup.py", "script" or "folder"."""
    name = os.path.basename(source).lower()
    if source == "-" or is_location_url(source):
        return "toml" if name.endswith(".toml") else "requirements"
    if reader.kind(source) == "folder":
        return "folder"
    if name in ("setup.cfg", "setup.py"):
        return name
    if name.endswith(".toml"):
        return "toml"
    return "script" if name.endswith((".py", ".pyw")) else "requirements"


class _Loading:
    """One call of ``load_inputs``."""

    def __init__(self, gathering: Gathering, request: InputRequest, builder: ProjectBuild | None) -> None:
        self._gathering = gathering
        groups = tuple(group for group in request.groups if ":" not in group)
        self._wanted = Wanted(
            _normalized(request.extras, "--extra"),
            groups,
            request.build_requires,
            all_extras=request.all_extras,
            all_groups=request.all_groups,
        )
        self._elsewhere = tuple(group for group in request.groups if ":" in group)
        self._builder = builder
        self._projects = 0
        self._locks = 0

    def add(self, source: str) -> None:
        """Read one source of any kind."""
        kind = kind_of(source, self._gathering.reader)
        if is_archive(source):
            remedy = f"give it as a requirement: --packages {quoted(source)}"
            raise refusal(Origin(mask_secrets(source)), "an archive is not a list of requirements", remedy)
        if kind in {"requirements", "toml"} and source.lower().endswith(_OF_OTHER_TOOLS):
            from pipx_parallel.requirements.wrong_files import of_other_tool  # only for such names

            if (other := of_other_tool(source)) is not None:
                raise refusal(Origin(mask_secrets(source)), f"{other[0]} is not a list of requirements", other[1])
        if kind == "folder":
            source = self._in_folder(source)
            kind = kind_of(source, self._gathering.reader)
        if kind == "requirements" and self._is_script(source):
            kind = "script"
        if kind == "requirements":
            self._gathering.add_file(source)
        elif kind == "toml":
            self._add_toml(source)
        elif kind == "script":
            from pipx_parallel.requirements.script import read_script  # only for scripts

            self._take(read_script(self._gathering.read(source), source), source)
        else:
            self._add_setup(source, kind)

    def add_remaining_groups(self) -> None:
        """Read the groups of other pyproject.toml files, and the plain groups if no source is a project."""
        for entry in self._elsewhere:
            path, _, group = entry.rpartition(":")
            self._add_groups(path, Wanted(groups=(group,)))
        wanted = self._wanted
        has_extras, has_groups = wanted.extras or wanted.all_extras, wanted.groups or wanted.all_groups
        if not (self._projects or self._locks) and (has_groups or has_extras or wanted.build_requires):
            if has_groups and not (has_extras or wanted.build_requires):
                self._add_groups("pyproject.toml", wanted)
                return
            flag = "--build-requires" if not has_extras else "--extra" if wanted.extras else "--all-extras"
            raise refusal(
                Origin(flag), "none of the sources is a project", "name a pyproject.toml or setup.cfg as a source"
            )

    def _add_groups(self, path: str, wanted: Wanted) -> None:
        from pipx_parallel.requirements.pyproject import read_pyproject  # only for projects

        text = self._toml(path, Origin("--group"))
        self._take(read_pyproject(text, wanted._replace(dependencies=False), None), path)

    def _is_script(self, source: str) -> bool:
        """Return whether a file without a suffix is a script, by its first bytes."""
        if os.path.splitext(source)[1] or source == "-" or is_location_url(source):
            return False
        try:
            data = self._gathering.reader.read(source)
        except OSError:
            return False  # reported when the source is read
        from pipx_parallel.requirements.script import has_block  # only for scripts

        return data.startswith(b"#!") or has_block(data)

    def _in_folder(self, folder: str) -> str:
        for name in _IN_FOLDER:
            path = os.path.join(folder, name) if folder not in ("", ".") else name
            if self._gathering.reader.kind(path) == "file" and not self._is_not_source(path, name):
                return path
        problem = f"the folder has none of {', '.join(_IN_FOLDER)}"
        raise refusal(Origin(mask_secrets(folder)), problem, "name a file")

    def _is_not_source(self, path: str, name: str) -> bool:
        """Return whether a file is not a source: a generated requirements.txt, or a pyproject.toml that only configures tools."""
        if name == "requirements.txt":
            from pipx_parallel.requirements.generated import generator_of  # only for folders

            return generator_of(self._gathering.reader.read(path)) is not None
        if name != "pyproject.toml":
            return False
        text = self._toml(path, None)
        return not any(table in text.tables for table in ("project", "build-system", "dependency-groups"))

    def _toml(self, path: str, asked_at: Origin | None) -> TomlText:
        from pipx_parallel.requirements.toml_lines import TomlText  # only for TOML sources

        return TomlText.from_bytes(self._gathering.read(path, asked_at), mask_secrets(path))

    def _add_toml(self, source: str) -> None:
        from pipx_parallel.requirements.pylock_input import is_lock, read_lock  # only for locks
        from pipx_parallel.requirements.pyproject import is_only_groups, is_project, read_pyproject  # as above

        text = self._toml(source, None)
        if is_lock(text.tables):
            self._locks += 1
            wanted = self._wanted
            roots, requires_python, folders = read_lock(text, self._gathering.reader, wanted)
            self._gathering.roots.extend(roots)
            for folder in folders:
                self._gathering.add_option("--find-links", folder, text.origin)
            self._gathering.add_requires_python(requires_python)
            return
        self._projects += 1
        rest = self._wanted._replace(dependencies=False, extras=(), all_extras=False)
        setup_cfg = join_location(source, "setup.cfg")
        if not is_project(text) and self._gathering.reader.kind(setup_cfg) == "file":
            declared = self._read_setup_cfg(setup_cfg)
            if declared is not None:
                self._take(declared, setup_cfg)
                self._take(read_pyproject(text, rest._replace(extras=declared.extras), None), source)
                return
        if is_only_groups(text) and self._gathering.reader.kind(join_location(source, "setup.py")) != "file":
            check_extras(self._wanted.extras, (), text.origin)
            self._take(read_pyproject(text, rest, None), source)
            return
        self._take(read_pyproject(text, self._wanted, self._build_of(source)), source)

    def _add_setup(self, source: str, kind: str) -> None:
        self._projects += 1
        declared = self._read_setup_cfg(source) if kind == "setup.cfg" else None
        if declared is None:
            build = self._build_of(source)
            if build is None:
                problem = "only the project's build can state its dependencies"
                remedy = "allow builds, list the dependencies in pyproject.toml, or lock a requirements file"
                raise refusal(Origin(source), problem, remedy)
            self._gathering.read(source)
            declared = from_built(build(), self._wanted, Origin(source))
        self._take(declared, source)

    def _read_setup_cfg(self, source: str) -> Declared | None:
        from pipx_parallel.requirements.setup_cfg import read_setup_cfg  # only for setup.cfg

        return read_setup_cfg(self._gathering.read(source), source, self._wanted)

    def _build_of(self, source: str) -> Callable[[], BuiltProject] | None:
        builder = self._builder
        if builder is None or is_location_url(source):
            return None
        folder = os.path.dirname(source) or "."
        return lambda: builder(folder)

    def _take(self, declared: Declared, source: str) -> None:
        for text, origin in declared.requirements:
            self._gathering.add_text(text, origin)
        for path, origin in declared.files:
            self._gathering.add_file(join_location(source, path), asked_at=origin)
        parts = declared.parts or (Parts(declared.extras) if declared.extras else None)
        self._gathering.parts += [parts] if parts is not None else []
        self._gathering.left_out += declared.left_out
        self._gathering.add_requires_python(declared.requires_python)


def _overrides(overrides: Sequence[str], gathering: Gathering) -> tuple[RootRequirement, ...]:
    roots: list[RootRequirement] = []
    for text in overrides:
        if gathering.reader.kind(text) == "file":
            roots.extend(gathering.read_file(text))
        else:
            roots.append(parse_text(text, Origin("--override"), gathering.reader))
    for root in roots:
        if not root.name:
            raise refusal(root.origin, f"the override {quoted(root.text)} has no name", "write it as name @ URL")
    return tuple(roots)


def _normalized(names: Sequence[str], flag: str) -> tuple[str, ...]:
    words = [word.strip() for entry in names for word in entry.split(",") if word.strip()]
    for word in words:
        if not is_project_name(word):
            raise refusal(Origin(flag), f"{quoted(word)} is not a valid name", "write names separated by commas")
    return tuple(dict.fromkeys(map(normalize_name, words)))
