"""The loop: propagate, learn from a conflict or take the next step, until everything is settled or nothing can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.resolver.conflict import Learned, analyse
from pipx_parallel.resolver.decide import reorder, step
from pipx_parallel.resolver.propagate import propagate

if TYPE_CHECKING:
    from pipx_parallel.resolver.state import SearchState
    from pipx_parallel.resolver.terms import Incompatibility


class SolverLimits(NamedTuple):
    """Counts, never clocks, so that a limit cuts every run at the same place."""

    conflicts: int = 1_000_000
    improve: int = 2_000  # conflicts spent on the objective; 0: none, the user's packages are the best in their order
    reads: int = 200  # releases looked at only to improve an answer


class LimitReachedError(Exception):
    """The search met more conflicts than it may: neither an answer nor a proof."""


def search(state: SearchState, stop: int, base_level: int = 0) -> Incompatibility | None:
    """Settle every package and return None, or return what of the decisions up to ``base_level`` makes that impossible.

    Raises ``LimitReachedError`` when ``state.conflicts`` goes beyond ``stop``, or too many releases were read.
    """
    while True:
        conflict = propagate(state)
        if conflict is None:
            if state.reads > state.last_read:
                raise LimitReachedError(f"no answer and no proof after {state.reads} releases")
            if not step(state):
                return None
            continue
        state.conflicts += 1
        learned = analyse(state, conflict, base_level)
        if not isinstance(learned, Learned):
            return learned
        if state.conflicts > stop:
            raise LimitReachedError(f"no answer and no proof after {state.conflicts} conflicts")
        if state.reads > state.most_reads:
            raise LimitReachedError(f"no answer and no proof after {state.reads} releases")
        _apply(state, learned, base_level)


def _apply(state: SearchState, learned: Learned, base_level: int) -> None:
    """Go back to where the learned incompatibility applies, and apply it."""
    clause = learned.clause
    package = clause.packages[0]
    state.observer.conflicted(state.names[package])
    state.back_to(max(learned.level, base_level))
    reorder(state)
    state.watch(clause)
    state.narrow(package, state.trail.current[package] & ~clause.masks[0], clause)
