"""Search again, after a search without a solution, with what it left out.

A later search is seldom worth it for a list without a solution. So the lines of the user that a proof rests on are searched alone
first: if there is no solution for these, there is none for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolution.build_steps import BuildSteps
from pipx_parallel.resolution.prerelease_fallback import search_again
from pipx_parallel.resolution.roots import edges_and_bounds
from pipx_parallel.resolution.source_archives import is_proven
from pipx_parallel.resolver.outcome import Impossible, LimitReachedError
from pipx_parallel.resolver.solver import solve
from pipx_parallel.resolver.terms import Required
from pipx_parallel.resolver.unsat_core import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mirror.records.model import Dependency
    from pipx_parallel.resolution.candidates import Candidates
    from pipx_parallel.resolver.outcome import Solution, SolverLimits
    from pipx_parallel.resolver.ports import SolverObserver

    Outcome = tuple[Solution | Impossible, Candidates]


class LaterSearches:
    """The searches for the lines of the user after a first search without a solution."""

    def __init__(
        self,
        wanted: Sequence[Dependency],
        bounds: Sequence[Dependency],
        search: Callable[[Candidates], Outcome],
        observer: SolverObserver | None,
        limits: SolverLimits | None,
    ) -> None:
        """``search`` solves for ``wanted`` within ``bounds``, with the given candidates."""
        self._wanted = wanted
        self._bounds = bounds
        self._search = search
        self._observer = observer
        self._limits = limits

    def run(self, outcome: Impossible, candidates: Candidates, *, thorough: bool, keeps_going: bool) -> Outcome:
        """Return the first solution, or the last refutation; ``thorough`` reads every source archive first."""
        if thorough and not is_proven(outcome, candidates.archives.left_out):
            candidates = candidates.in_mode(candidates.mode._replace(takes_all_archives=True))
            refuted = self._refuted(candidates, outcome)
            again, candidates = self._thorough(candidates) if refuted is None else (refuted, candidates)
            if not isinstance(again, Impossible):
                return again, candidates
            outcome = again
        solution = search_again(candidates, outcome, (*self._wanted, *self._bounds), self._search, self._refuted)
        if solution is not None:
            return solution
        if keeps_going and candidates.met_failures():
            return self._search(candidates.in_mode(candidates.mode._replace(collects_failures=True)))
        return outcome, candidates

    def _thorough(self, candidates: Candidates) -> Outcome:
        """Search with few builds; without a solution, with all builds that are allowed."""
        outcome = self._search(candidates.in_mode(candidates.mode, BuildSteps()))
        if isinstance(outcome[0], Impossible):  # anew: what was built meanwhile is known now
            outcome = self._search(candidates.in_mode(candidates.mode))
        return outcome

    def _refuted(self, candidates: Candidates, impossible: Impossible) -> Impossible | None:
        """Return the refutation if the user's lines in a proof have no solution with other candidates either.

        Nothing is built for it: a release that needs a build has no dependencies here.
        """
        causes = [fact.cause for fact in facts_of(impossible.proof)]
        lines = {cause.label for cause in causes if isinstance(cause, Required)}
        edges, later = edges_and_bounds(candidates, self._wanted, self._bounds)
        few = [edge for edge in edges if edge.constraint or edge.label in lines]
        if len(few) == len(edges):
            return None
        try:
            outcome = solve(candidates, few, self._observer, self._limits, candidates.is_complete, later)
        except LimitReachedError:
            return None
        return outcome if isinstance(outcome, Impossible) else None
