"""A lock as requirements of a distribution: what the setuptools plugin adds to a wheel. Pure: text in, requirement lines out.

The table, in ``pyproject.toml``::

    [tool.pipx-parallel.setuptools]
    lock = "pylock.toml"                        # the default, unless only groups are named
    extra = "locked"                            # the default, unless the pins are the dependencies
    dependencies = false                        # true: the pins take the place of the project's own dependencies
    groups = { test = "pylock.test.toml" }      # further extras, each with a lock of its own

Imported by a build only if its project has that table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pipx_parallel.errors import StaleLock, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_KEYS = {"lock": str, "extra": str, "dependencies": bool, "groups": dict}
_NAME = re.compile(r"[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_LOCK_ONLY = re.compile(r"\b(?:extras|dependency_groups)\b")  # PEP 751: marker variables that only lock files have


class LockedExtras(NamedTuple):
    """What the table asks for. Every lock is a path relative to the project, with forward slashes."""

    lock: str | None  # the lock that answers for the project's own dependencies
    extra: str | None  # the extra it becomes
    dependencies: bool  # it also takes the place of the dependencies
    groups: tuple[tuple[str, str], ...]  # (extra, lock)


class Pinned(NamedTuple):
    """One package of a lock, as a requirement line; ``version`` is None for a direct reference."""

    name: str
    version: str | None
    line: str


def settings_of(pyproject: Mapping[str, Any]) -> LockedExtras | None:
    """Return what ``[tool.pipx-parallel.setuptools]`` asks for, None without that table. Raises ``UsageError``."""
    table = _table(pyproject)
    if table is None:
        return None
    for key, value in table.items():
        if key not in _KEYS:
            known = ", ".join(_KEYS)
            raise UsageError(f"[tool.pipx-parallel.setuptools] has no setting {key!r} (it has {known})")
        if not isinstance(value, _KEYS[key]):
            raise UsageError(f"[tool.pipx-parallel.setuptools] {key} must be a {_KEYS[key].__name__}, not {value!r}")
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


def extra_names(pyproject: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the extras that hold a lock, normalised (PEP 685): what a reader of the project must never lock again.

    Raises ``UsageError`` where the table is malformed.
    """
    settings = settings_of(pyproject)
    if settings is None:
        return ()
    names = [*([settings.extra] if settings.extra else []), *(name for name, _ in settings.groups)]
    return tuple(_normalised(name) for name in names)


def pins_of(lock: Mapping[str, Any], path: str, project: str | None) -> tuple[Pinned, ...]:
    """Return every package of a parsed ``pylock.toml`` (PEP 751) as a requirement, markers kept. ``path`` is for messages.

    Raises ``UsageError`` where the lock cannot become requirements of ``project``: it is no lock, it is incomplete, it pins
    the project itself, or a package has nothing that a requirement line can say.
    """
    version = lock.get("lock-version")
    packages = lock.get("packages")
    if not isinstance(version, str) or not isinstance(packages, list):
        raise UsageError(f"{path} is not a lock file: it lacks lock-version or packages (PEP 751)")
    if version.partition(".")[0] != "1":
        raise UsageError(f"{path} has lock-version {version}; only 1.x can be read")
    missing = lock.get("tool", {}).get("pipx-parallel", {}).get("missing")
    if missing:
        names = ", ".join(str(one.get("name", one)) for one in missing)
        raise UsageError(f"{path} is incomplete: it was locked without {names}")
    pins = tuple(_pinned(package, path) for package in packages)
    if project is not None and any(pin.name == _normalised(project) for pin in pins):
        raise UsageError(
            f"{path} is foreign: it pins {project} itself, so it is the lock of something that uses {project}"
        )
    return pins


def check(pins: Sequence[Pinned], dependencies: Iterable[str], path: str, *, complete: bool) -> None:
    """Raise ``StaleLock`` where the pins do not answer the dependencies; ``complete`` asks for a pin of each.

    A dependency whose marker is false in this environment needs no pin, because the lock may well have been made where it is
    false too.
    """
    # 45 ms, and only a build that has the table comes here
    from packaging.requirements import Requirement

    versions: dict[str, list[str | None]] = {}
    for pin in pins:
        versions.setdefault(pin.name, []).append(pin.version)
    wanted = [Requirement(line) for line in dependencies]
    due = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    absent = [f"{one} has no pin" for one in due if complete and _normalised(one.name) not in versions]
    if absent and len(absent) == len(due):
        raise StaleLock([f"{path} is foreign: it pins none of the project's dependencies ({', '.join(map(str, due))})"])
    wrong = [
        f"{one} is pinned to {version}"
        for one in wanted
        for version in versions.get(_normalised(one.name), ())
        if version is not None and not one.specifier.contains(version, prereleases=True)
    ]
    if absent or wrong:
        raise StaleLock([f"{path} is stale: {'; '.join([*absent, *wrong])}"])


def _table(pyproject: Mapping[str, Any]) -> Mapping[str, Any] | None:
    here: Any = pyproject
    for key in ("tool", "pipx-parallel", "setuptools"):
        here = here.get(key) if isinstance(here, dict) else None
    if here is not None and not isinstance(here, dict):
        raise UsageError(f"[tool.pipx-parallel] setuptools must be a table, not {here!r}")
    return here


def _refuse_bad_names(names: Sequence[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            raise UsageError(f"[tool.pipx-parallel.setuptools]: {name!r} is no name for an extra (PEP 685)")
    plain = [_normalised(name) for name in names]
    for name in plain:
        if plain.count(name) > 1:
            raise UsageError(f"[tool.pipx-parallel.setuptools]: two locks would become the extra {name!r}")


def _refuse_outside(paths: Iterable[object]) -> None:
    for path in paths:
        if not isinstance(path, str):
            raise UsageError(f"[tool.pipx-parallel.setuptools]: the path of a lock must be a string, not {path!r}")
        if not path or "\\" in path or path.startswith("/") or ":" in path or ".." in path.split("/"):
            raise UsageError(
                f"[tool.pipx-parallel.setuptools]: the lock {path!r} must lie in the project, with forward slashes"
            )


def _pinned(package: Any, path: str) -> Pinned:  # whatever stands in a file
    if not isinstance(package, dict) or not isinstance(package.get("name"), str):
        raise UsageError(f"{path} is not a lock file: a package in it has no name (PEP 751)")
    name = _normalised(package["name"])
    marker = package.get("marker")
    if marker and _LOCK_ONLY.search(_QUOTED.sub("", marker)):
        raise UsageError(
            f"{path}: {name} is locked for some extras or groups only ({marker}); lock each one to a file of its own"
        )
    version = package.get("version")
    reference = "".join(_references(package, name, path))
    if not reference and not isinstance(version, str):
        raise UsageError(f"{path}: {name} has neither a version nor a URL")
    source = f" @ {reference} " if reference else f"=={version}"
    return Pinned(name, version, _canonical(f"{name}{source}" + (f"; {marker}" if marker else ""), path))


def _canonical(line: str, path: str) -> str:
    """Return a requirement as ``packaging`` writes it: setuptools does so too, and what it cannot read never reaches it."""
    # 45 ms, and only a build that has the table comes here
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return str(Requirement(line))
    except InvalidRequirement as error:
        problem = str(error).splitlines()[0]
        raise UsageError(f"{path}: {line!r} is no requirement: {problem}") from error


def _references(package: Mapping[str, Any], name: str, path: str) -> Iterator[str]:
    """Yield the parts of the direct reference (PEP 508, PEP 440) of a package that comes from no index."""
    kind = next((kind for kind in ("vcs", "archive", "directory") if kind in package), None)
    if kind is None:
        return
    source = package[kind]
    url = source.get("url")
    if kind == "directory" or not url:
        raise UsageError(f"{path}: {name} is locked from a path on this machine, which a wheel cannot name")
    fragments = [f"subdirectory={source['subdirectory']}"] if source.get("subdirectory") else []
    if kind == "vcs":
        yield f"{source.get('type', 'git')}+{url}@{source['commit-id']}"
    else:
        yield url
        fragments += [f"{algorithm}={digest}" for algorithm, digest in sorted(source.get("hashes", {}).items())][-1:]
    yield "#" + "&".join(fragments) if fragments else ""


def _normalised(name: str) -> str:
    """Return the name as PEP 503 and PEP 685 compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
