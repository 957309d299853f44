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
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pipx_parallel.errors import StaleLock, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from packaging.markers import Marker
    from packaging.requirements import Requirement

_T = TypeVar("_T")
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
    marker: Marker | None = None


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
    return tuple(normalised(name) for name in names)


def pins_of(lock: Mapping[str, Any], path: str, project: str | None) -> tuple[Pinned, ...]:
    """Return every package of a parsed ``pylock.toml`` (PEP 751) as a requirement, markers kept. ``path`` is for messages.

    Raises ``UsageError`` where the lock cannot become requirements of ``project``: it is no lock, it is incomplete, it pins
    the project itself, or a package has nothing that a requirement line can say.
    """
    version = _get(lock, "lock-version", str, path)
    packages = _get(lock, "packages", list, path)
    if version is None or packages is None:
        raise UsageError(f"{path} is not a lock file: it lacks lock-version or packages (PEP 751)")
    if version.partition(".")[0] != "1":
        raise UsageError(f"{path} has lock-version {version}; only 1.x can be read")
    _refuse_incomplete(lock, path)
    pins = tuple(_pinned(package, f"{path}: packages[{at}]", path) for at, package in enumerate(packages))
    if project is not None and any(pin.name == normalised(project) for pin in pins):
        raise UsageError(
            f"{path} is foreign: it pins {project} itself, so it is the lock of something that uses {project}"
        )
    return pins


def check(pins: Sequence[Pinned], dependencies: Iterable[str], path: str, *, complete: bool) -> None:
    """Raise ``StaleLock`` where the pins do not answer the dependencies; ``complete`` asks for a pin of each.

    A dependency whose marker is false in this environment is not judged, because the lock may well have been made where it is
    false too: a project that wants ``a<2`` of an old Python and ``a>=2`` of a new one has a lock with one of both.
    """
    # 45 ms, and only a build that has the table comes here
    from packaging.requirements import Requirement

    wanted = [Requirement(line) for line in dependencies]
    due = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    names = {pin.name for pin in pins}
    absent = [f"{one} has no pin" for one in due if complete and normalised(one.name) not in names]
    if absent and len(absent) == len(due):
        raise StaleLock([f"{path} is foreign: it pins none of the project's dependencies ({', '.join(map(str, due))})"])
    wrong = [f"{one} is pinned to {pin.version}" for one in due for pin in pins if _contradicts(pin, one)]
    if absent or wrong:
        raise StaleLock([f"{path} is stale: {'; '.join([*absent, *wrong])}"])


def _contradicts(pin: Pinned, one: Requirement) -> bool:
    """Return whether the pin is for a place where the requirement counts, and outside its range."""
    if pin.version is None or pin.name != normalised(one.name):
        return False
    if one.specifier.contains(pin.version, prereleases=True):
        return False
    # a requirement with a marker counts here, and says nothing about pins that are for elsewhere
    elsewhere = one.marker is not None and pin.marker is not None and not pin.marker.evaluate()
    return not elsewhere


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
    plain = [normalised(name) for name in names]
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


def _get(table: Any, key: str, kind: type[_T], place: str) -> _T | None:
    """Return the value of a key, None without it; what is of another kind is no lock file. ``place`` is for the message."""
    if not isinstance(table, dict):
        raise UsageError(f"{place} is not what a lock file has there (PEP 751)")
    value = table.get(key)
    if value is not None and not isinstance(value, kind):
        raise UsageError(f"{place}: {key} is not a {kind.__name__}, as it is in a lock file (PEP 751)")
    return value


def _refuse_incomplete(lock: Mapping[str, Any], path: str) -> None:
    ours = (_get(lock, "tool", dict, path) or {}).get("pipx-parallel", {})
    missing = ours.get("missing") if isinstance(ours, dict) else None
    if missing and isinstance(missing, list):
        names = ", ".join(str(one.get("name", one) if isinstance(one, dict) else one) for one in missing)
        raise UsageError(f"{path} is incomplete: it was locked without {names}")


def _pinned(package: Any, place: str, path: str) -> Pinned:  # whatever stands in a file
    name = normalised(_get(package, "name", str, place) or "")
    if not _NAME.fullmatch(name):
        raise UsageError(f"{place} has no name, so {path} is not a lock file (PEP 751)")
    place = f"{path}: {name}"
    marker = _get(package, "marker", str, place)
    if marker and _LOCK_ONLY.search(_QUOTED.sub("", marker)):
        raise UsageError(
            f"{place} is locked for some extras or groups only ({marker}); lock each one to a file of its own"
        )
    reference = "".join(_references(package, place))
    version = None if reference else _get(package, "version", str, place)
    if not reference and version is None:
        raise UsageError(f"{place} has neither a version nor a URL")
    source = f" @ {reference} " if reference else f"=={_plain(version, place)}"
    one = _requirement(f"{name}{source}" + (f"; {marker}" if marker else ""), path)
    return Pinned(name, version, str(one), one.marker)


def _plain(version: str | None, place: str) -> str:
    # 26 ms, and only a build that has the table comes here
    from packaging.version import InvalidVersion, Version

    try:
        return str(Version(version or ""))
    except InvalidVersion as error:
        raise UsageError(f"{place} is pinned to {version!r}, which is no version (PEP 440)") from error


def _requirement(line: str, path: str) -> Requirement:
    """Return a requirement: ``packaging`` reads it as setuptools will, and what it cannot read never reaches setuptools."""
    # 45 ms, and only a build that has the table comes here
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(line)
    except InvalidRequirement as error:
        problem = str(error).splitlines()[0]
        raise UsageError(f"{path}: {line!r} is no requirement: {problem}") from error


def _references(package: Mapping[str, Any], place: str) -> Iterator[str]:
    """Yield the parts of the direct reference (PEP 508, PEP 440) of a package that comes from no index."""
    kind = next((kind for kind in ("vcs", "archive", "directory") if kind in package), None)
    if kind is None:
        return
    source = _get(package, kind, dict, place)
    url = _get(source, "url", str, place)
    if kind == "directory" or not url:
        raise UsageError(f"{place} is locked from a path on this machine, which a wheel cannot name")
    subdirectory = _get(source, "subdirectory", str, place)
    fragments = [f"subdirectory={subdirectory}"] if subdirectory else []
    if kind == "vcs":
        commit = _get(source, "commit-id", str, place)
        if not commit:
            raise UsageError(f"{place} comes from a repository, and the lock does not say which commit (PEP 751)")
        yield f"{_get(source, 'type', str, place) or 'git'}+{url}@{commit}"
    else:
        yield url
        hashes = _get(source, "hashes", dict, place) or {}
        fragments += [f"{algorithm}={digest}" for algorithm, digest in sorted(hashes.items())][-1:]
    yield "#" + "&".join(fragments) if fragments else ""


def normalised(name: str) -> str:
    """Return the name as PEP 503 and PEP 685 compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
