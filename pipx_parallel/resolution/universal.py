"""One answer for many targets: the same release everywhere if one exists, otherwise as few different releases as possible.

Targets are resolved in turn, the oldest Python first, and each takes the releases that were chosen before wherever they fit and
need not be built here while a newer one has a wheel. If a project then has several releases, ``same_releases`` looks for an
answer with fewer. With ``--fork newest`` every target has its own best answer instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from pipx_parallel.locks.target_markers import python_range
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.same_releases import unify
from pipx_parallel.resolution.shared_choices import SharedChoices
from pipx_parallel.resolution.target_search import TargetSearch
from pipx_parallel.resolver.solver import Impossible
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
    for number in order:
        made[number] = joint.search(targets[number], first)
        if number == order[0] and len(order) > 1 and not context.settings.mirror.offline:
            joint.ask_ahead(made[number][-1], [targets[later] for later in order[1:]])
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

    def ask_ahead(self, first: TargetSearch, targets: Iterable[Target]) -> None:
        """Ask for what the other targets are likely to need, all at once, and wait for nothing."""
        mirror = self.context.mirror
        names: dict[str, None] = {}
        self._prepared = {id(target): TargetSearch(self.context, target) for target in _one_of_each_platform(targets)}
        for candidate, release, dependency_set, extra in first.dependency_sets():
            name = candidate.project.view.name
            for search in self._prepared.values():
                own = search.candidates.candidate(name)
                try:
                    names.update(dict.fromkeys(row.name for row in search.candidates.active(dependency_set, extra)))
                    file_kind = own.file_kind_of(release) if isinstance(own, Candidate) else None
                except MirrorError:
                    continue  # met, and reported, where the target is resolved
                if isinstance(own, Candidate) and file_kind is not None and own.has_wheel(release):
                    mirror.want_dependencies(own.project, release, own.metadata_kind(release, file_kind))
        mirror.want_projects(names)


def _one_of_each_platform(targets: Iterable[Target]) -> Iterator[Target]:
    """Yield a target for each platform and each Python: what the others need is what one of these needs."""
    seen: set[str] = set()
    for target in targets:
        platform = " ".join(target.label.split()[2:])
        fresh = {platform, target.markers["python_version"]} - seen
        if fresh:
            seen |= fresh
            yield target


def _joined(target: Target, searches: list[TargetSearch]) -> list[TargetSearch]:
    """Return the searches with neighbours as one if they have the same answer."""
    joined = searches[:1]
    for search in searches[1:]:
        last = joined[-1]
        if search.versions() == last.versions() and set(search.solution.dependencies) == set(
            last.solution.dependencies
        ):
            first, until = last.target.python_from, search.target.python_until
            whole = (first, until) == (target.python_from, target.python_until)
            last.target = target if whole else with_range(last.target, first, until)
        else:
            joined.append(search)
    return joined
