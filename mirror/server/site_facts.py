"""What the pages for people show of a mirror: its projects, their releases, and who requires whom. Read from the store only."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec

from mirror.exchange.record_iterator import addresses, readable
from mirror.names import normalize_name
from mirror.records.release_view import ReleaseView
from mirror.records.version_keys import version_key
from mirror.records.wheel_variants import is_variant, is_variants_json, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mirror.ports import Store

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")  # of a Requires-Dist line
_SHORTLY = 5.0  # seconds for which the overview of a store that cannot tell its version is used again


class ProjectRow(msgspec.Struct, frozen=True):
    """One project in the list."""

    name: str
    newest: str  # the newest release that is final and not yanked, or of all if there is none; "" without releases
    releases: int
    checked_at: float  # epoch seconds
    status: str | None  # PEP 792; None for active
    withdrawn: bool
    requires: tuple[str, ...] = ()  # the Requires-Dist lines of the newest release, as far as the mirror has them


class Overview(msgspec.Struct, frozen=True):
    """What a mirror holds."""

    projects: Mapping[str, ProjectRow]
    dependants: Mapping[str, tuple[tuple[str, str], ...]]  # project -> (project that requires it, requirement line)
    indexes: tuple[str, ...]  # URLs without credentials

    @property
    def releases(self) -> int:
        """Return the number of releases of all projects."""
        return sum(row.releases for row in self.projects.values())

    @property
    def span(self) -> tuple[float, float] | None:
        """Return when the oldest and the newest page was checked with its index, in epoch seconds."""
        moments = [row.checked_at for row in self.projects.values()]
        return (min(moments), max(moments)) if moments else None


class ReleaseRow(msgspec.Struct, frozen=True):
    """One release on a project's page."""

    version: str
    uploaded: str  # ISO 8601 date of the first file; "" if the index does not say
    size: int  # bytes of all files; 0 if the index does not say
    wheels: int
    sdists: int
    requires_python: str
    yanked: str | None  # the reason, "" without one, None if a file is not yanked
    only_variants: bool = False  # no file but wheel variants (PEP 825)


class Facts:
    """The overview of a store, made anew once something was stored."""

    def __init__(self, store: Store, shown: Callable[[str], bool]) -> None:
        """``shown`` says whether a project may be seen at all."""
        self._store = store
        self._shown = shown
        self._last: tuple[object, float, Overview] | None = None
        self._lock = threading.Lock()

    def overview(self) -> Overview:
        """Return what the mirror holds now. Blocks; raises ``StoreError``."""
        with self._lock:
            version = self._store.version()
            last = self._last
            if last is not None and (version == last[0] if version is not None else time.time() - last[1] < _SHORTLY):
                return last[2]
            overview = _overview(self._store, self._shown)
            self._last = (version, time.time(), overview)
            return overview


def _overview(store: Store, shown: Callable[[str], bool]) -> Overview:
    projects: dict[str, ProjectRow] = {}
    for entry in readable(store):
        if isinstance(entry.view, ReleaseView) and shown(entry.name) and entry.name not in projects:
            projects[entry.name] = _project_row(entry.view)
    dependants: dict[str, dict[str, str]] = {}
    for row in projects.values():
        for line in row.requires:
            dependants.setdefault(dependency_name(line), {}).setdefault(row.name, line)
    return Overview(
        dict(sorted(projects.items())),
        {name: tuple(sorted(rows.items())) for name, rows in dependants.items()},
        tuple(dict.fromkeys(addresses(store).values())),
    )


def _project_row(view: ReleaseView) -> ProjectRow:
    every = (1 << len(view.versions)) - 1
    usable = every & ~_yanked(view)
    newest = (usable & ~view.prereleases or usable or every).bit_length() - 1
    return ProjectRow(
        view.name,
        view.versions[newest] if newest >= 0 else "",
        len(view.versions),
        view.freshness.fetched_at,
        view.status if view.status != "active" else None,
        view.withdrawn is not None,
        _requires(view, newest) if newest >= 0 else (),
    )


def _yanked(view: ReleaseView) -> int:
    """Return the mask of classified releases of which every file is yanked."""
    mask = 0
    for file_kinds, releases in view.kind_sets.items():
        if file_kinds and all(view.file_kinds[number].yanked for number in file_kinds):
            mask |= releases
    return mask


def _requires(view: ReleaseView, release: int) -> tuple[str, ...]:
    """Return the Requires-Dist lines of a release, of the first of its file kinds that the mirror knows them of."""
    if release < view.classified:
        return ()
    sets = (view.dependency_set(release, file_kind) for file_kind in view.kind_set_of(release))
    return next((each.lines for each in sets if each is not None), ())


def dependency_name(line: str) -> str:
    """Return the normal name of the project that a Requires-Dist line names; "" if it names none."""
    match = _NAME.match(line)
    return normalize_name(match[1]) if match is not None else ""


def release_rows(name: str, versions: Iterable[str], files: Iterable[Mapping[str, Any]]) -> list[ReleaseRow]:
    """Return the releases of a project, newest first; ``files`` are PEP 691 file objects."""
    by_key: dict[str, list[Mapping[str, Any]]] = {}
    for file in files:
        version = version_of(file["filename"], name)
        key = version_key(version) if version is not None else None
        if key is not None:
            by_key.setdefault(key, []).append(file)
    rows = [_release_row(version, by_key.get(version_key(version) or "", [])) for version in versions]
    return rows[::-1]


def _release_row(version: str, files: list[Mapping[str, Any]]) -> ReleaseRow:
    files = [file for file in files if not is_variants_json(file["filename"])]
    yanked = [file.get("yanked") or False for file in files]
    reasons = [reason for reason in yanked if isinstance(reason, str)]
    wheels = [file["filename"] for file in files if file["filename"].endswith(".whl")]
    return ReleaseRow(
        version,
        min((str(file["upload-time"]) for file in files if file.get("upload-time")), default="")[:10],
        sum(file["size"] for file in files if isinstance(file.get("size"), int)),
        len(wheels),
        len(files) - len(wheels),
        next((str(file["requires-python"]) for file in files if file.get("requires-python")), ""),
        next(iter(reasons), "") if files and all(reason is not False for reason in yanked) else None,
        len(wheels) == len(files) > 0 and all(is_variant(filename) for filename in wheels),
    )
