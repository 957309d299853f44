"""The solver: from roots to an answer or a proof.

What it promises, for any source that keeps its contract:

- it finds an answer if one exists, and a proof if none does;
- an answer holds only packages that a root needs, directly or through others;
- equal facts give equal answers: no set order, clock or hash seed takes part;
- **the objective**. As few last resorts as possible: an older release keeps to the upper bounds that newer allowed releases
  of its package state, and a package has the extras that the user names. Then the least lag in sum of the packages that the
  user asks for (and of those that the extras named bring in), counted in days from the newest release that the user's own
  lines allow; then as few of them as possible that are not at their newest. Then, with these as they are, the other packages
  are as near their newest as they let each other be.

The objective is kept within a number of conflicts and of releases looked at (``SolverLimits``). ``Solution.optimal`` says
whether that sufficed: if not, the answer is valid, and the best that was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.resolver.fact_loader import RootEdge, add_roots
from pipx_parallel.resolver.objective import optimise
from pipx_parallel.resolver.search import LimitReachedError, SolverLimits
from pipx_parallel.resolver.soft_constraints import Escape, escapes_in, lacking_in
from pipx_parallel.resolver.solution import Held, Need, held_back, reachable
from pipx_parallel.resolver.state import SearchState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipx_parallel.resolver.ports import CandidateSource, SolverObserver
    from pipx_parallel.resolver.terms import Incompatibility


class Counts(NamedTuple):
    """What the search took."""

    decisions: int
    conflicts: int
    learned: int


class Solution(NamedTuple):
    """An answer.

    ``chosen`` maps each package that is needed to its release's bit number (a switch: 1), in the order in which they are
    reached from the roots. ``needs`` are the dependencies among them. ``held`` says of each package that is not the best
    its domain has what keeps it from that. ``escapes`` and ``lacking`` (switches) are the last resorts that it takes.
    ``optimal`` is False if the search for a better one was cut short.
    """

    chosen: Mapping[str, int]
    needs: Sequence[Need]
    held: Mapping[str, Held]
    counts: Counts
    escapes: Sequence[Escape] = ()
    lacking: Sequence[str] = ()
    optimal: bool = True


class Impossible(NamedTuple):
    """There is no answer. ``proof`` has no terms; its causes lead down to what the source and the user said.

    ``names`` are the packages by number, ``universe`` all values of each, ``bases`` the package whose extra a switch is (-1:
    no switch). ``resolver.report`` turns this into an argument.
    """

    roots: Sequence[RootEdge]
    proof: Incompatibility
    names: Sequence[str]
    universe: Sequence[int]
    bases: Sequence[int]
    counts: Counts


def solve(
    source: CandidateSource,
    roots: Sequence[RootEdge],
    observer: SolverObserver | None = None,
    limits: SolverLimits | None = None,
    is_final: Callable[[], bool] = lambda: True,
) -> Solution | Impossible:
    """Find releases that satisfy ``roots`` and all that they need, or prove that there are none.

    ``is_final`` returns whether the source leaves nothing out that it may have in a further search. If not, the proof may be
    incomplete: releases of long histories are taken to need what others of the same package need.

    Raises ``LimitReachedError`` when the search meets more conflicts than ``limits`` allow. Errors of the source pass through.
    """
    limits = limits or SolverLimits()
    state = SearchState(source, observer)
    add_roots(state, roots)
    outcome = optimise(state, roots, limits, is_final)
    if not isinstance(outcome, bool):
        return Impossible(roots, outcome, state.names, state.universe, state.base, _counts(state))
    chosen, needs = reachable(state, roots)
    return Solution(
        chosen,
        needs,
        held_back(state, roots, chosen),
        _counts(state),
        escapes_in(state, chosen),
        lacking_in(state, chosen),
        outcome,
    )


def _counts(state: SearchState) -> Counts:
    return Counts(state.decisions, state.conflicts, state.learned)


__all__ = ["Counts", "Impossible", "LimitReachedError", "RootEdge", "Solution", "SolverLimits", "solve"]
