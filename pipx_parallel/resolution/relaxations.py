"""What a solution gives up because no other was found: a bound of a release, or an extra."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.records.model import FetchFailure
from pipx_parallel.model import BeyondBound, Relaxation, WithoutExtra
from pipx_parallel.resolution.package_keys import base_of, extra_of
from pipx_parallel.resolution.wording import written
from pipx_parallel.resolver.masks import release_of
from pipx_parallel.resolver.ports import Unavailable

if TYPE_CHECKING:
    from pipx_parallel.resolution.candidates import Candidates
    from pipx_parallel.resolver.outcome import Solution


def relaxations_of(solution: Solution, candidates: Candidates) -> tuple[Relaxation, ...]:
    """Return the relaxations of a solution, in the solver's order."""

    def version(name: str, bit: int) -> str:
        candidate = candidates.candidate(name)
        if isinstance(candidate, FetchFailure):
            raise candidate.error
        return candidate.project.view.versions[release_of(bit)]

    relaxations: list[Relaxation] = []
    for parent, child, dependency, stated_by in solution.escapes:
        text = "".join(written(dependency.edges[0]))
        by, pins = (
            version(parent, stated_by),
            [(name, version(name, solution.chosen[name])) for name in (parent, child)],
        )
        relaxations.append(BeyondBound(*pins[0], *pins[1], text, by))
    for switch in solution.lacking:
        name, extra = base_of(switch), extra_of(switch)
        bit = solution.chosen[name]
        dependency_set = candidates.dependency_set(name, bit)
        available = () if isinstance(dependency_set, FetchFailure | Unavailable) else tuple(dependency_set.extras())
        relaxations.append(WithoutExtra(name, version(name, bit), extra, available))
    return tuple(relaxations)
