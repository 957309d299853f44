"""The solver: find a solution for the roots, or a proof that there is none.

Guarantees, for any source that satisfies its contract:

- it finds a solution if one exists, else a proof;
- a solution has only packages that a root requires, directly or indirectly;
- equal facts give equal solutions: set order, clock and hash seed have no effect;
- **the objective**. First as few relaxations as possible: an older release has the upper bounds that newer allowed releases of
  its package state, and a package has the requested extras. Then the least total lag of the direct packages (including those
  that requested extras add), in days from the newest release that the root requirements allow; then as few of them as possible
  that are not at their newest. Then, with these releases fixed, the least lag of the other packages.

The objective is optimised within limits of conflicts and loaded releases (``SolverLimits``). ``Solution.optimal`` is False if a
limit ended this: the solution is valid, and the best that was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolver.fact_loader import add_roots
from pipx_parallel.resolver.objective import optimise
from pipx_parallel.resolver.outcome import Counts, Impossible, LimitReachedError, Solution, SolverLimits
from pipx_parallel.resolver.ports import RootEdge
from pipx_parallel.resolver.soft_constraints import escapes_in, lacking_in
from pipx_parallel.resolver.solution import held_back, reachable
from pipx_parallel.resolver.state import SearchState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipx_parallel.resolver.ports import CandidateSource, SolverObserver


def solve(  # noqa: PLR0913, PLR0917 - the solver's whole interface
    source: CandidateSource,
    roots: Sequence[RootEdge],
    observer: SolverObserver | None = None,
    limits: SolverLimits | None = None,
    is_final: Callable[[], bool] = lambda: True,
    bounds_of: Callable[[str], Sequence[RootEdge]] = lambda _: (),
) -> Solution | Impossible:
    """Find releases that satisfy ``roots`` and all dependencies, or prove that there are none.

    ``bounds_of`` returns the constraints on a package that are not in ``roots``; it is called when the search meets the package.

    ``is_final`` returns whether the source is complete: False if a later search may have more releases. The proof may then be
    incomplete: interpolated dependencies of long histories are not verified.

    Raises ``LimitReachedError`` if the search has more conflicts than ``limits`` allow. Errors of the source are not caught.
    """
    limits = limits or SolverLimits()
    state = SearchState(source, observer)
    state.bounds_of = bounds_of
    add_roots(state, roots)
    outcome = optimise(state, roots, limits, is_final)
    if not isinstance(outcome, bool):
        return Impossible(state.roots, outcome, state.names, state.universe, state.base, _counts(state))
    chosen, dependencies = reachable(state, roots)
    return Solution(
        chosen,
        dependencies,
        held_back(state, state.roots, chosen),
        _counts(state),
        escapes_in(state, chosen),
        lacking_in(state, chosen),
        outcome,
    )


def _counts(state: SearchState) -> Counts:
    return Counts(state.decisions, state.conflicts, state.learned)


__all__ = ["Counts", "Impossible", "LimitReachedError", "RootEdge", "Solution", "SolverLimits", "solve"]
