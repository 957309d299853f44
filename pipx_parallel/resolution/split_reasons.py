"""Why targets have different releases of a project: the reasons at the pins of a lock for several targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.model import Origin, RootRequirement
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.explain import argue
from pipx_parallel.resolution.policy import bit_in
from pipx_parallel.resolution.shared_releases import accepts
from pipx_parallel.resolver.masks import release_of
from pipx_parallel.resolver.solver import Impossible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.model import Pin, Resolution
    from pipx_parallel.resolution.target_search import TargetSearch

_OTHERS = "the other targets"
_SHARED = "other targets have this release"


def with_reasons(searches: Sequence[TargetSearch], resolutions: Sequence[Resolution]) -> tuple[Resolution, ...]:
    """Return the resolutions, with the reason at each pin that is not the release of all targets, or not the newest."""
    if len(resolutions) < 2:
        return tuple(resolutions)
    releases: dict[str, dict[str, None]] = {}
    for resolution in resolutions:
        for pin in resolution.pins:
            releases.setdefault(pin.name, {})[pin.version] = None
    reasons: dict[tuple[str, str, str], str] = {}
    held: dict[tuple[str, str, str | None], str] = {}  # what a search gave as the reason, for targets without one
    explained: list[Resolution] = []
    for search, resolution in zip(searches, resolutions, strict=True):
        pins = []
        for pin in resolution.pins:
            others = [version for version in releases[pin.name] if version != pin.version]
            apart = _why_apart(search, pin, others[0], reasons) if others else None
            key = (pin.name, pin.version, pin.latest)
            if pin.reason:
                held.setdefault(key, pin.reason)
            is_shared = pin.url is None and pin.latest not in {None, pin.version}
            pins.append(pin._replace(apart=apart, reason=held.get(key, _SHARED) if is_shared else pin.reason))
        explained.append(resolution._replace(pins=tuple(pins)))
    return tuple(explained)


def _why_apart(search: TargetSearch, pin: Pin, version: str, reasons: dict[tuple[str, str, str], str]) -> str:
    """Return why a target does not have the release that another one has; what took a search is kept in ``reasons``."""
    name, candidates = pin.name, search.candidates
    candidate = candidates.candidate(name)
    bit = bit_in(candidate.project.view, version, -1) if isinstance(candidate, Candidate) else None
    if not isinstance(candidate, Candidate) or bit is None:
        return f"{name} {version} is not available for {search.target.label}"
    if not candidate.usable >> bit & 1:
        text = candidates.policy.why_not_usable(candidate.project.view, release_of(bit), search.rules)
        return f"{name} {version} {text}"
    if not accepts(candidates.policy, candidate, bit):
        return f"{name} {version} has no wheel for {search.target.label}"
    key = (name, pin.version, version)
    if key not in reasons:
        reasons[key] = _searched_reason(search, name, version)
    return reasons[key]


def _searched_reason(search: TargetSearch, name: str, version: str) -> str:
    """Return the argument why a target that could install a release cannot have it."""
    bound = RootRequirement(
        name, (), f"=={version}", None, None, (), Origin(_OTHERS), f"{name}=={version}", constraint=True
    )
    answer = search.solve({name: f"=={version}"})
    if not isinstance(answer, Impossible):
        return f"with {name} {version} more projects would differ from the other targets"
    lines = argue(answer, search.candidates, search.inputs.roots, (*search.inputs.constraints, bound)).lines
    return " ".join(line.strip() for line in lines)
