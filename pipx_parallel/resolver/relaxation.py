"""Relaxation: select the soft constraints to drop if no solution satisfies all of them.

At least one constraint of every unsat core must be dropped. The cheapest set with a member of each core is dropped, and the
search finds the next core, until there is a solution: it then has the cheapest relaxations (implicit hitting sets). A missing
extra is cheaper than an inherited bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolver.dependency_table import OFF, ON
from pipx_parallel.resolver.search import search_under

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.resolver.state import SearchState
    from pipx_parallel.resolver.terms import Incompatibility

MOST_CORES = 100  # after this number, all constraints of a core are dropped
_BOUND, _EXTRA = 1_000, 1


def relax(state: SearchState, stop: int, fixed: Sequence[int] = ()) -> frozenset[int] | Incompatibility:
    """Return the cheapest escapes to allow, or the refutation if there is no solution even with all.

    ``fixed`` are switches that stay on: an unsat core of these alone is returned too. Raises ``LimitReachedError``.
    """
    cores: list[Sequence[int]] = []
    relaxed: frozenset[int] = frozenset()
    surplus: frozenset[int] = frozenset()
    state.guard = -1
    while True:
        held = [state.prefer(escape, OFF) for escape in state.escapes.values() if escape not in relaxed]
        before = len(state.escapes)
        core = search_under(state, [*fixed, *held], stop)
        if core is None:
            used = [it for it in list(state.escapes.values())[before:] if state.trail.current[it] == ON]
            if not used:
                return relaxed
            continue  # constraints that were loaded meanwhile are held in the next search
        owners = {state.prefer(escape, OFF): escape for escape in state.escapes.values()}
        escapes = [owners[switch] for switch in core.packages if switch in owners]
        if not escapes:
            return core
        if len(cores) < MOST_CORES:
            cores.append(escapes)
        else:
            surplus |= frozenset(escapes)
        relaxed = _cheapest(cores, _costs(state)) | surplus


def _costs(state: SearchState) -> dict[int, int]:
    return {escape: _EXTRA if key[1] == key[2] else _BOUND for key, escape in state.escapes.items()}


def _cheapest(cores: Sequence[Sequence[int]], costs: Mapping[int, int]) -> frozenset[int]:
    """Return the cheapest set with a member of each core; of equally cheap sets the first."""
    best: frozenset[int] = frozenset(escape for core in cores for escape in core)

    def cost(members: frozenset[int]) -> int:
        return sum(costs[escape] for escape in members)

    def extend(members: frozenset[int]) -> None:
        nonlocal best
        if cost(members) >= cost(best):
            return
        core = next((it for it in cores if members.isdisjoint(it)), None)
        if core is None:
            best = members
            return
        for escape in sorted(core):
            extend(members | {escape})

    extend(frozenset())
    return best
