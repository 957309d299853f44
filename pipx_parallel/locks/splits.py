"""The projects of which targets have different releases: which targets, and why. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from pipx_parallel.locks.target_labels import labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipx_parallel.model import Part, Resolution, Target


class SplitRelease(NamedTuple):
    """One of several releases: its targets, and why they do not have another one."""

    version: str
    targets: tuple[str, ...]
    reasons: tuple[str, ...]


class Split(NamedTuple):
    """A project with several releases, the oldest Python's first."""

    name: str
    releases: tuple[SplitRelease, ...]


def splits_of(resolutions: Sequence[Resolution]) -> tuple[Split, ...]:
    """Return the projects with several releases, sorted by name."""
    rows: dict[str, dict[str, tuple[list[Resolution], dict[str, None]]]] = {}
    for resolution in resolutions:
        for pin in resolution.pins:
            members, reasons = rows.setdefault(pin.name, {}).setdefault(pin.version, ([], {}))
            members.append(resolution)
            if pin.apart is not None:
                reasons[pin.apart] = None
    return tuple(
        Split(
            name,
            tuple(
                SplitRelease(version, tuple(_labels(members)), tuple(reasons))
                for version, (members, reasons) in releases.items()
            ),
        )
        for name, releases in sorted(rows.items())
        if len(releases) > 1
    )


def apart_by(resolutions: Sequence[Resolution]) -> str:
    """Return in words what has different releases: "targets", "extras", "extras or groups", "extras or targets", and so on."""
    versions: dict[str, dict[tuple[Part, ...], set[str]]] = {}
    for resolution in resolutions:
        for pin in resolution.pins:
            versions.setdefault(pin.name, {}).setdefault(resolution.fork, set()).add(pin.version)
    kinds: set[str] = set()
    for forks in versions.values():
        # Of parts: different sets of releases. Of targets: several releases in one set of parts.
        if len({frozenset(several) for several in forks.values()}) > 1:
            kinds.update(part.kind for fork in forks for part in fork)
        if any(len(several) > 1 for several in forks.values()):
            kinds.add("target")
    words = [f"{kind}s" for kind in ("extra", "group", "target") if kind in kinds]
    return " or ".join([", ".join(words[:-1]), *words[-1:]] if len(words) > 1 else words)


def _labels(resolutions: Sequence[Resolution]) -> Iterator[str]:
    """Yield how the targets are called, with the conflicting extras and groups of each."""
    forks: dict[tuple[Part, ...], list[Target]] = {}
    for resolution in resolutions:
        forks.setdefault(resolution.fork, []).append(resolution.target)
    for fork, targets in forks.items():
        ending = f" with {' and '.join(map(str, fork))}" if fork else ""
        yield from (f"{label}{ending}" for label in labels(targets))


def split_lines(splits: Sequence[Split]) -> Iterator[str]:
    """Yield the splits for the user, a line for each release."""
    for split in splits:
        yield f"{split.name} has {len(split.releases)} releases:"
        for release in split.releases:
            reason = f": {release.reasons[0]}" if release.reasons else ""
            yield f"  {release.version} for {', '.join(release.targets)}{reason}"
