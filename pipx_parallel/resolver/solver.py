"""The solver: from roots to an answer or a proof.

What it promises, for any source that keeps its contract:

- it finds an answer if one exists, and a proof if none does;
- an answer holds only packages that a root needs, directly or through others;
- equal facts give equal answers: no set order, clock or hash seed takes part;
- the packages the user asks for come first: no other package being older or newer moves them. Among themselves they
  keep to windows (``resolver.windows``) none of which can be narrower without another's being wider, and within these
  windows they are as good as can be in the user's order: the first is the best it can be, the second the best it can be
  given the first, and so on ("good" is the order of ``CandidateSource.choose``);
- then the same holds of the windows of all other packages, given those.

The last two are kept within a number of conflicts (``SolverLimits.improve``). Beyond it the user's packages are the best
in his order without windows, and the others stay where the search left them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.resolver.answer import Held, Need, held_back, reachable
from pipx_parallel.resolver.facts import RootEdge, add_roots
from pipx_parallel.resolver.ports import ABSENT
from pipx_parallel.resolver.search import LimitReachedError, search
from pipx_parallel.resolver.state import NOTHING, SearchState
from pipx_parallel.resolver.windows import RankWindows
from pipx_parallel.resolver.wishes import Wishes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.resolver.ports import CandidateSource, SolverObserver
    from pipx_parallel.resolver.terms import Incompatibility
    from pipx_parallel.resolver.windows import Windows


class SolverLimits(NamedTuple):
    """Counts, never clocks, so that a limit cuts every run at the same place."""

    conflicts: int = 1_000_000
    improve: int = 2_000  # conflicts spent on windows; 0: none, the user's packages are the best in his order


class Counts(NamedTuple):
    """What the search took."""

    decisions: int
    conflicts: int
    learned: int


class Solution(NamedTuple):
    """An answer.

    ``chosen`` maps each package that is needed to its release's bit number (a switch: 1), in the order in which they are
    reached from the roots. ``needs`` are the dependencies among them. ``held`` says of each package that is not the best
    its domain has what keeps it from that.
    """

    chosen: Mapping[str, int]
    needs: Sequence[Need]
    held: Mapping[str, Held]
    counts: Counts


class Impossible(NamedTuple):
    """There is no answer. ``proof`` has no terms; its causes lead down to what the source and the user said.

    ``names`` are the packages by number, ``universe`` all values of each, ``bases`` the package whose extra a switch is (-1:
    no switch), ``missing`` why packages are not to be had. ``resolver.report`` turns this into an argument.
    """

    roots: Sequence[RootEdge]
    proof: Incompatibility
    names: Sequence[str]
    universe: Sequence[int]
    bases: Sequence[int]
    missing: Mapping[str, str]
    counts: Counts


def solve(
    source: CandidateSource,
    roots: Sequence[RootEdge],
    observer: SolverObserver | None = None,
    limits: SolverLimits | None = None,
    windows: Windows | None = None,
) -> Solution | Impossible:
    """Find releases that satisfy ``roots`` and all that they need, or prove that there are none.

    ``windows`` says what is near the best of a package; by default the best 1, 2, 4, 8, … of its releases. Raises
    ``LimitReachedError`` when the search meets more conflicts than ``limits`` allow. Errors of the source pass through.
    """
    limits = limits or SolverLimits()
    state = SearchState(source, observer)
    add_roots(state, roots)
    windows = windows or RankWindows(source)
    proof = _settle_directs(state, windows, limits)
    if proof is not None:
        return Impossible(roots, proof, state.names, state.universe, state.base, state.missing, _counts(state))
    if limits.improve:
        _settle_others(state, roots, windows, limits)
    chosen, needs = reachable(state, roots)
    return Solution(chosen, needs, held_back(state, roots, chosen), _counts(state))


def _settle_directs(state: SearchState, windows: Windows, limits: SolverLimits) -> Incompatibility | None:
    """Settle everything with the user's packages within windows if there is an answer."""
    if limits.improve:
        wishes = Wishes(state, windows, limits.improve)
        try:
            proof = wishes.hold(_ordinary(state, state.direct)) or wishes.settle()
        except LimitReachedError:
            pass
        else:
            return proof
    state.back_to(0)
    return search(state, limits.conflicts)


def _settle_others(state: SearchState, roots: Sequence[RootEdge], windows: Windows, limits: SolverLimits) -> None:
    """Settle again with the user's packages as they are and all others within windows."""
    stop = state.conflicts + limits.improve
    chosen, _ = reachable(state, roots)
    held: dict[int, None] = {}
    while True:
        others = [it for it in _others(state, chosen) if it not in held]
        behind = [it for it in others if not _is_best(state, it, chosen)]
        if not behind or (not held and _is_best_given_directs(state, behind, chosen)):
            return
        held.update(dict.fromkeys(others))
        directs = {state.names[it]: chosen[state.names[it]] for it in state.direct}
        wishes = Wishes(state, windows, stop, _fix(state, directs))
        try:
            wishes.hold(held)
            wishes.settle()
        except LimitReachedError:
            _settle_as(state, windows, chosen, limits)
            return
        chosen, _ = reachable(state, roots)


def _settle_as(state: SearchState, windows: Windows, chosen: Mapping[str, int], limits: SolverLimits) -> None:
    """Settle everything as it was."""
    state.back_to(0)
    Wishes(state, windows, state.conflicts + limits.conflicts, _fix(state, chosen)).settle()


def _fix(state: SearchState, chosen: Mapping[str, int]) -> list[int]:
    return [state.wish(state.numbers[name], 1 << bit) for name, bit in chosen.items()]


def _ordinary(state: SearchState, packages: Sequence[int]) -> list[int]:
    return [it for it in packages if state.base[it] == NOTHING]


def _others(state: SearchState, chosen: Mapping[str, int]) -> list[int]:
    direct = set(state.direct)
    return [it for it in _ordinary(state, [state.numbers[name] for name in chosen]) if it not in direct]


def _is_best(state: SearchState, package: int, chosen: Mapping[str, int]) -> bool:
    name = state.names[package]
    return state.source.choose(name, state.universe[package] & ~ABSENT) == chosen[name]


def _is_best_given_directs(state: SearchState, packages: Sequence[int], chosen: Mapping[str, int]) -> bool:
    """Say whether the settled user's packages alone leave each of ``packages`` nothing better: then nothing can be gained.

    True of most lists, and much cheaper than settling again. The user's packages were all settled before any other, so what
    they leave is what the trail says of the level at which the last of them was.
    """
    trail = state.trail
    level = max((trail.levels[trail.entries_of[it][-1]] for it in state.direct if trail.entries_of[it]), default=0)
    for package in packages:
        left = trail.at_level(package, level) & ~ABSENT
        if state.source.choose(state.names[package], left) != chosen[state.names[package]]:
            return False
    return True


def _counts(state: SearchState) -> Counts:
    return Counts(state.decisions, state.conflicts, state.learned)


__all__ = ["Counts", "Impossible", "LimitReachedError", "RootEdge", "Solution", "SolverLimits", "solve"]
