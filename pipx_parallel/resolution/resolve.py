"""Resolve inputs for targets from a mirror: the main use case."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mirror.records.dependency_sets import BASE
from mirror.records.model import admitted_by
from pipx_parallel.errors import Incomplete, NoSolution, Suggestions
from pipx_parallel.model import Resolution, Stats
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.explain import argue
from pipx_parallel.resolution.package_keys import is_extra, package_key
from pipx_parallel.resolution.pins import edges_of, pins_of, relaxations_of
from pipx_parallel.resolution.roots import candidates_for, candidates_of, for_target, memory_key, root_edges
from pipx_parallel.resolver.masks import release_of
from pipx_parallel.resolver.solver import Impossible, LimitReachedError, solve
from pipx_parallel.resolver.terms import Unusable
from pipx_parallel.targets.rules import TargetRules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mirror.records.model import Dependency, FetchFailure
    from mirror.session.mirror import Mirror
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.direct.collect import Directs
    from pipx_parallel.direct.steps import BuildContext
    from pipx_parallel.model import Inputs, Target
    from pipx_parallel.resolution.candidates import Candidates
    from pipx_parallel.resolution.explain import Explanation
    from pipx_parallel.resolver.ports import SolverObserver
    from pipx_parallel.resolver.solver import Solution


def resolve(  # noqa: PLR0913, PLR0917 - the use case: what, for whom, from where, how, and who watches and builds
    inputs: Inputs,
    targets: Sequence[Target],
    mirror: Mirror,
    settings: ResolveSettings,
    observer: SolverObserver | None = None,
    build_context: Callable[[Mirror], BuildContext] | None = None,
) -> tuple[Resolution, ...]:
    """Resolve the inputs for each target from what the mirror has or can fetch.

    Args:
        inputs: The requirements, constraints and overrides.
        targets: The targets; there is one resolution for each.
        mirror: The source of metadata.
        settings: The selection settings and limits.
        observer: Receives the progress of the solver.
        build_context: Creates the context for direct references; called only if there are any.

    Raises:
        NoSolution: There is no solution; the error has the explanation.
        Incomplete: Metadata is not available, with every failure; with ``settings.keep_going`` these are in
            ``Resolution.missing`` instead.
        RequirementsError: A requirement cannot be used.
    """
    last = len(targets) - 1
    directs = None
    if build_context is not None and any(root.url for root in (*inputs.roots, *inputs.constraints, *inputs.overrides)):
        from pipx_parallel.direct.collect import Directs  # few locks have direct references

        directs = Directs(mirror, build_context(mirror))
    return tuple(
        [
            _resolve_one(inputs, target, mirror, settings, observer, directs, settles=index == last)
            for index, target in enumerate(targets)
        ]
    )


def _resolve_one(  # noqa: PLR0913, PLR0917 - the use case's own parameters, for one target
    inputs: Inputs,
    target: Target,
    mirror: Mirror,
    settings: ResolveSettings,
    observer: SolverObserver | None,
    directs: Directs | None,
    *,
    settles: bool,
) -> Resolution:
    began = time.perf_counter()
    memory = memory_key(target)
    rules = TargetRules(target, mirror.records.read_derived(memory))
    named = {root.name for root in inputs.roots}
    inputs, lost = for_target(inputs, rules, directs)
    if lost and not settings.keep_going:
        raise Incomplete(lost, "\n".join(str(failure.error) for failure in lost))
    roots, constraints = inputs.roots, inputs.constraints
    try:
        outcome, candidates = _searched_on_all_indexes(inputs, rules, mirror, settings, observer)
    except LimitReachedError as error:
        raise NoSolution((str(error),)) from error
    missing = (*lost, *_missing(candidates, outcome))
    if missing and not settings.keep_going:
        raise Incomplete(missing, "\n".join(str(failure.error) for failure in missing))
    if isinstance(outcome, Impossible):
        argument = argue(outcome, candidates, roots, constraints)
        lines = (*argument.lines, *_build_log(outcome, candidates))
        is_printed = observer is not None and observer.explained(lines)
        offers = _offers(argument, inputs, target, mirror, settings)
        raise NoSolution(lines, offers, argument.to_json(), is_printed=is_printed)
    dump = rules.dump()
    if dump is not None:
        mirror.records.write_derived(memory, dump)
    solved = time.perf_counter()
    mirror.report.warn_shadowed(sorted(outcome.chosen))
    if settles:
        mirror.admin.seal()
    waited = mirror.report.counts()["waited_ms"] / 1000
    pins = pins_of(outcome, candidates, roots, constraints)
    stats = Stats(
        {"fill": waited, "solve": max(0.0, solved - began - waited), "render": time.perf_counter() - solved},
        {**mirror.report.counts(), **outcome.counts._asdict()},
        mirror.report.builds(),
        mirror.report.requests(),
    )
    relaxations = relaxations_of(outcome, candidates)
    edges, unused = edges_of(outcome, roots), tuple([name for name in candidates.policy.unused if name not in named])
    return Resolution(target, pins, edges, tuple(roots), missing, stats, relaxations, outcome.optimal, unused)


def _searched_on_all_indexes(
    inputs: Inputs, rules: TargetRules, mirror: Mirror, settings: ResolveSettings, observer: SolverObserver | None
) -> tuple[Solution | Impossible, Candidates]:
    """Search, and repeat the search while it meets pins that only a later index has.

    Raises ``LimitReachedError``.
    """
    candidates, wanted, bounds = candidates_of(inputs, inputs.roots, inputs.constraints, rules, mirror, settings)
    pinned = {name: [specifier.intervals for specifier in rows] for name, rows in candidates.facts.pinned.items()}
    mirror.admin.admit_pins(pinned)
    while True:
        if not settings.mirror.offline:
            from pipx_parallel.resolution.prefetch import Speculation  # offline there is nothing to fetch

            speculation = Speculation(mirror, candidates)
            mirror.listener = speculation
            speculation.ask(wanted)
        admits = admitted_by(wanted)
        mirror.want_projects(admits, admits)
        outcome, candidates = _searched(candidates, wanted, bounds, observer, keeps_going=settings.keep_going)
        if not mirror.admin.admit_pins(candidates.facts.met_pins):
            return outcome, candidates
        candidates, wanted, bounds = candidates_of(inputs, inputs.roots, inputs.constraints, rules, mirror, settings)


def _searched(  # noqa: PLR0913 - what a search is given; also for its repetition
    candidates: Candidates,
    wanted: Sequence[Dependency],
    bounds: Sequence[Dependency],
    observer: SolverObserver | None = None,
    *,
    keeps_going: bool = False,
    thorough: bool = True,
) -> tuple[Solution | Impossible, Candidates]:
    """Solve; without a solution, solve again with what the first search leaves out. Also return the last candidates.

    ``thorough`` reads every source archive if there is no solution otherwise.

    Raises ``LimitReachedError``.
    """

    def search(candidates: Candidates) -> tuple[Solution | Impossible, Candidates]:
        while True:
            edges = root_edges(candidates, wanted, bounds)
            outcome = solve(candidates, edges, observer, is_final=candidates.is_complete if thorough else lambda: True)
            after_builds = None if isinstance(outcome, Impossible) else candidates.after_builds(outcome.chosen)
            if after_builds is None:
                return outcome, candidates
            candidates = after_builds

    outcome, candidates = search(candidates)
    if isinstance(outcome, Impossible) and thorough and not _is_proven(outcome, candidates):
        outcome, candidates = search(candidates.in_mode(candidates.mode._replace(takes_all_archives=True)))
    if isinstance(outcome, Impossible):
        from pipx_parallel.resolution.prerelease_fallback import search_again  # only if the first search fails

        outcome, candidates = search_again(candidates, outcome, (*wanted, *bounds), search) or (outcome, candidates)
    if isinstance(outcome, Impossible) and keeps_going and candidates.met_failures():
        outcome, candidates = search(candidates.in_mode(candidates.mode._replace(collects_failures=True)))
    return outcome, candidates


def _is_proven(impossible: Impossible, candidates: Candidates) -> bool:
    """Return whether there is no solution either with the releases that a search left out.

    So it is if the proof is complete and rests on none of them.
    """
    from pipx_parallel.resolver.unsat_core import facts_of  # only without a solution

    left_out = candidates.archives.left_out
    if not left_out:
        return True
    return not impossible.proof.packages and not any(
        isinstance(fact.cause, Unusable) and fact.masks[0] & left_out.get(impossible.names[fact.packages[0]], 0)
        for fact in facts_of(impossible.proof)
    )


def _build_log(impossible: Impossible, candidates: Candidates) -> list[str]:
    """Return the end of the log of the newest failed build in the proof."""
    from pipx_parallel.resolver.unsat_core import facts_of  # only for an error

    failures = candidates.facts.archives.failures
    deciding = [
        (bit, failure)
        for fact in facts_of(impossible.proof) if failures
        for package, mask in zip(fact.packages[:1], fact.masks[:1], strict=True)
        for (name, bit), failure in failures.items()
        if name == impossible.names[package] and mask >> bit & 1
    ]  # fmt: skip
    if not deciding:
        return []
    failure = max(deciding, key=lambda row: row[0])[1]
    return [f"{failure.reason}{failure.where}", *[f"    {line}" for line in failure.log]]


def _offers(
    argument: Explanation, inputs: Inputs, target: Target, mirror: Mirror, settings: ResolveSettings
) -> Suggestions:
    """Return changes that lead to a solution."""
    seconds = settings.selection.suggest_seconds
    if not seconds:
        return Suggestions(())
    from pipx_parallel.resolution.deadline import Deadline, OutOfTimeError  # only if there is no solution
    from pipx_parallel.resolution.line_changes import Situation  # as above
    from pipx_parallel.resolution.suggestions import suggest  # as above

    def attempt(situation: Situation) -> Mapping[str, str] | None:
        """Return the versions in the solution of a changed situation, or None if there is none."""
        candidates, wanted, bounds = candidates_for(situation.inputs, situation.target, mirror, situation.settings)
        if deadline.passed():
            raise OutOfTimeError
        try:
            outcome, candidates = _searched(candidates, wanted, bounds, deadline, thorough=False)
        except LimitReachedError:
            return None
        if isinstance(outcome, Impossible) or _missing(candidates, outcome):
            return None
        chosen = {name: candidates.candidate(name) for name in outcome.chosen if not is_extra(name)}
        return {
            name: candidate.project.view.versions[release_of(outcome.chosen[name])]
            for name, candidate in chosen.items()
            if isinstance(candidate, Candidate)
        }

    deadline = Deadline(time.monotonic, time.monotonic() + seconds)
    mirror.listener = None
    mirror.records.disable_builds()
    return suggest(argument, Situation(inputs, target, settings), attempt)


def _missing(candidates: Candidates, outcome: Solution | Impossible) -> tuple[FetchFailure, ...]:
    """Return the holes that affect the outcome: projects that are not available, and chosen releases without metadata."""
    holes = sorted(candidates.holes.items(), key=lambda row: (row[0][0], row[0][1] or ""))
    return tuple([failure for (name, release), failure in holes if _concerns(candidates, outcome, name, release)])


def _concerns(candidates: Candidates, outcome: Solution | Impossible, name: str, release: str | None) -> bool:
    """Return whether a hole affects the outcome: a chosen release, or a dependency of one. Without a solution all do."""
    if isinstance(outcome, Impossible):
        return True
    if release is None:
        return any(
            not package
            or (outcome.chosen.get(package) == bit and (extra == BASE or package_key(package, extra) in outcome.chosen))
            for package, bit, extra in candidates.lacking[name]
        )
    bit, candidate = outcome.chosen.get(name), candidates.candidate(name)
    return (
        bit is not None
        and isinstance(candidate, Candidate)
        and candidate.project.view.versions[release_of(bit)] == release
    )
