"""The search loop: propagate, learn from a conflict or take the next step, until every package is decided or a refutation.

A search may assume switches to be on (assumptions); it then returns the unsat core of those that contradict each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolver.conflict import Learned, analyse, decisions_behind
from pipx_parallel.resolver.decide import reorder, step
from pipx_parallel.resolver.dependency_table import OFF, ON
from pipx_parallel.resolver.outcome import LimitReachedError
from pipx_parallel.resolver.ports import ABSENT
from pipx_parallel.resolver.propagate import propagate
from pipx_parallel.resolver.terms import Derived, Incompatibility

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipx_parallel.resolver.state import SearchState


def search(state: SearchState, stop: int, base_level: int = 0) -> Incompatibility | None:
    """Decide every package and return None, or return the decisions up to ``base_level`` that make this impossible.

    Raises ``LimitReachedError`` if ``state.conflicts`` exceeds ``stop``, or if too many releases were loaded.
    """
    while True:
        conflict = propagate(state)
        if conflict is None:
            if state.reads > state.last_read:
                raise LimitReachedError(f"no solution and no proof after {state.reads} releases")
            if not step(state):
                return None
            continue
        state.conflicts += 1
        learned = analyse(state, conflict, base_level)
        if not isinstance(learned, Learned):
            return learned
        if state.conflicts > stop:
            raise LimitReachedError(f"no solution and no proof after {state.conflicts} conflicts")
        if state.reads > state.most_reads:
            raise LimitReachedError(f"no solution and no proof after {state.reads} releases")
        _apply(state, learned, base_level)


def _apply(state: SearchState, learned: Learned, base_level: int) -> None:
    """Backjump to the level of a learned clause, and apply it."""
    clause = learned.clause
    package = clause.packages[0]
    state.observer.conflicted(state.names[package])
    state.back_to(max(learned.level, base_level))
    reorder(state)
    state.watch(clause)
    state.narrow(package, state.trail.current[package] & ~clause.masks[0], clause)


def assume(state: SearchState, switches: Sequence[int]) -> Incompatibility | None:
    """Turn switches on, all at one level, and propagate; return the unsat core if they contradict each other."""
    conflict = propagate(state)
    if conflict is None:
        state.trail.open_level()
        for switch in switches:
            if state.trail.current[switch] == OFF:
                return _against(state, switch)
            if state.trail.current[switch] != ON:
                state.narrow(switch, ON, None)
        conflict = propagate(state)
    return None if conflict is None else decisions_behind(state, conflict)


def _against(state: SearchState, switch: int) -> Incompatibility:
    """Return the unsat core of a switch that is already off."""
    core = decisions_behind(state, Incompatibility([switch], [OFF], Derived(())))
    return Incompatibility([*core.packages, switch], [*core.masks, ON], Derived((core,)))


def search_under(state: SearchState, switches: Sequence[int], stop: int) -> Incompatibility | None:
    """Find a solution with these switches on, or return the unsat core and store it. Raises ``LimitReachedError``."""
    state.back_to(0)
    core = assume(state, switches) or search(state, stop, state.trail.level)
    if core is not None:
        state.back_to(0)
        keep(state, [core])
    return core


def keep(state: SearchState, cores: Iterable[Incompatibility]) -> None:
    """Store unsat cores, so that the next search does not derive them again. Call at level 0."""
    for core in cores:
        if core.packages:
            state.watch(core)
            state.trail.touch(core.packages[0])


def pinned(state: SearchState, chosen: Mapping[str, int]) -> list[int]:
    """Return switches that keep packages at the chosen releases, if they are installed."""
    return [state.prefer(state.numbers[name], 1 << bit | ABSENT) for name, bit in chosen.items()]
