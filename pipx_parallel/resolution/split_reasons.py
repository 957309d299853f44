"""Why targets have different releases of a project: the reasons at the pins of a lock for several targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from pipx_parallel.errors import Incomplete, NoSolution
from pipx_parallel.model import Origin, RootRequirement
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.explain import IN_LOCK, argue
from pipx_parallel.resolution.policy import bit_in
from pipx_parallel.resolution.same_releases import LIMITS
from pipx_parallel.resolution.shared_releases import accepts
from pipx_parallel.resolver.masks import release_of
from pipx_parallel.resolver.outcome import Impossible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipx_parallel.model import Pin, Resolution
    from pipx_parallel.resolution.target_search import TargetSearch

_OTHERS = "the other targets"
_SHARED = "other targets have this release"


class Reasons(NamedTuple):
    """For one search: why a project does not have the release of another target, and what an existing lock pins."""

    apart: Mapping[str, str]
    locked: frozenset[str]


def split_reasons(searches: Sequence[TargetSearch]) -> list[Reasons]:
    """Return for each search why it does not have the releases that other targets have."""
    releases = _releases([search.versions() for search in searches])
    reasons: dict[tuple[str, str, str], str] = {}
    rows: list[Reasons] = []
    for search in searches:
        own = search.versions()
        others = {name: next((it for it in releases[name] if it != version), None) for name, version in own.items()}
        apart = {name: _why_apart(search, name, other, reasons) for name, other in others.items() if other is not None}
        policy = search.candidates.policy
        locked = frozenset(name for name, version in own.items() if policy.locked_version(name) == version)
        rows.append(Reasons(apart, locked))
    return rows


def with_reasons(resolutions: Sequence[Resolution], reasons: Sequence[Reasons]) -> tuple[Resolution, ...]:
    """Return the resolutions, with the reason at each pin that is not the release of all targets, or not the newest."""
    if len(resolutions) < 2:
        return tuple(resolutions)
    held: dict[tuple[str, str, str | None], Pin] = {}  # those for which a search gave a reason, for targets without one
    count: dict[tuple[str, str], int] = {}
    for resolution in resolutions:
        for pin in resolution.pins:
            count[pin.name, pin.version] = count.get((pin.name, pin.version), 0) + 1
            if pin.reason:
                held.setdefault((pin.name, pin.version, pin.latest), pin)

    def explained(pin: Pin, own: Reasons) -> Pin:
        apart, reason, bounded = own.apart.get(pin.name), pin.reason, pin.bounded
        if pin.url is None and pin.latest not in {None, pin.version} and not reason:
            other = held.get((pin.name, pin.version, pin.latest), pin)
            reason, bounded = other.reason or (IN_LOCK if pin.name in own.locked else None), other.bounded
            reason = reason or (_SHARED if count[pin.name, pin.version] > 1 or apart is None else apart)
        return pin._replace(apart=apart, reason=reason, bounded=bounded)

    return tuple(
        resolution._replace(pins=tuple([explained(pin, own) for pin in resolution.pins]))
        for resolution, own in zip(resolutions, reasons, strict=True)
    )


def _releases(rows: Iterable[Mapping[str, str]]) -> dict[str, dict[str, None]]:
    """Return the versions of each project, as an ordered set."""
    releases: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, version in row.items():
            releases.setdefault(name, {})[version] = None
    return releases


def _why_apart(search: TargetSearch, name: str, version: str, reasons: dict[tuple[str, str, str], str]) -> str:
    """Return why a target does not have the release that another one has; what took a search is kept in ``reasons``."""
    candidates = search.candidates
    candidate = candidates.candidate(name)
    bit = bit_in(candidate.project.view, version, -1) if isinstance(candidate, Candidate) else None
    if not isinstance(candidate, Candidate) or bit is None:
        return f"{name} {version} is not available for {search.target.label}"
    if not candidate.usable >> bit & 1:
        text = candidates.policy.why_not_usable(candidate.project.view, release_of(bit), search.rules)
        return f"{name} {version} {text}"
    if not accepts(candidates.policy, candidate, bit):
        return f"{name} {version} has no wheel for {search.target.label}"
    key = (name, search.versions()[name], version)
    if key not in reasons:
        reasons[key] = _searched_reason(search, name, version)
    return reasons[key]


def _searched_reason(search: TargetSearch, name: str, version: str) -> str:
    """Return the argument why a target that could install a release cannot have it."""
    bound = RootRequirement(
        name, (), f"=={version}", None, None, (), Origin(_OTHERS), f"{name}=={version}", constraint=True
    )
    try:
        answer, candidates = search.attempt({name: f"=={version}"}, LIMITS)
    except (Incomplete, NoSolution):
        return f"no answer with {name} {version} was found"
    if not isinstance(answer, Impossible):
        return f"with {name} {version} more projects would differ from the other targets"
    lines = argue(answer, candidates, search.inputs.roots, (*search.inputs.constraints, bound)).lines
    return " ".join(line.strip() for line in lines)
