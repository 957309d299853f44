"""Assumptions: switches that a search takes for granted, and which of them an answer cannot have together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolver.conflict import decisions_behind
from pipx_parallel.resolver.dependency_table import OFF, ON
from pipx_parallel.resolver.ports import ABSENT
from pipx_parallel.resolver.propagate import propagate
from pipx_parallel.resolver.search import search
from pipx_parallel.resolver.terms import Derived, Incompatibility

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipx_parallel.resolver.state import SearchState


def assume(state: SearchState, switches: Sequence[int]) -> Incompatibility | None:
    """Turn switches on, all in one level, and draw what follows; return the unsat core if they contradict each other."""
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
    """Return the unsat core of a switch that is off already."""
    core = decisions_behind(state, Incompatibility([switch], [OFF], Derived(())))
    return Incompatibility([*core.packages, switch], [*core.masks, ON], Derived((core,)))


def search_under(state: SearchState, switches: Sequence[int], stop: int) -> Incompatibility | None:
    """Settle everything with these switches on, or return the unsat core, which is kept. Raises ``LimitReachedError``."""
    state.back_to(0)
    core = assume(state, switches) or search(state, stop, state.trail.level)
    if core is not None:
        state.back_to(0)
        keep(state, [core])
    return core


def keep(state: SearchState, cores: Iterable[Incompatibility]) -> None:
    """Keep which switches contradict each other, so that the next attempt need not find out. To be called at level 0."""
    for core in cores:
        if core.packages:
            state.watch(core)
            state.trail.touch(core.packages[0])


def pinned(state: SearchState, chosen: Mapping[str, int]) -> list[int]:
    """Return switches that keep packages at the chosen releases, if they are installed."""
    return [state.prefer(state.numbers[name], 1 << bit | ABSENT) for name, bit in chosen.items()]
