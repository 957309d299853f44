"""The use case: inputs, targets and a mirror in, one resolution a target out."""

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
    """Resolve the inputs for each target from what the mirror knows or can learn.

    ``build_context`` gives what direct references need of the world; it is asked only where there are some.

    Raises ``NoSolution`` with the argument, ``Incomplete`` with every failure unless ``settings.keep_going`` (then they
    are in ``Resolution.missing``), ``RequirementsError`` for what cannot be honoured.
    """
    last = len(targets) - 1
    directs = None
    if build_context is not None and any(root.url for root in (*inputs.roots, *inputs.constraints, *inputs.overrides)):
        from pipx_parallel.direct.collect import Directs  # few locks have direct references

        directs = Directs(mirror, build_context(mirror))
    return tuple(
        [
            _resolve_one(inputs, target, mirror, settings, observer, directs, settles=place == last)
            for place, target in enumerate(targets)
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
        answer, candidates = _searched_on_all_indexes(inputs, rules, mirror, settings, observer)
    except LimitReachedError as error:
        raise NoSolution((str(error),)) from error
    missing = (*lost, *_missing(candidates, answer))
    if missing and not settings.keep_going:
        raise Incomplete(missing, "\n".join(str(failure.error) for failure in missing))
    if isinstance(answer, Impossible):
        argument = argue(answer, candidates, roots, constraints)
        lines = (*argument.lines, *_build_log(answer, candidates))
        is_told = observer is not None and observer.explained(lines)
        offers = _offers(argument, inputs, target, mirror, settings)
        raise NoSolution(lines, offers, argument.to_json(), is_told=is_told)
    dump = rules.dump()
    if dump is not None:
        mirror.records.write_derived(memory, dump)
    solved = time.perf_counter()
    mirror.report.warn_shadowed(sorted(answer.chosen))
    if settles:
        mirror.admin.seal()
    waited = mirror.report.counts()["waited_ms"] / 1000
    pins = pins_of(answer, candidates, roots, constraints)
    stats = Stats(
        {"fill": waited, "solve": max(0.0, solved - began - waited), "render": time.perf_counter() - solved},
        {**mirror.report.counts(), **answer.counts._asdict()},
        mirror.report.builds(),
        mirror.report.requests(),
    )
    relaxations = relaxations_of(answer, candidates)
    edges, unused = edges_of(answer, roots), tuple([name for name in candidates.policy.unused if name not in named])
    return Resolution(target, pins, edges, tuple(roots), missing, stats, relaxations, answer.optimal, unused)


def _searched_on_all_indexes(
    inputs: Inputs, rules: TargetRules, mirror: Mirror, settings: ResolveSettings, observer: SolverObserver | None
) -> tuple[Solution | Impossible, Candidates]:
    """Search, and again as long as a pin that was met on the way is found on a later index only.

    Raises ``LimitReachedError``.
    """
    candidates, wanted, bounds = candidates_of(inputs, inputs.roots, inputs.constraints, rules, mirror, settings)
    pinned = {name: [one.intervals for one in rows] for name, rows in candidates.facts.pinned.items()}
    mirror.admin.admit_pins(pinned)
    while True:
        if not settings.mirror.offline:
            from pipx_parallel.resolution.prefetch import Speculation  # offline there is nothing to fetch

            speculation = Speculation(mirror, candidates)
            mirror.listener = speculation
            speculation.ask(wanted)
        admits = admitted_by(wanted)
        mirror.want_projects(admits, admits)
        answer, candidates = _searched(candidates, wanted, bounds, observer, keeps_going=settings.keep_going)
        if not mirror.admin.admit_pins(candidates.facts.met_pins):
            return answer, candidates
        candidates, wanted, bounds = candidates_of(inputs, inputs.roots, inputs.constraints, rules, mirror, settings)


def _searched(  # noqa: PLR0913 - what a search is given, once more where it is repeated
    candidates: Candidates,
    wanted: Sequence[Dependency],
    bounds: Sequence[Dependency],
    observer: SolverObserver | None = None,
    *,
    keeps_going: bool = False,
    thorough: bool = True,
) -> tuple[Solution | Impossible, Candidates]:
    """Solve, and if that fails, again with what a first search leaves out; return the candidates of the last search too.

    ``thorough`` looks into every source archive before giving up.

    Raises ``LimitReachedError``.
    """

    def search(candidates: Candidates) -> tuple[Solution | Impossible, Candidates]:
        while True:
            edges = root_edges(candidates, wanted, bounds)
            answer = solve(candidates, edges, observer, is_final=candidates.is_complete if thorough else lambda: True)
            after_builds = None if isinstance(answer, Impossible) else candidates.after_builds(answer.chosen)
            if after_builds is None:
                return answer, candidates
            candidates = after_builds

    answer, candidates = search(candidates)
    if isinstance(answer, Impossible) and thorough and not candidates.is_complete():
        answer, candidates = search(candidates.in_mode(candidates.mode._replace(takes_all_archives=True)))
    if isinstance(answer, Impossible):
        from pipx_parallel.resolution.prerelease_fallback import search_again  # only where a first search fails

        answer, candidates = search_again(candidates, answer, (*wanted, *bounds), search) or (answer, candidates)
    if isinstance(answer, Impossible) and keeps_going and candidates.met_failures():
        answer, candidates = search(candidates.in_mode(candidates.mode._replace(collects_failures=True)))
    return answer, candidates


def _build_log(impossible: Impossible, candidates: Candidates) -> list[str]:
    """Return the end of the log of the newest failed build that an argument rests on."""
    from pipx_parallel.resolver.unsat_core import facts_of  # only on the way to an error

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
    """Return what could be changed, each tried."""
    seconds = settings.selection.suggest_seconds
    if not seconds:
        return Suggestions(())
    from pipx_parallel.resolution.deadline import Deadline, OutOfTimeError  # only if there is no answer
    from pipx_parallel.resolution.line_changes import Situation  # only where there is no answer
    from pipx_parallel.resolution.suggestions import suggest  # only where there is no answer

    def attempt(situation: Situation) -> Mapping[str, str] | None:
        """Return the versions that a changed situation leads to, or None where it leads to none."""
        candidates, wanted, bounds = candidates_for(situation.inputs, situation.target, mirror, situation.settings)
        if deadline.passed():
            raise OutOfTimeError
        try:
            answer, candidates = _searched(candidates, wanted, bounds, deadline, thorough=False)
        except LimitReachedError:
            return None
        if isinstance(answer, Impossible) or _missing(candidates, answer):
            return None
        found = {name: candidates.candidate(name) for name in answer.chosen if not is_extra(name)}
        return {
            name: one.project.view.versions[release_of(answer.chosen[name])]
            for name, one in found.items()
            if isinstance(one, Candidate)
        }

    deadline = Deadline(time.monotonic, time.monotonic() + seconds)
    mirror.listener = None
    mirror.records.disable_builds()
    return suggest(argument, Situation(inputs, target, settings), attempt)


def _missing(candidates: Candidates, answer: Solution | Impossible) -> tuple[FetchFailure, ...]:
    """Return the holes that concern the answer: projects not had, and chosen releases whose needs are not known."""
    holes = sorted(candidates.holes.items(), key=lambda row: (row[0][0], row[0][1] or ""))
    return tuple([failure for (name, release), failure in holes if _concerns(candidates, answer, name, release)])


def _concerns(candidates: Candidates, answer: Solution | Impossible, name: str, release: str | None) -> bool:
    """Return whether a hole is one of the answer: of a release that was chosen, or needed by one. Of no answer all are."""
    if isinstance(answer, Impossible):
        return True
    if release is None:
        return any(
            not package
            or (answer.chosen.get(package) == bit and (extra == BASE or package_key(package, extra) in answer.chosen))
            for package, bit, extra in candidates.lacking[name]
        )
    bit, candidate = answer.chosen.get(name), candidates.candidate(name)
    return (
        bit is not None
        and isinstance(candidate, Candidate)
        and candidate.project.view.versions[release_of(bit)] == release
    )
