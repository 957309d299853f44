"""Suggest changes that lead to a solution; each is tried before it is offered.

Changes are derived only from the facts of the proof. They are tried in a fixed order, the smallest first, up to a number of
attempts, within a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mirror.limits import DeadlineError
from mirror.records.version_keys import compile_specifier
from pipx_parallel.errors import Suggestions
from pipx_parallel.model import Offer, Origin, RootRequirement
from pipx_parallel.resolution import line_changes
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.deadline import Deadline, OutOfTimeError
from pipx_parallel.resolution.explain import MOST_LINES
from pipx_parallel.resolution.line_changes import Change, Situation
from pipx_parallel.resolution.package_keys import is_extra
from pipx_parallel.resolution.wording import written
from pipx_parallel.resolver.masks import bits_of, mask_of, release_of
from pipx_parallel.resolver.terms import Dependency, Unusable
from pipx_parallel.targets.rules import TargetRules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pipx_parallel.model import Target
    from pipx_parallel.resolution.explain import Explanation

MOST_ATTEMPTS = 12
MOST_OFFERS = 3
_PART, _LATER_PART = 0.3, 0.5  # of the time that is left, for one change: at first, and when it is tried again
_PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
_ALL = ":all:"
_SDIST_RANK = 1 << 30  # below every wheel
_MOST_LOOKED_AT = 200  # releases of a project that are checked, newest first


def suggest(
    argument: Explanation,
    situation: Situation,
    attempt: Callable[[Situation, Deadline], Mapping[str, str] | None],
    deadline: Deadline,
) -> Suggestions:
    """Return changes that lead to a solution, the smallest first.

    Every change gets a part of the time, so that one hard search does not use up all of it. Those that were not decided in theirs
    are tried again with what is left: what was fetched meanwhile is not fetched again.

    Args:
        argument: The proof.
        situation: What has no solution.
        attempt: Returns the versions in the solution of a situation, or None. Raises ``OutOfTimeError`` after its deadline.
        deadline: Ends all.
    """
    trials = _Trials(attempt, max(1, min(MOST_OFFERS, MOST_LINES - len(argument.lines))))
    for change in trials.in_time(_changes(argument, situation)):
        if (trials.late and deadline.passed()) or len(trials.offers) == trials.most or trials.count == MOST_ATTEMPTS:
            break
        trials.run(change, deadline.part(_PART))
    while trials.late and not deadline.passed():
        late, trials.late = trials.late, []
        for number, change in late:
            trials.run(change, deadline if len(late) == 1 else deadline.part(_LATER_PART), number)
    offers = tuple([trials.offers[number] for number in sorted(trials.offers)[: trials.most]])
    if not (trials.late or trials.is_cut) or len(offers) == trials.most:
        return Suggestions(offers)
    seconds = situation.settings.selection.suggest_seconds
    return Suggestions(offers, f"not every change was tried within {seconds:g} s (--suggest-seconds)")


class _Trials:
    """The changes that were tried."""

    def __init__(self, attempt: Callable[[Situation, Deadline], Mapping[str, str] | None], most: int) -> None:
        self._attempt = attempt
        self.most = most
        self.offers: dict[int, Offer] = {}  # by the number of the change
        self.late: list[tuple[int, Change]] = []  # not decided in their time
        self.is_cut = False  # whether the time ended before the last change was known
        self._tried: set[str] = set()
        self._done: dict[str, int] = {}  # number by group

    @property
    def count(self) -> int:
        """Return how many changes were tried."""
        return len(self._tried)

    def in_time(self, changes: Iterator[Change]) -> Iterator[Change]:
        """Yield changes until the time ends while one is worked out: what it needs may have to be fetched."""
        try:
            yield from changes
        except DeadlineError:
            self.is_cut = True

    def run(self, change: Change, deadline: Deadline, number: int | None = None) -> None:
        """Try a change; ``number`` is that of a late one, which takes the place of a later one of its group."""
        if number is None and (change.group in self._done or change.offer.text in self._tried):
            return
        self._tried.add(change.offer.text)
        number = len(self._tried) if number is None else number
        if deadline.passed():
            self.late.append((number, change))
            return
        try:
            versions = self._attempt(change.situation, deadline)
            if versions is not None and any(self._attempt(other, deadline) is None for other in change.others):
                versions = None
        except OutOfTimeError:
            self.late.append((number, change))
            return
        if versions is not None:
            gives = f" (resolves to {change.shows} {versions[change.shows]})" if change.shows in versions else ""
            self.offers.pop(self._done.get(change.group, 0), None)
            self.offers[number] = change.offer._replace(text=change.offer.text + gives)
            if change.group:
                self._done[change.group] = number


def _changes(argument: Explanation, situation: Situation) -> Iterator[Change]:
    """Yield changes, smallest first."""
    lines = [argument.wording.line(label) for label in argument.labels]
    yield from line_changes.without_hashes(lines, situation)
    yield from line_changes.without_torn_parts(lines, situation)
    yield from line_changes.declared_conflicts(lines, situation)
    yield from line_changes.pins_of_yanked(argument, situation)
    yield from line_changes.relaxed(lines, situation)
    yield from _files(argument, situation)
    yield from _prereleases(argument, situation)
    yield from _later(argument, situation)
    yield from _other_pythons(argument, situation)
    yield from line_changes.without_extras(lines, situation)
    yield from _overrides(argument, situation)
    yield from line_changes.without(lines, situation)


def _selecting(situation: Situation, **changes: Any) -> Situation:
    """Return the situation with other selection settings."""
    settings = situation.settings
    return situation._replace(settings=settings._replace(selection=settings.selection._replace(**changes)))


def _files(argument: Explanation, situation: Situation) -> Iterator[Change]:
    """Yield changes that allow the files that --only-binary or --no-binary refuse."""
    selection = situation.settings.selection
    for name in _projects(argument):
        if _ALL in selection.only_binary or name in selection.only_binary:
            if _ALL in selection.only_binary:
                offer = Offer(
                    "flag", f"--no-binary {name}, which allows its source archive", after=f"--no-binary {name}"
                )
                changed = _selecting(situation, no_binary=(*selection.no_binary, name))
            else:
                offer = Offer("no-flag", f"leave out --only-binary {name}", before=f"--only-binary {name}")
                changed = _selecting(situation, only_binary=_less(selection.only_binary, name))
            yield Change(offer, changed, name)
        if name in selection.no_binary or _ALL in selection.no_binary:
            flag = f"--no-binary {_ALL if _ALL in selection.no_binary else name}"
            changed = _selecting(situation, no_binary=_less(selection.no_binary, name))
            yield Change(Offer("no-flag", f"leave out {flag}", before=flag), changed, name)


def _prereleases(argument: Explanation, situation: Situation) -> Iterator[Change]:
    """Yield changes that allow the pre-releases of a project in the proof."""
    selection = situation.settings.selection
    for name in _projects(argument):
        candidate = argument.wording.candidates.candidate(name)
        if not isinstance(candidate, Candidate) or not candidate.project.view.prereleases:
            continue
        if name in selection.only_final or _ALL in selection.only_final:
            flag = f"--only-final {_ALL if _ALL in selection.only_final else name}"
            changed = _selecting(situation, only_final=_less(selection.only_final, name))
            offer = Offer("no-flag", f"leave out {flag}, which allows pre-releases", before=flag)
            yield Change(offer, changed, name)
        elif not selection.pre:
            offer = Offer(
                "flag", f"--all-releases {name}, which allows its pre-releases", after=f"--all-releases {name}"
            )
            changed = _selecting(situation, all_releases=(*selection.all_releases, name))
            yield Change(offer, changed, name)


def _later(argument: Explanation, situation: Situation) -> Iterator[Change]:
    """Yield changes that exempt a project from the cutoff."""
    selection = situation.settings.selection
    if selection.uploaded_prior_to is None:
        return
    for name in _projects(argument):
        flag = f"--uploaded-prior-to-package {name}=off"
        changed = _selecting(situation, uploaded_prior_to_packages={**selection.uploaded_prior_to_packages, name: None})
        offer = Offer("flag", f"{flag}, which excepts it from the cutoff", after=flag)
        yield Change(offer, changed, name)


def _other_pythons(argument: Explanation, situation: Situation) -> Iterator[Change]:
    """Yield other Pythons, the nearest newer one first, if Requires-Python or wheel tags are in the proof."""
    unfit = list(_unfit(argument))
    if not unfit:
        return
    from pipx_parallel.targets.requests import requested_targets  # 50 ms, only for an error

    asked = situation.settings.target
    if asked.targets or asked.universal or len(asked.python_versions) > 1 or len(asked.platforms) > 1:
        return  # another Python would replace all of them
    now = _PYTHONS.index(mine) if (mine := situation.target.markers["python_version"]) in _PYTHONS else len(_PYTHONS)
    for version in (*_PYTHONS[now + 1 :], *reversed(_PYTHONS[:now])):
        target = requested_targets(asked._replace(python_versions=(version,)))[0]
        if not _opens(unfit, target):
            continue
        flag = f"--python-version {version}"
        yield Change(Offer("flag", flag, after=flag), situation._replace(target=target), group="python")


def _unfit(argument: Explanation) -> Iterator[tuple[Candidate, int]]:
    """Yield the releases (bits) of the proof that this target cannot install, the newest first."""
    candidates = argument.wording.candidates
    for used in argument.facts:
        name, mask = used.child, 0
        if isinstance(used.cause, Unusable):
            name, mask = used.cause.package, used.releases
        candidate = candidates.candidate(name) if not is_extra(name) else None
        if not isinstance(candidate, Candidate):
            continue
        view = candidate.project.view
        if not isinstance(used.cause, Unusable):
            edge = used.cause.edges[0] if isinstance(used.cause, Dependency) else used.cause.edge
            mask = mask_of(view.keys, compile_specifier(written(edge)[1]).intervals) & ~used.allowed
        for bit in reversed([*bits_of(mask)][-_MOST_LOOKED_AT:]):
            if release_of(bit) >= view.classified and candidate.file_kind_of(release_of(bit)) is None:
                yield candidate, bit


def _opens(unfit: Sequence[tuple[Candidate, int]], target: Target) -> bool:
    """Return whether a target could install one of these releases."""
    rules = TargetRules(target)
    for candidate, bit in unfit:
        view = candidate.project.view
        file_kinds = [view.file_kinds[number] for number in view.kind_set_of(release_of(bit))]
        if any(rank is not None for rank in rules.ranks_of(file_kinds, _SDIST_RANK, wheels=True)):
            return True
    return False


def _overrides(argument: Explanation, situation: Situation) -> Iterator[Change]:
    """Yield overrides, each with the requirement of one package in the proof."""
    dependencies = [used.cause for used in argument.facts if isinstance(used.cause, Dependency) and not used.others]
    for cause in reversed(dependencies):
        edge = cause.edges[0]
        name, specifier = written(edge)
        if is_extra(name) or not edge.mask or not specifier:
            continue
        text = f"{name}{specifier}"
        row = RootRequirement(name, (), specifier, None, None, (), Origin("--override"), text)
        offer = Offer("flag", f'--override "{text}", against what others ask for', after=f"--override {text}")
        changed = situation.inputs._replace(overrides=(*situation.inputs.overrides, row))
        yield Change(offer, situation._replace(inputs=changed), name, "override")


def _less(names: Sequence[str], name: str) -> tuple[str, ...]:
    return () if _ALL in names else tuple(other for other in names if other != name)


def _projects(argument: Explanation) -> list[str]:
    """Return the projects of the proof: first those without an allowed release, then the others."""
    wrong: dict[str, None] = {}
    rest: dict[str, None] = {}
    for used in argument.facts:
        cause = used.cause
        names = [cause.package] if isinstance(cause, Unusable) else [used.child]
        (rest if used.allowed else wrong).update(dict.fromkeys(name for name in names if not is_extra(name)))
    return list({**wrong, **rest})
