"""The fewest pins of a lock that have to move so that there is a solution, beside those that have to move anyway.

All pins are kept at first. Without a solution, the proof names pins of which at least one has to move. The next search frees a
smallest set of pins that has one of each such proof, and so on until there is a solution: none moves fewer pins. A package that
comes or goes is not counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.errors import Incomplete, NoSolution
from pipx_parallel.resolution.joint_search import smallest
from pipx_parallel.resolution.package_keys import base_of
from pipx_parallel.resolution.target_search import SearchContext, TargetSearch
from pipx_parallel.resolver.outcome import Impossible, LimitReachedError
from pipx_parallel.resolver.terms import Bound
from pipx_parallel.resolver.unsat_core import facts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mirror.session.mirror import Mirror
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.model import Inputs, Target

MOST_SEARCHES = 40


def fewest_moves(
    inputs: Inputs, targets: Sequence[Target], mirror: Mirror, settings: ResolveSettings, pins: Mapping[str, str]
) -> frozenset[str] | None:
    """Return the projects whose pins have to move; None if that was not found out.

    Args:
        inputs: The requirements; extras, groups and direct references are not searched.
        targets: The targets, which have the same pins.
        mirror: The source of metadata.
        settings: With a policy that refuses the releases that must not be chosen.
        pins: The pins to keep: version by project, without those that have to move anyway.
    """
    if inputs.parts is not None or any(root.url for root in (*inputs.roots, *inputs.constraints, *inputs.overrides)):
        return None
    context = SearchContext(inputs, mirror, settings)
    cores: list[frozenset[str]] = []
    try:
        searches = [TargetSearch(context, target) for target in targets]
        for _ in range(MOST_SEARCHES):
            freed = smallest(cores, len(pins) + 1)
            if freed is None:
                return None
            bounds = {name: f"=={version}" for name, version in pins.items() if name not in freed}
            core = _core(searches, bounds)
            if core is None:
                return freed
            if not core:
                return None  # the other requirements contradict each other
            cores.append(core)
    except (Incomplete, NoSolution, LimitReachedError):
        return None
    return None


def _core(searches: Sequence[TargetSearch], bounds: Mapping[str, str]) -> frozenset[str] | None:
    """Return pins of which one has to move, none if that does not help; None if there is a solution for every target."""
    for search in searches:
        outcome, _ = search.attempt(bounds)
        if isinstance(outcome, Impossible):
            facts = [fact for fact in facts_of(outcome.proof) if isinstance(fact.cause, Bound)]
            return frozenset(base_of(outcome.names[number]) for fact in facts for number in fact.packages) & set(bounds)
    return None
