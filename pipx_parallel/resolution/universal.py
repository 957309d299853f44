"""One answer for many targets: the same release everywhere if one exists, otherwise as few different releases as possible.

Targets are resolved in turn, the oldest Python first, and each takes the releases that were chosen before wherever they fit and
need not be built here while a newer one has a wheel. If a project then has several releases, ``same_releases`` looks for an
answer with fewer. With ``--fork newest`` every target has its own best answer instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.locks.target_markers import python_range
from pipx_parallel.resolution.same_releases import unify
from pipx_parallel.resolution.shared_choices import SharedChoices
from pipx_parallel.resolution.target_search import TargetSearch
from pipx_parallel.resolver.outcome import Impossible
from pipx_parallel.targets.patches import with_range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pipx_parallel.errors import NoSolution
    from pipx_parallel.model import Target
    from pipx_parallel.resolution.target_search import SearchContext


def search_all(
    context: SearchContext,
    targets: Sequence[Target],
    failed: Callable[[TargetSearch, Impossible], NoSolution],
    first: TargetSearch | None = None,
) -> list[TargetSearch]:
    """Return a search with its answer for every target, in their order; a target that has to be cut has several.

    ``failed`` makes the error of a target that has no answer; ``first`` is the search of the only target, with its answer.
    Raises what ``failed`` returns, and what searches raise.
    """
    order = sorted(range(len(targets)), key=lambda number: (python_range(targets[number]), number))
    joint = _Joint(context, failed)
    made: dict[int, list[TargetSearch]] = {}
    joint.follow([targets[number] for number in order])
    for number in order:
        made[number] = joint.search(targets[number], first)
        if number == order[0]:
            joint.look_ahead([targets[later] for later in order[1:]])
    if len(joint.searches) > 1:
        unify(joint.context, joint.searches, joint.earlier, agrees=joint.agrees)
    return [search for number in range(len(targets)) for search in made[number]]


class _Joint:
    """The searches of one lock."""

    def __init__(self, context: SearchContext, failed: Callable[[TargetSearch, Impossible], NoSolution]) -> None:
        self.shared = context.shared or SharedChoices()
        self.context = context._replace(shared=self.shared)
        self.failed = failed
        self.searches: list[TargetSearch] = []
        self.earlier = self.shared.pins  # of other extras and groups
        self.pins = {name: dict.fromkeys(versions) for name, versions in self.earlier.items()}  # as ordered sets
        self.agrees = context.settings.selection.fork != "newest"
        self._offline = context.settings.mirror.offline
        self._followers: list[TargetSearch] = []  # of the search for the first target
        self._prepared: dict[int, TargetSearch] = {}  # by the identity of the target

    def search(self, target: Target, first: TargetSearch | None = None) -> list[TargetSearch]:
        """Return the searches for a target: one for each part of its patch releases that has an answer of its own."""
        made: list[TargetSearch] = []
        pending = [target]
        while pending:
            part = pending.pop(0)
            search = first if first is not None and not made else self._answered(part)
            parts = search.parts()
            search.target = parts[0]
            pending = [*parts[1:], *pending]
            made.append(search)
            self._share(search)
        made = _joined(target, made)
        self.searches += made
        return made

    def _answered(self, target: Target) -> TargetSearch:
        search = self._prepared.pop(id(target), None) or TargetSearch(self.context, target)
        if self.pins and search.take_first_choices():
            return search
        search.followers, self._followers = self._followers, []
        answer = search.solve()
        if isinstance(answer, Impossible):
            raise self.failed(search, answer)
        return search

    def _share(self, search: TargetSearch) -> None:
        """Pass the chosen releases on to the searches that follow."""
        for name, version in search.versions().items():
            self.pins.setdefault(name, {})[version] = None
        if self.agrees:
            self.shared.pins = self.pins

    def follow(self, targets: Sequence[Target]) -> None:
        """Let the search for the first target also request what one target of each other platform needs."""
        if not self._offline:
            _, *others = _one_of_each(targets, _platform)
            self._followers = [self._prepare(target) for target in others]

    def look_ahead(self, targets: Sequence[Target]) -> None:
        """Request what targets will need if they take the releases chosen so far, all at once; wait for nothing."""
        if targets and not self._offline:
            from pipx_parallel.resolution.prefetch import look_ahead, request_chosen  # offline nothing is fetched

            first, python = self.searches[0], _python(self.searches[0].target)
            searches = [self._prepare(target) for target in _one_of_each(targets, _platform, _python)]
            for search in searches:
                request_chosen(first.solution.chosen, first.candidates, search.candidates)
            # What those with the same Python need beyond that was requested with what the first one needs.
            others = [search.scope({}) for search in searches if _python(search.target) != python]
            look_ahead(self.context.mirror, others)

    def _prepare(self, target: Target) -> TargetSearch:
        search = self._prepared.get(id(target))
        if search is None:
            search = self._prepared[id(target)] = TargetSearch(self.context, target)
        return search


def _one_of_each(targets: Iterable[Target], *qualities: Callable[[Target], str]) -> Iterator[Target]:
    """Yield a target for each value of each quality: what the others need is what one of these needs."""
    seen: set[str] = set()
    for target in targets:
        values = {quality(target) for quality in qualities} - seen
        if values:
            seen |= values
            yield target


def _platform(target: Target) -> str:
    return " ".join(target.label.split()[2:])


def _python(target: Target) -> str:
    return target.markers["python_version"]


def _joined(target: Target, searches: list[TargetSearch]) -> list[TargetSearch]:
    """Return the searches with neighbours as one if they have the same answer."""
    joined = searches[:1]
    for search in searches[1:]:
        last = joined[-1]
        if search.versions() == last.versions() and _edges(search) == _edges(last):
            first, until = last.target.python_from, search.target.python_until
            whole = (first, until) == (target.python_from, target.python_until)
            last.target = target if whole else with_range(last.target, first, until)
        else:
            joined.append(search)
    return joined


def _edges(search: TargetSearch) -> set[tuple[object, ...]]:
    """Return who needs what in an answer, as written."""
    return {(parent, switch, edge.package, edge.key) for parent, switch, edge in search.solution.dependencies}
