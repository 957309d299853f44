"""The quality of a lock in libyears: the age of each pin against the newest release that its target could install.

A libyear is the time between the upload of the pin and that of the newest release, in years of 365.25 days; never below zero.
"""

from __future__ import annotations

import functools
import platform
from typing import TYPE_CHECKING, NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from benchmarks.recording import RecordedFile, RecordedProject, Release

_YEAR = 365.25 * 86_400


class LockQuality(NamedTuple):
    """Libyears of a lock, and the number of pins that are not the newest."""

    direct: float
    total: float
    older: int
    unknown: int  # pins whose upload time, or whose newest release's, is not known


def assess(
    pins: Mapping[str, str], direct_names: Iterable[str], find: Callable[[str], RecordedProject | None]
) -> LockQuality:
    """Return the quality of the pins; ``find`` gives a project by name, with all of its releases."""
    ages = {name: _age(version, find(name)) for name, version in pins.items()}
    known_ages = {name: age for name, age in ages.items() if age is not None}
    direct = sum(known_ages.get(name, 0.0) for name in direct_names)
    older = sum(age > 0 for age in known_ages.values())
    return LockQuality(round(direct, 3), round(sum(known_ages.values()), 3), older, len(ages) - len(known_ages))


def newest_installable(project: RecordedProject) -> Release | None:
    """Return the newest final release that this interpreter could install; the newest of all if none is final."""
    usable = [release for release in project.releases if _installable(release)]
    final = [release for release in usable if not Version(release.version).is_prerelease]
    return max(final or usable, key=lambda release: Version(release.version), default=None)


def _age(version: str, project: RecordedProject | None) -> float | None:
    newest = newest_installable(project) if project else None
    if project is None or newest is None:
        return None
    wanted = Version(version)
    pinned = next((release for release in project.releases if Version(release.version) == wanted), None)
    before, after = _uploaded(pinned), _uploaded(newest)
    if before is None or after is None:
        return None
    return max(0.0, (after - before) / _YEAR) if wanted < Version(newest.version) else 0.0


def _uploaded(release: Release | None) -> int | None:
    times = [file.uploaded for file in release.files if file.uploaded is not None] if release else []
    return min(times, default=None)


def _installable(release: Release) -> bool:
    try:
        fits = SpecifierSet(release.requires_python or "").contains(platform.python_version(), prereleases=True)
    except InvalidSpecifier:
        fits = True  # an index holds a few of these; pip reads around them too
    return fits and any(_usable(file) for file in release.files)


def _usable(file: RecordedFile) -> bool:
    if file.yanked:
        return False
    if not file.name.endswith(".whl"):
        return file.name.endswith((".tar.gz", ".zip"))
    try:
        return not _tags().isdisjoint(parse_wheel_filename(file.name)[3])
    except InvalidWheelFilename:
        return False


@functools.cache
def _tags() -> frozenset[object]:
    return frozenset(sys_tags())
