"""Resolve inputs for targets from a mirror: the main use case."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from mirror.limits import DeadlineError
from pipx_parallel.errors import NoSolution, Suggestions
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.explain import argue
from pipx_parallel.resolution.package_keys import is_extra
from pipx_parallel.resolution.pins import missing_of
from pipx_parallel.resolution.roots import candidates_for
from pipx_parallel.resolution.target_search import SearchContext, TargetSearch, searched
from pipx_parallel.resolver.masks import release_of
from pipx_parallel.resolver.outcome import Impossible, LimitReachedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mirror.session.mirror import Mirror
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.direct.steps import BuildContext
    from pipx_parallel.locks.parts import Fork
    from pipx_parallel.model import Inputs, Resolution, Target
    from pipx_parallel.resolution.candidates import Candidates
    from pipx_parallel.resolution.explain import Explanation
    from pipx_parallel.resolver.ports import SolverObserver

_LEFT_TO_STORE = 0.1  # share of the time for suggestions that is kept for storing what was fetched meanwhile


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
        targets: The targets; there is one resolution for each, and for each set of conflicting extras and groups.
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
    directs = None
    if build_context is not None and any(root.url for root in (*inputs.roots, *inputs.constraints, *inputs.overrides)):
        from pipx_parallel.direct.collect import Directs  # few locks have direct references

        directs = Directs(mirror, build_context(mirror))
    context = SearchContext(inputs, mirror, settings, observer, directs)
    if inputs.parts is not None or settings.selection.preferred_by_marker:
        from pipx_parallel.resolution.forks import contexts_of  # only with extras, groups or many targets

        contexts = contexts_of(context)
        if len(contexts) > 1:
            return _resolve_forks(contexts, targets)
        context = contexts[()]
    first: TargetSearch | None = None
    if len(targets) == 1:
        first = _search_one(context, targets[0])
        if _is_one_part(first):
            mirror.admin.seal()
            return _admitted((first.finish(),), context)
    from pipx_parallel.resolution.split_reasons import split_reasons, with_reasons  # here and below: many targets only
    from pipx_parallel.resolution.universal import search_all

    searches = search_all(context, targets, partial(_no_solution, count=len(targets)), first)
    apart = split_reasons(searches)
    mirror.admin.seal()
    return _admitted(with_reasons([search.finish() for search in searches], apart), context)


def _admitted(resolutions: tuple[Resolution, ...], context: SearchContext) -> tuple[Resolution, ...]:
    """Return the resolutions, with licences if the policy checks them. Raises ``NoSolution`` for one that it refuses."""
    policy = context.settings.policy
    if policy is None or not policy.checks_licences:
        return resolutions
    from pipx_parallel.resolution.licences import refuse_licences, with_licences  # few policies check licences

    licensed = with_licences(resolutions, context.mirror)
    refuse_licences(licensed, policy, context.settings.now)
    return licensed


def _resolve_forks(contexts: Mapping[Fork, SearchContext], targets: Sequence[Target]) -> tuple[Resolution, ...]:
    """Resolve for each set of conflicting parts; each takes the releases that were chosen before wherever they fit."""
    from pipx_parallel.resolution.split_reasons import split_reasons, with_reasons  # here and below: as above
    from pipx_parallel.resolution.universal import search_all

    searches: dict[Fork, list[TargetSearch]] = {}
    pins: dict[str, dict[str, None]] = {}  # those of the first set are preferred
    for fork, context in contexts.items():
        searches[fork] = search_all(context, targets, partial(_no_solution, count=len(targets), fork=fork))
        for search in searches[fork]:
            for name, version in search.versions().items():
                pins.setdefault(name, {})[version] = None
        if context.shared is not None and context.settings.selection.fork != "newest":
            context.shared.pins = {name: tuple(versions) for name, versions in pins.items()}
    apart = {fork: split_reasons(rows) for fork, rows in searches.items()}
    context = contexts[()]
    context.mirror.admin.seal()
    resolutions = tuple(
        resolution._replace(fork=fork)
        for fork, rows in searches.items()
        for resolution in with_reasons([search.finish() for search in rows], apart[fork])
    )
    return _admitted(resolutions, context)


def _search_one(context: SearchContext, target: Target) -> TargetSearch:
    search = TargetSearch(context, target)
    answer = search.solve()
    if isinstance(answer, Impossible):
        raise _no_solution(search, answer, 1)
    return search


def _is_one_part(search: TargetSearch) -> bool:
    """Return whether the answer holds for one range of the patch releases around the target's; the target becomes that range."""
    parts = search.parts()
    if len(parts) > 1:
        return False
    search.target = parts[0]
    return True


def _no_solution(search: TargetSearch, impossible: Impossible, count: int, fork: Fork = ()) -> NoSolution:
    """Return the error that says why there is no answer for a target, with changes that were tried."""
    context, candidates = search.context, search.candidates
    argument = argue(impossible, candidates, search.inputs.roots, search.inputs.constraints)
    lines = (*argument.lines, *_build_log(impossible, candidates))
    where = f"for {search.target.label}" if count > 1 else ""
    if fork:
        where += f"{', ' if where else ''}with {' and '.join(map(str, fork))}"
    if where:
        lines = (f"{where}:", *lines)
    is_printed = context.observer is not None and context.observer.explained(lines)
    offers = _offers(argument, search)
    return NoSolution(lines, offers, argument.to_json(), is_printed=is_printed)


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


def _offers(argument: Explanation, search: TargetSearch) -> Suggestions:
    """Return changes that lead to a solution."""
    mirror, settings = search.context.mirror, search.context.settings
    seconds = settings.selection.suggest_seconds
    if not seconds:
        return Suggestions(())
    from pipx_parallel.resolution.deadline import Deadline, OutOfTimeError  # only if there is no solution
    from pipx_parallel.resolution.line_changes import Situation  # as above
    from pipx_parallel.resolution.suggestions import suggest  # as above

    def attempt(situation: Situation, deadline: Deadline) -> Mapping[str, str] | None:
        """Return the versions in the solution of a changed situation, or None if there is none."""
        try:
            candidates, wanted, bounds = candidates_for(
                situation.inputs, situation.target, mirror, situation.settings, search.directs
            )
            deadline.check()
            outcome, candidates = searched(candidates, wanted, bounds, deadline, thorough=False)
        except LimitReachedError:
            return None
        except DeadlineError as error:
            raise OutOfTimeError from error
        if isinstance(outcome, Impossible) or missing_of(candidates, outcome):
            return None
        chosen = {name: candidates.candidate(name) for name in outcome.chosen if not is_extra(name)}
        return {
            name: candidate.project.view.versions[release_of(outcome.chosen[name])]
            for name, candidate in chosen.items()
            if isinstance(candidate, Candidate)
        }

    end = time.monotonic() + (1 - _LEFT_TO_STORE) * seconds
    deadline = Deadline(time.monotonic, end)
    mirror.listener = None
    mirror.records.end_at(end)
    return suggest(argument, Situation(search.inputs, search.target, settings), attempt, deadline)
