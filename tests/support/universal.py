"""Locks for many targets at once, resolved by the real mirror and resolver from an index in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from packaging.markers import Marker

from pipx_parallel.config.settings import TargetSettings
from pipx_parallel.emitters.merge import LockEntry, merge
from pipx_parallel.locks.target_markers import environments
from pipx_parallel.model import Resolution, Target
from pipx_parallel.resolution.resolve import resolve
from pipx_parallel.targets.requests import requested_targets
from tests.support.memory_index import Projects
from tests.support.scenarios import SOURCE, memory_mirror, understood

PLATFORMS = (
    "linux",
    "aarch64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
    "macos",
    "x86_64-apple-darwin",
    "windows",
    "i686-pc-windows-msvc",
)
GRID = TargetSettings(universal=True, requires_python=">=3.8", platforms=PLATFORMS)


class ManyLock(NamedTuple):
    """The resolutions for several targets."""

    resolutions: tuple[Resolution, ...]
    entries: tuple[LockEntry, ...]
    environments: tuple[Marker, ...]

    def pins_on(self, target: Target) -> dict[str, str]:
        """Return what the merged lock has for an environment, by its markers alone."""
        rows = [
            entry.pin
            for entry in self.entries
            if entry.marker is None or Marker(entry.marker).evaluate(dict(target.markers))
        ]
        assert len({pin.name for pin in rows}) == len(rows), [(pin.name, pin.version) for pin in rows]
        return {pin.name: pin.version for pin in rows}

    def lines(self) -> dict[str, str | None]:
        """Return the marker of each release ("a 1.0")."""
        return {f"{entry.pin.name} {entry.pin.version}": entry.marker for entry in self.entries}

    def covers(self, target: Target) -> bool:
        """Return whether ``environments`` has the environment."""
        return any(marker.evaluate(dict(target.markers)) for marker in self.environments)


targets_of = lru_cache(requested_targets)  # 50 ms each


def lock_for_many(
    roots: Sequence[str],
    packages: Projects,
    asked: TargetSettings = GRID,
    flags: Sequence[str] = (),
    preferred: Mapping[str, str] | None = None,
) -> ManyLock:
    """Lock requirements for every target that is asked for; raises what ``resolve`` raises."""
    inputs, settings, _ = understood({SOURCE: "\n".join(roots)}, flags)
    settings = settings._replace(selection=settings.selection._replace(preferred=preferred or {}))
    with memory_mirror(packages) as mirror:
        resolutions = resolve(inputs, targets_of(asked), mirror, settings)
    markers = environments([resolution.target for resolution in resolutions])
    return ManyLock(resolutions, merge(resolutions), tuple(map(Marker, markers)))


def alone(roots: Sequence[str], packages: Projects, target: Target, pins: Mapping[str, str]) -> dict[str, str]:
    """Return what a resolution for one target gives that has pins as its constraints."""
    limits = [f"{name}=={version}" for name, version in pins.items()]
    inputs, settings, _ = understood({SOURCE: "\n".join(roots), "constraints.txt": "\n".join(limits)}, ())
    with memory_mirror(packages) as mirror:
        (resolution,) = resolve(inputs, (target,), mirror, settings)[:1]
    return {pin.name: pin.version for pin in resolution.pins}
