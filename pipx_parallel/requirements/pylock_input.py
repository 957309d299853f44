"""Read a pylock.toml (PEP 751) as an input: to lock again, or to write in another format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mirror.urls import url_of
from pipx_parallel.direct_url import STRONG_HASHES
from pipx_parallel.locks.selection import NEVER, decided
from pipx_parallel.model import RootRequirement
from pipx_parallel.requirements.refusal import refusal
from pipx_parallel.requirements.urls import is_location_url, join_location

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.pylock import Package, Pylock

    from pipx_parallel.requirements.project_metadata import Wanted
    from pipx_parallel.requirements.reader import Reader
    from pipx_parallel.requirements.toml_lines import TomlText


def is_lock(tables: Mapping[str, Any]) -> bool:
    """Return whether these are the tables of a pylock file."""
    return "lock-version" in tables


def read_lock(
    text: TomlText, reader: Reader, wanted: Wanted
) -> tuple[tuple[RootRequirement, ...], str | None, tuple[str, ...]]:
    """Return the locked releases as roots (``name==version`` with all hashes of its files), Requires-Python, find-links folders.

    The folders are those of wheels and source archives on this machine, as the lock names them.

    Raises ``RequirementsError`` for a file that PEP 751 does not allow.
    """
    lock = _validate(text)
    groups = (
        *wanted.groups,
        *(lock.default_groups or ()),
        *((lock.dependency_groups or ()) if wanted.all_groups else ()),
    )
    extras = (*wanted.extras, *((lock.extras or ()) if wanted.all_extras else ()))
    markers = [
        None if package.marker is None else decided(str(package.marker), extras, groups) for package in lock.packages
    ]
    roots = [
        _root(package, text, reader, marker)
        for package, marker in zip(lock.packages, markers, strict=True)
        if marker != NEVER
    ]
    requires = str(lock.requires_python) if lock.requires_python is not None else None
    return tuple(roots), requires, _local_folders(lock)


def _local_folders(lock: Pylock) -> tuple[str, ...]:
    files = [file for package in lock.packages for file in (*(package.wheels or ()), package.sdist) if file is not None]
    local = [file.path or file.url or "" for file in files if file.path or (file.url or "").startswith("file:")]
    return tuple(dict.fromkeys(path.rpartition("/")[0] or "." for path in local))


def _validate(text: TomlText) -> Pylock:
    from packaging.pylock import Pylock, PylockValidationError  # 45 ms, only if a lock is an input

    try:
        return Pylock.from_dict(text.tables)
    except (PylockValidationError, ValueError, RecursionError) as error:
        problem = f"this is not a valid pylock: {str(error).partition(chr(10))[0]}"
        raise refusal(text.origin, problem, "create the lock again") from None


def _root(package: Package, text: TomlText, reader: Reader, marker: str | None) -> RootRequirement:
    version = f"=={package.version}" if package.version is not None else ""
    url = _url(package, text.origin.source, reader)
    hashes = sorted(
        f"{algorithm}:{digest}"
        for file in _files(package)
        for algorithm, digest in (file.hashes or {}).items()
        if algorithm in STRONG_HASHES
    )
    return RootRequirement(
        name=package.name,
        extras=(),
        specifier=version,
        marker=marker,
        url=url,
        hashes=tuple(dict.fromkeys(hashes)),
        origin=text.origin_of(package.name),
        text=f"{package.name}{version}" if url is None else f"{package.name} @ {url}",
        editable=bool(package.directory is not None and package.directory.editable),
    )


def _files(package: Package) -> list[Any]:
    files = [*(package.wheels or ()), package.sdist, package.archive]
    return [file for file in files if file is not None]


def _url(package: Package, source: str, reader: Reader) -> str | None:
    """Return the direct reference of a package that is not from an index."""
    if package.vcs is not None:
        location = package.vcs.url or _path_url(package.vcs.path or "", source, reader)
        fragment = f"#subdirectory={package.vcs.subdirectory}" if package.vcs.subdirectory else ""
        return f"{package.vcs.type}+{location}@{package.vcs.commit_id}{fragment}"
    if package.directory is not None:
        fragment = f"#subdirectory={package.directory.subdirectory}" if package.directory.subdirectory else ""
        return _path_url(package.directory.path, source, reader) + fragment
    if package.archive is not None:
        fragment = f"#subdirectory={package.archive.subdirectory}" if package.archive.subdirectory else ""
        return (package.archive.url or _path_url(package.archive.path or "", source, reader)) + fragment
    return None


def _path_url(path: str, source: str, reader: Reader) -> str:
    """Return the URL of a path of the lock, which is relative to the lock's folder (PEP 751)."""
    if is_location_url(source):
        return join_location(source, path)
    return url_of(reader.absolute(join_location(source, path)))
