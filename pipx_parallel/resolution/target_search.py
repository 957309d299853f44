"""The search for one target: prepared once, repeated with other bounds, and turned into a resolution at the end."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.records.model import Dependency
from mirror.records.project import Project
from mirror.records.version_keys import compile_specifier
from pipx_parallel.errors import Incomplete, NoSolution
from pipx_parallel.model import Resolution, Stats
from pipx_parallel.resolution.package_keys import is_extra
from pipx_parallel.resolution.pins import edges_of, missing_of, pins_of, relaxations_of
from pipx_parallel.resolution.roots import candidates_of, edges_and_bounds, for_target
from pipx_parallel.resolution.target_facts import conditions_of
from pipx_parallel.resolver.masks import release_of
from pipx_parallel.resolver.outcome import Impossible, LimitReachedError
from pipx_parallel.targets.rules import TargetRules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mirror.records.model import FetchFailure
    from mirror.session.mirror import Mirror
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.direct.collect import Directs
    from pipx_parallel.model import Inputs, Target
    from pipx_parallel.resolution.candidates import Candidates
    from pipx_parallel.resolution.shared_choices import SharedChoices
    from pipx_parallel.resolver.outcome import Solution, SolverLimits
    from pipx_parallel.resolver.ports import RootEdge, SolverObserver


class SearchContext(NamedTuple):
    """What the searches for all targets have in common."""

    inputs: Inputs
    mirror: Mirror
    settings: ResolveSettings
    observer: SolverObserver | None = None
    directs: Directs | None = None
    shared: SharedChoices | None = None  # None: there is one target


class TargetSearch:
    """One target, what may be chosen for it, and its answer so far."""

    def __init__(self, context: SearchContext, target: Target) -> None:
        """Prepare the search. Raises ``Incomplete`` for direct references that are not available, ``RequirementsError``."""
        self.context = context
        self.target = target
        self.rules = TargetRules.stored(target, context.mirror.records.read_derived)
        self.inputs, self.directs, self._lost = for_target(context.inputs, self.rules, context.directs)
        if self._lost and not context.settings.keep_going:
            raise Incomplete(self._lost, "\n".join(str(failure.error) for failure in self._lost))
        self._prepare()
        pinned = self.candidates.facts.pinned
        context.mirror.admin.admit_pins({name: [row.intervals for row in rows] for name, rows in pinned.items()})
        self.followers: Sequence[TargetSearch] = ()  # what they need is requested together with what this search needs
        self.answer: Solution | Impossible | None = None
        self.missing: tuple[FetchFailure, ...] = ()
        self._versions: dict[str, str] | None = None
        self._seconds = self._waited = 0.0

    def _prepare(self) -> None:
        context, inputs = self.context, self.inputs
        self.candidates, self._wanted, self._bounds = candidates_of(
            inputs, inputs.roots, inputs.constraints, self.rules, context.mirror, context.settings, context.shared,
            self.directs,
        )  # fmt: skip

    def solve(
        self, bounds: Mapping[str, str] | None = None, limits: SolverLimits | None = None
    ) -> Solution | Impossible:
        """Search as ``attempt`` does, and take the outcome; with bounds only if it is a solution.

        What holds projects back is left out then: the user has not stated these bounds.
        """
        outcome, candidates = self.attempt(bounds, limits)
        if not bounds:
            self.take(outcome, candidates)
        elif not isinstance(outcome, Impossible):
            self.take(outcome._replace(held={}), candidates)
        return outcome

    def attempt(
        self, bounds: Mapping[str, str] | None = None, limits: SolverLimits | None = None
    ) -> tuple[Solution | Impossible, Candidates]:
        """Search for the best solution; ``bounds`` are specifiers of projects beyond those of the user.

        Raises:
            NoSolution: The search reached its limit.
            Incomplete: Metadata of the solution is not available.
        """
        began = self._now()
        try:
            outcome, candidates = self._searched_on_all_indexes(bounds or {}, limits)
        except LimitReachedError as error:
            raise NoSolution((str(error),)) from error
        finally:
            self._spend(began)
        missing = (*self._lost, *missing_of(candidates, outcome))
        if missing and not self.context.settings.keep_going:
            raise Incomplete(missing, "\n".join(str(failure.error) for failure in missing))
        return outcome, candidates

    def _searched_on_all_indexes(
        self, bounds: Mapping[str, str], limits: SolverLimits | None
    ) -> tuple[Solution | Impossible, Candidates]:
        """Search, and repeat the search while it meets pins that only a later index has.

        Raises ``LimitReachedError``.
        """
        mirror, settings = self.context.mirror, self.context.settings
        while True:
            if not settings.mirror.offline:
                from pipx_parallel.resolution.prefetch import look_ahead  # offline there is nothing to fetch

                look_ahead(mirror, [search.scope(bounds) for search in (self, *self.followers)])
            self.candidates.facts.want(self._wanted)
            outcome, candidates = searched(
                *self.scope(bounds), self.context.observer, limits, keeps_going=settings.keep_going
            )
            if not mirror.admin.admit_pins(candidates.facts.met_pins):
                return outcome, candidates
            self._prepare()

    def scope(self, bounds: Mapping[str, str]) -> tuple[Candidates, list[Dependency], list[Dependency]]:
        """Return what may be chosen, the roots, and the constraints with these bounds."""
        return self.candidates, self._wanted, self._bounds_with(bounds)

    def take_first_choices(self, bounds: Mapping[str, str] | None = None) -> bool:
        """Take the first choice of every package, if that is an answer without anything missing; return whether it is."""
        from pipx_parallel.resolution.first_choices import first_choices  # only with several targets

        began = self._now()
        candidates = self.candidates.in_mode(self.candidates.mode)
        answer = first_choices(candidates, *edges_and_bounds(candidates, self._wanted, self._bounds_with(bounds)))
        self._spend(began)
        if answer is None or candidates.holes:
            return False
        self.take(answer, candidates)
        return True

    def fresh(self, bounds: Mapping[str, str] | None = None) -> tuple[Candidates, list[RootEdge]]:
        """Return the candidates of one more search, and the roots and all constraints as edges."""
        candidates, limits = self.candidates.in_mode(self.candidates.mode), self._bounds_with(bounds)
        edges, later = edges_and_bounds(candidates, self._wanted, limits)
        return candidates, [*edges, *[bound for name in {row.name: 0 for row in limits} for bound in later(name)]]

    def take(self, answer: Solution | Impossible, candidates: Candidates) -> None:
        """Take an answer and what it was chosen from."""
        self.answer, self.candidates = answer, candidates
        self.missing = (*self._lost, *missing_of(candidates, answer))
        self._versions = None

    def _now(self) -> tuple[float, float]:
        """Return the time, and how long the mirror has waited for responses so far, in seconds."""
        return time.perf_counter(), self.context.mirror.report.counts()["waited_ms"] / 1000

    def _spend(self, began: tuple[float, float]) -> None:
        """Count the time of a search since ``began``."""
        seconds, waited = self._now()
        self._seconds += seconds - began[0]
        self._waited += waited - began[1]

    def _bounds_with(self, bounds: Mapping[str, str] | None) -> list[Dependency]:
        return [
            *self._bounds,
            *(Dependency(name, (), compile_specifier(text)) for name, text in (bounds or {}).items()),
        ]

    @property
    def solution(self) -> Solution:
        """Return the answer, which must not be that there is none."""
        if self.answer is None or isinstance(self.answer, Impossible):
            raise RuntimeError(f"Bug: no answer for {self.target.label}")
        return self.answer

    def versions(self) -> dict[str, str]:
        """Return the release that was chosen of each project."""
        if self._versions is None:
            self._versions = {
                name: project.view.versions[release_of(bit)]
                for name, bit in self.solution.chosen.items()
                if not is_extra(name) and isinstance(project := self.candidates.facts.peek(name), Project)
            }
        return self._versions

    def parts(self) -> list[Target]:
        """Return the target, cut where the answer may not hold for all patch releases of its Python."""
        series = f"{self.target.markers['python_version']}."
        inputs = self.context.inputs
        lines = [row.marker for row in (*inputs.roots, *inputs.constraints, *inputs.overrides) if row.marker]
        markers, specifiers = conditions_of(self.solution.chosen, self.candidates.facts, self.candidates.dependency_set)
        markers += [(marker, "") for marker in lines]
        specifiers = [text for text in specifiers if series in text]
        markers = [row for row in markers if series in row[0] and re.search("(full|implementation)_version", row[0])]
        if not markers and not specifiers:
            return [self.target]
        from pipx_parallel.targets.patches import parts_of  # few answers depend on it

        own_patch = self.target.python_full_version != (self.target.python_from or f"{series}0")
        return parts_of(self.rules, markers, specifiers, around=own_patch)

    def finish(self) -> Resolution:
        """Return the resolution; stores what was worked out of markers and tags."""
        began = time.perf_counter()
        mirror, solution = self.context.mirror, self.solution
        dump = self.rules.dump()
        if dump is not None:
            mirror.records.write_derived(self.rules.key, dump)
        mirror.report.warn_shadowed(sorted(solution.chosen))
        roots = self.inputs.roots
        pins = pins_of(solution, self.candidates, roots, self.inputs.constraints)
        counts, waited = mirror.report.counts(), self._waited
        stats = Stats(
            {"fill": waited, "solve": max(0.0, self._seconds - waited), "render": time.perf_counter() - began},
            {**counts, **solution.counts._asdict()},
            mirror.report.builds(),
            mirror.report.requests(),
        )
        named = {root.name for root in self.context.inputs.roots}
        unused = tuple(name for name in self.candidates.policy.unused if name not in named)
        relaxations = relaxations_of(solution, self.candidates)
        return Resolution(
            self.target, pins, edges_of(solution, roots), tuple(roots), self.missing, stats, relaxations,
            solution.optimal, unused,
        )  # fmt: skip


def searched(  # noqa: PLR0913 - what a search is given, once more where it is repeated
    candidates: Candidates,
    wanted: Sequence[Dependency],
    bounds: Sequence[Dependency],
    observer: SolverObserver | None = None,
    limits: SolverLimits | None = None,
    *,
    keeps_going: bool = False,
    thorough: bool = True,
) -> tuple[Solution | Impossible, Candidates]:
    """Solve; without a solution, solve again with what the first search leaves out. Also return the last candidates.

    ``thorough`` reads every source archive if there is no solution otherwise.

    Raises ``LimitReachedError``.
    """

    def search(candidates: Candidates) -> tuple[Solution | Impossible, Candidates]:
        from pipx_parallel.resolver.solver import solve  # a lock whose pins still fit needs no search

        while True:
            edges, later = edges_and_bounds(candidates, wanted, bounds)
            is_final = candidates.is_complete if thorough else lambda: True
            outcome = solve(candidates, edges, observer, limits, is_final, later)
            after_builds = candidates.after_builds(None if isinstance(outcome, Impossible) else outcome.chosen)
            if after_builds is None:
                return outcome, candidates
            candidates = after_builds

    if candidates.policy.keeps_pins:
        from pipx_parallel.resolution.kept_pins import kept_pins  # only if there is a lock

        if (answer := kept_pins(candidates, *edges_and_bounds(candidates, wanted, bounds))) is not None:
            return answer, candidates
    outcome, candidates = search(candidates)
    if not isinstance(outcome, Impossible):
        return outcome, candidates
    from pipx_parallel.resolution.repeated_search import LaterSearches  # only if the first search fails

    later = LaterSearches(wanted, bounds, search, observer, limits)
    return later.run(outcome, candidates, thorough=thorough, keeps_going=keeps_going)
