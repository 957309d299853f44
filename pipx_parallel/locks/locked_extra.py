"""A lock as requirements of a distribution, for the setuptools plugin. Pure: text in, requirement lines out.

The table, in ``pyproject.toml``::

    [tool.pipx-parallel.setuptools]
    lock = "pylock.toml"                        # the default, unless only groups are named
    extra = "locked"                            # the default, unless the pins are the dependencies
    dependencies = false                        # true: the pins replace the project's own dependencies
    groups = { test = "pylock.test.toml" }      # more extras, each with its own lock

A build imports this module only if its project has that table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from packaging.utils import canonicalize_name

from pipx_parallel.errors import StaleLock, UsageError
from pipx_parallel.locks.selection import NEVER, decided

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from packaging.markers import Marker
    from packaging.pylock import Package, Pylock
    from packaging.requirements import Requirement

_KEYS = {"lock": str, "extra": str, "dependencies": bool, "groups": dict}
_TYPE_NAMES = {str: "a string", bool: "true or false", dict: "a table"}  # as TOML calls them
_NAME = re.compile(r"[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_LOCK_ONLY = re.compile(r"\b(?:extras|dependency_groups)\b")  # marker variables of lock files alone (PEP 751)


class LockedExtras(NamedTuple):
    """The settings of the table. Every lock is a path relative to the project, with forward slashes."""

    lock: str | None  # the lock of the project's own dependencies
    extra: str | None  # the extra it becomes
    dependencies: bool  # the pins replace the dependencies
    groups: tuple[tuple[str, str], ...]  # (extra, lock)


class Pinned(NamedTuple):
    """One package of a lock, as a requirement line; ``version`` is None for a direct reference."""

    name: str
    version: str | None
    line: str
    marker: Marker | None = None


def settings_of(pyproject: Mapping[str, Any]) -> LockedExtras | None:
    """Return the settings of ``[tool.pipx-parallel.setuptools]``, None without that table. Raises ``UsageError``."""
    table = _table(pyproject)
    if table is None:
        return None
    for key, value in table.items():
        if key not in _KEYS:
            names = ", ".join(_KEYS)
            raise UsageError(f"[tool.pipx-parallel.setuptools] has no setting {key!r} (it has {names})")
        if not isinstance(value, _KEYS[key]):
            raise UsageError(f"[tool.pipx-parallel.setuptools] {key} must be {_TYPE_NAMES[_KEYS[key]]}, not {value!r}")
    groups = tuple(table.get("groups", {}).items())
    lock = table.get("lock", None if groups else "pylock.toml")
    dependencies = table.get("dependencies", False)
    extra = table.get("extra", None if dependencies or lock is None else "locked")
    if lock is None and (extra is not None or dependencies):
        raise UsageError(
            '[tool.pipx-parallel.setuptools] must name the lock of its extra or dependencies: lock = "pylock.toml"'
        )
    _refuse_bad_names([*([extra] if extra is not None else []), *(name for name, _ in groups)])
    _refuse_outside([*([lock] if lock is not None else []), *(path for _, path in groups)])
    return LockedExtras(lock, extra, dependencies, groups)


def pins_of(lock: Mapping[str, Any], path: str, project: str | None, group: str = "") -> tuple[Pinned, ...]:
    """Return the packages of a parsed ``pylock.toml`` (PEP 751) that it installs by default, as requirements with their markers.

    Args:
        lock: The parsed file.
        path: Its path, for messages.
        project: The project that is built, None if its name is not known.
        group: A group or an extra whose packages are returned, too.

    Raises:
        UsageError: It is not a lock, it is incomplete, it pins the project itself, or a package cannot be written as a
            requirement.
    """
    parsed = _validated(lock, path)
    _refuse_incomplete(parsed, path)
    groups = [*(parsed.default_groups or ()), group]
    pins = tuple([pin for package in parsed.packages if (pin := _pinned(package, path, groups)) is not None])
    if project is not None and any(pin.name == canonicalize_name(project) for pin in pins):
        raise UsageError(f"{path} is the lock of another project: it pins {project} itself")
    return pins


def lock_command(path: str, group: str) -> str:
    """Return the command that makes a lock: that of the project, or that of its dependency group alone."""
    return f"pipx-parallel lock{f' --group {group}' if group else ''} -o {path}"


def check(pins: Sequence[Pinned], dependencies: Iterable[str], path: str, *, complete: bool) -> None:
    """Raise ``StaleLock`` if the pins do not satisfy the dependencies; with ``complete`` each must have a pin.

    A dependency whose marker is false in this environment is not checked: the lock may have been made for this environment
    only. Example: a project requires ``a<2`` on an old Python and ``a>=2`` on a new one, and its lock pins one of the two.
    """
    # 45 ms, only for a build with the table
    from packaging.requirements import Requirement

    requirements = [Requirement(line) for line in dependencies]
    applicable = [
        requirement
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    ]
    names = {pin.name for pin in pins}
    absent = [
        f"{requirement} has no pin"
        for requirement in applicable
        if complete and canonicalize_name(requirement.name) not in names
    ]
    if absent and len(absent) == len(applicable):
        raise StaleLock(
            [
                f"{path} is the lock of another project: it pins none of the dependencies ({', '.join(map(str, applicable))})"
            ]
        )
    contradicted = [
        f"{requirement} is pinned to {pin.version}"
        for requirement in applicable
        for pin in pins
        if _contradicts(pin, requirement)
    ]
    if absent or contradicted:
        reasons = "; ".join([*absent, *contradicted])
        raise StaleLock([f"{path} is out of date: {reasons}; update it with: pipx-parallel lock"])


def _contradicts(pin: Pinned, requirement: Requirement) -> bool:
    """Return whether the pin is outside the requirement's range, in an environment where the requirement applies."""
    if pin.version is None or pin.name != canonicalize_name(requirement.name):
        return False
    if requirement.specifier.contains(pin.version, prereleases=True):
        return False
    # A requirement with a marker applies here; it does not apply to pins for other environments.
    other_environment = requirement.marker is not None and pin.marker is not None and not pin.marker.evaluate()
    return not other_environment


def _table(pyproject: Mapping[str, Any]) -> Mapping[str, Any] | None:
    tool = pyproject.get("tool")
    ours = tool.get("pipx-parallel") if isinstance(tool, dict) else None
    table: Any = ours.get("setuptools") if isinstance(ours, dict) else None
    if table is None and isinstance(ours, dict):
        from pipx_parallel.nearest_names import nearest  # only for a project without the table

        tables = [key for key, value in ours.items() if isinstance(value, dict)]
        near = nearest("setuptools", tables)
        if near is not None:
            raise UsageError(
                f"[tool.pipx-parallel.{near}] is not a setting; did you mean [tool.pipx-parallel.setuptools]?"
            )
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"[tool.pipx-parallel] setuptools must be a table, not {table!r}")
    return table


def _refuse_bad_names(names: Sequence[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            raise UsageError(f"[tool.pipx-parallel.setuptools]: {name!r} is not a valid name of an extra (PEP 685)")
    plain = [canonicalize_name(name) for name in names]
    for name in plain:
        if plain.count(name) > 1:
            raise UsageError(f"[tool.pipx-parallel.setuptools]: the extra {name!r} is named twice")


def _refuse_outside(paths: Iterable[object]) -> None:
    for path in paths:
        if not isinstance(path, str):
            raise UsageError(f"[tool.pipx-parallel.setuptools]: the path of a lock must be a string, not {path!r}")
        if not path or "\\" in path or path.startswith("/") or ":" in path or ".." in path.split("/"):
            raise UsageError(
                f"[tool.pipx-parallel.setuptools]: the lock {path!r} must be a path inside the project, with forward slashes"
            )


def _validated(lock: Mapping[str, Any], path: str) -> Pylock:
    # 45 ms, only for a build with the table
    from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError

    try:
        return Pylock.from_dict(lock)
    except PylockUnsupportedVersionError as error:
        raise UsageError(f"{path} has lock-version {lock.get('lock-version')}; only 1.x can be read") from error
    except PylockValidationError as error:
        raise UsageError(f"{path} is not a valid lock file (PEP 751): {error}") from error


def _refuse_incomplete(lock: Pylock, path: str) -> None:
    ours = (lock.tool or {}).get("pipx-parallel", {})
    missing = ours.get("missing") if isinstance(ours, dict) else None
    if missing and isinstance(missing, list):
        names = ", ".join(str(row.get("name", row) if isinstance(row, dict) else row) for row in missing)
        raise UsageError(f"{path} is incomplete: it was locked without {names}")


def _pinned(package: Package, path: str, groups: Sequence[str]) -> Pinned | None:
    """Return a package as a requirement; None if it is for other extras or groups."""
    location = f"{path}: {package.name}"
    marker = None if package.marker is None else str(package.marker)
    if marker and _LOCK_ONLY.search(_QUOTED.sub("", marker)):
        marker = decided(marker, groups[-1:], groups)
        if marker == NEVER:
            return None
        if marker and _LOCK_ONLY.search(_QUOTED.sub("", marker)):
            raise UsageError(f"{location} has a marker that cannot be read: {marker}")
    reference = _reference(package, location)
    if not reference and package.version is None:
        raise UsageError(f"{location} has neither a version nor a URL")
    source = f" @ {reference} " if reference else f"=={package.version}"
    requirement = _requirement(f"{package.name}{source}" + (f"; {marker}" if marker else ""), path)
    return Pinned(package.name, None if reference else str(package.version), str(requirement), requirement.marker)


def _requirement(line: str, path: str) -> Requirement:
    """Return a parsed requirement, so that setuptools, which parses with ``packaging`` too, never fails on it."""
    # 45 ms, only for a build with the table
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(line)
    except InvalidRequirement as error:
        problem = str(error).splitlines()[0]
        raise UsageError(f"{path}: invalid requirement {line!r}: {problem}") from error


def _reference(package: Package, location: str) -> str:
    """Return the direct reference (PEP 508, PEP 440) of a package that does not come from an index; "" for one that does."""
    source = package.vcs or package.archive
    if package.directory is not None or (source is not None and not source.url):
        raise UsageError(f"{location} is locked from a local path, which a wheel cannot require")
    if source is None:
        return ""
    url = f"{package.vcs.type}+{source.url}@{package.vcs.commit_id}" if package.vcs is not None else str(source.url)
    fragments = [f"subdirectory={source.subdirectory}"] if source.subdirectory else []
    if package.archive is not None:
        fragments += [f"{algorithm}={digest}" for algorithm, digest in sorted(package.archive.hashes.items())][-1:]
    return f"{url}#{'&'.join(fragments)}" if fragments else url
