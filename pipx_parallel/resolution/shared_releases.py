"""The releases of other targets as choices for one target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from pipx_parallel.resolution.policy import bit_in
from pipx_parallel.resolver.masks import release_of

if TYPE_CHECKING:
    from pipx_parallel.resolution.candidate import Candidate
    from pipx_parallel.resolution.policy import Policy


def shared_release(policy: Policy, candidate: Candidate, mask: int) -> int | None:
    """Return the first release of another target in ``mask`` that is as good here; None if the existing lock pins one."""
    view = candidate.project.view
    versions = policy.shared.pins.get(view.name) if policy.shared is not None else None
    if not versions or policy.preferred_bit(view.name, view, mask) is not None:
        return None
    bits = (bit_in(view, version, mask) for version in versions)
    return next((bit for bit in bits if bit is not None and accepts(policy, candidate, bit)), None)


def accepts(policy: Policy, candidate: Candidate, bit: int) -> bool:
    """Return whether a release of another target is as good here: not one to be built if a newer one has a wheel."""
    try:
        if candidate.has_wheel(release_of(bit)) and not policy.has_guard:
            return bool(policy.allowed_releases(candidate.project.view.name, 1 << bit, candidate.finals))
        if not candidate.usable >> bit & 1:
            return False
        masks = (candidate.finals, candidate.yanked, candidate.binary)
        best = policy.best(candidate.project.view.name, candidate.usable, *masks)
        return best == bit or candidate.has_wheel(release_of(bit)) or not candidate.has_wheel(release_of(best))
    except MirrorError:
        return False
