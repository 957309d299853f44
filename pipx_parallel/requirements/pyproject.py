"""Read pyproject.toml: [project] (PEP 621), its extras, [dependency-groups] (PEP 735), [build-system] (PEP 518)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mirror.names import normalize_name
from pipx_parallel.model import Part
from pipx_parallel.requirements.project_metadata import BuiltProject, Declared, Wanted, check_extras, from_built
from pipx_parallel.requirements.project_parts import own_extras, parts_of
from pipx_parallel.requirements.refusal import quoted, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipx_parallel.model import Origin
    from pipx_parallel.requirements.toml_lines import TomlText

# If pyproject.toml has no [build-system], pip builds with setuptools of at least this version (PEP 518, pip's default).
DEFAULT_BUILD_REQUIRES = ("setuptools>=40.8.0",)


def is_project(text: TomlText) -> bool:
    """Return whether there is a [project] table: without it only the build backend can state the dependencies."""
    return text.table("project") is not None


def is_only_groups(text: TomlText) -> bool:
    """Return whether the file has only dependency groups: then there is no project to build (PEP 735)."""
    return "dependency-groups" in text.tables and not {"project", "build-system"} & set(text.tables)


def read_pyproject(text: TomlText, wanted: Wanted, build: Callable[[], BuiltProject] | None) -> Declared:
    """Return the wanted parts of the project.

    ``build`` calls the build backend, only if a wanted part is ``dynamic``. Raises ``RequirementsError`` for a malformed table, a
    missing extra or group, and for dynamic dependencies if builds are not allowed.
    """
    # Read before the project itself, so that an error here is reported before a build.
    groups = (*wanted.groups, *((text.table("dependency-groups") or {}) if wanted.all_groups else ()))
    by_name = {normalize_name(group): group for group in reversed(groups)}
    origins: dict[str, Origin] = {}
    others = [
        row
        for group in reversed(by_name.values())
        for row in _labelled(text, Part("group", normalize_name(group)), _of_group(text, group, origins))
    ]
    if wanted.build_requires:
        others.extend(_of_build_system(text))
    declared = _of_project(text, wanted, build) if wanted.dependencies else Declared((), extras=wanted.extras)
    own = tuple(_labelled(text, None, declared.requirements))
    parts = parts_of(text, declared.extras, tuple(reversed(by_name)))
    left_out = wanted.left_out(*_part_names(text))
    return declared._replace(requirements=(*own, *others), parts=parts, left_out=(*declared.left_out, *left_out))


def _part_names(text: TomlText) -> Iterator[list[str]]:
    """Yield the names of the extras that the file states, and those of its groups; a malformed table is no matter yet."""
    project = text.tables.get("project")
    for tables, key in ((project, "optional-dependencies"), (text.tables, "dependency-groups")):
        table = tables.get(key) if isinstance(tables, dict) else None
        yield [*table] if isinstance(table, dict) else []


def _labelled(text: TomlText, part: Part | None, rows: Iterable[tuple[str, Origin]]) -> Iterator[tuple[str, Origin]]:
    """Yield requirements with their part, and their label as in uv: ``shop (pyproject.toml:dev)`` for a group or an extra."""
    project = text.tables.get("project")
    name = project.get("name") if isinstance(project, dict) else None
    for requirement, origin in rows:
        own = part or origin.part
        if isinstance(name, str) and not origin.label:
            source = f"{origin.source}:{own.name}" if own else origin.source
            yield requirement, origin._replace(label=f"{name} ({source})", part=own)
        else:
            yield requirement, origin._replace(part=own)


def _of_project(text: TomlText, wanted: Wanted, build: Callable[[], BuiltProject] | None) -> Declared:
    project = text.table("project")
    if project is None:
        return _from_backend(text, wanted, build, "there is no [project] table")
    dynamic = text.strings(project.get("dynamic", []), "dynamic")
    requires_python = text.specifier(project.get("requires-python"), "requires-python")
    has_extras = bool(wanted.extras) or wanted.all_extras
    names = ("dependencies", "optional-dependencies") if has_extras else ("dependencies",)
    dynamic_names = [name for name in names if name in dynamic]
    if dynamic_names:
        declared = _from_setuptools(text, wanted, project, dynamic_names)
        if declared is None:
            declared = _from_backend(text, wanted, build, f"{' and '.join(dynamic_names)} are dynamic")
        return declared._replace(requires_python=declared.requires_python or requires_python)
    own = text.strings(project.get("dependencies", []), "dependencies")
    of_project = tuple((item, text.origin_of(item)) for item in own)
    extras, rows = _of_extras(text, project, wanted)
    return Declared((*of_project, *rows), requires_python, extras=extras)


def _of_extras(
    text: TomlText, project: dict[str, Any], wanted: Wanted
) -> tuple[tuple[str, ...], list[tuple[str, Origin]]]:
    """Return the wanted extras, and their requirements."""
    table = text.table("optional-dependencies", project) or {}
    extras = {normalize_name(name): text.strings(items, name) for name, items in table.items()}
    names = wanted.extras_of(tuple(extras), text.at_key("project.optional-dependencies"))
    own_name = normalize_name(text.string(project.get("name"), "name") or "")
    origins: dict[tuple[str, int], Origin] = {}

    def follow(extra: str, outer: str, visited: set[tuple[str, str]]) -> Iterator[tuple[str, Origin]]:
        if (extra, outer) in visited:
            return
        visited.add((extra, outer))
        for number, item in enumerate(extras[extra]):
            if (extra, number) not in origins:
                origins[extra, number] = text.origin_of(item)
            origin = origins[extra, number]
            own = own_extras(item, own_name)
            if own is None:
                yield _with_marker(item, outer), origin
                continue
            # The project requires its own extras: their contents, with both markers.
            inner, condition = own
            check_extras(inner, tuple(extras), origin)
            marker = f"({outer}) and ({condition})" if outer and condition else outer or condition
            for name in inner:
                yield from follow(name, marker, visited)

    return names, [row for extra in names for row in _labelled(text, Part("extra", extra), follow(extra, "", set()))]


def _with_marker(requirement: str, marker: str) -> str:
    if not marker:
        return requirement
    head, mark, own = requirement.partition(" ;" if "://" in requirement else ";")
    return f"{head.rstrip()} ; ({own.strip()}) and ({marker})" if mark else f"{requirement} ; {marker}"


def _from_setuptools(
    text: TomlText, wanted: Wanted, project: dict[str, Any], dynamic_names: list[str]
) -> Declared | None:
    """Return the files that [tool.setuptools.dynamic] names, which need no build; None if a dynamic part has no file."""
    tables = text.tables.get("tool", {})
    dynamic = tables.get("setuptools", {}).get("dynamic", {}) if isinstance(tables, dict) else {}
    entries: list[tuple[Part | None, object]] = []
    static: list[tuple[str, Origin]] = []
    if "dependencies" in dynamic_names:
        entries.append((None, dynamic.get("dependencies")))
    else:
        static.extend(
            (item, text.origin_of(item)) for item in text.strings(project.get("dependencies", []), "dependencies")
        )
    if "optional-dependencies" in dynamic_names:
        table = {normalize_name(name): entry for name, entry in (dynamic.get("optional-dependencies") or {}).items()}
        extras = tuple(dict.fromkeys((*wanted.extras, *(table if wanted.all_extras else ()))))
        entries.extend((Part("extra", extra), table.get(extra)) for extra in extras)
    else:
        extras, rows = _of_extras(text, project, wanted)
        static += rows
    files: list[tuple[str, Origin]] = []
    for part, entry in entries:
        named = entry.get("file") if isinstance(entry, dict) else None
        paths = [named] if isinstance(named, str) else named
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            return None
        files.extend((path, text.origin_of(path)._replace(part=part)) for path in paths)
    return Declared(tuple(static), None, tuple(files), extras)


def _from_backend(text: TomlText, wanted: Wanted, build: Callable[[], BuiltProject] | None, why: str) -> Declared:
    origin = text.at_key("project.dynamic") if is_project(text) else text.origin
    if is_project(text) and origin.line is None:
        origin = text.at_key("dynamic")
    if build is None:
        remedy = "allow builds, list the dependencies in [project], or lock a requirements file"
        raise refusal(origin, f"{why}: only the build backend knows the dependencies of this project", remedy)
    return from_built(build(), wanted, origin)


def _of_group(text: TomlText, group: str, origins: dict[str, Origin]) -> Iterator[tuple[str, Origin]]:
    """Yield the requirements of a dependency group and of the groups it includes (PEP 735).

    ``origins`` are those of requirements in other groups: what is included stands where it is written.
    """
    from packaging.dependency_groups import DependencyGroupResolver  # 45 ms, only with --group
    from packaging.requirements import InvalidRequirement, Requirement  # 45 ms, not for plain lines

    table = text.table("dependency-groups")
    origin = text.at_key("dependency-groups")
    if table is None:
        raise refusal(
            origin, f"there is no [dependency-groups], so no group {quoted(group)}", "add the table, or remove --group"
        )
    if normalize_name(group) not in map(normalize_name, table):
        raise refusal(
            origin, f"there is no dependency group {quoted(group)}", f"the groups are: {', '.join(sorted(table))}"
        )
    try:
        requirements = DependencyGroupResolver(table).resolve(group)
    except (ExceptionGroup, ValueError, TypeError, LookupError) as error:
        problem = f"the dependency group {quoted(group)} is malformed: {_reasons(error)}"
        raise refusal(
            text.at_key(group), problem, 'a group is a list of requirements and {include-group = "name"}'
        ) from None
    written: dict[str, str] = {}
    own = next(items for name, items in table.items() if normalize_name(name) == normalize_name(group))
    for items in table.values():
        for item in items if isinstance(items, list) else ():
            try:
                written[str(Requirement(item))] = item
            except (InvalidRequirement, TypeError, AttributeError):
                continue  # not in the wanted group, or it would have been refused above
    for requirement in requirements:
        as_written = written.get(str(requirement), str(requirement))
        if as_written in own or as_written not in origins:
            located = text.origin_of(as_written)
            origins[as_written] = located if located.line else origins.get(as_written, located)
        yield as_written, origins[as_written]


def _reasons(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_reasons(inner) for inner in error.exceptions)
    return str(error).partition("\n")[0]


def _of_build_system(text: TomlText) -> Iterator[tuple[str, Origin]]:
    table = text.table("build-system")
    if table is None:
        for item in DEFAULT_BUILD_REQUIRES:
            yield item, text.origin
        return
    if "requires" not in table:
        raise refusal(
            text.at_key("build-system"), "[build-system] has no requires", "add the key, which PEP 518 requires"
        )
    for item in text.strings(table["requires"], "requires"):
        yield item, text.origin_of(item)
