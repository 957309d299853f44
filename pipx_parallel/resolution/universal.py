"""One answer for many targets: the same release everywhere if one exists, otherwise as few different releases as possible.

The rule: targets are resolved in turn, the oldest Python first, and each takes the releases that were chosen before wherever
they fit and need not be built here while a newer one has a wheel. A project that then has several releases gets, if possible,
one that every target which has the project accepts, tried from the newest; the attempt counts if the lock as a whole has
fewer different releases. With ``--fork newest`` every target has its own best answer instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.records.version_keys import version_key
from pipx_parallel.errors import NoSolution
from pipx_parallel.locks.target_markers import python_range
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.policy import bit_in
from pipx_parallel.resolution.shared_choices import SharedChoices
from pipx_parallel.resolution.shared_releases import accepts
from pipx_parallel.resolution.target_search import TargetSearch
from pipx_parallel.resolver.solver import Impossible
from pipx_parallel.targets.patches import parts_of, with_range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pipx_parallel.model import Target
    from pipx_parallel.resolution.target_search import SearchContext

MOST_ROUNDS = 3  # over all projects that have several releases
MOST_VERSIONS = 8  # tried for one project


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
        if number == order[0] and len(order) > 1:
            joint.ask_ahead(made[number][-1], [targets[later] for later in order[1:]])
    if len(joint.searches) > 1:
        joint.unify()
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

    def search(self, target: Target, first: TargetSearch | None = None) -> list[TargetSearch]:
        """Return the searches for a target: one for each part of its patch releases that has an answer of its own."""
        own_patch = target.python_full_version != (target.python_from or f"{target.markers['python_version']}.0")
        made: list[TargetSearch] = []
        pending = [target]
        while pending:
            part = pending.pop(0)
            search = first if first is not None and not made else self._answered(part)
            parts = parts_of(part, *search.conditions(), around=own_patch)
            search.target = parts[0]
            pending = [*parts[1:], *pending]
            made.append(search)
            self._share(search)
        made = _joined(target, made)
        self.searches += made
        return made

    def _answered(self, target: Target) -> TargetSearch:
        search = TargetSearch(self.context, target)
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

    def _share_all(self, preferred: Mapping[str, str]) -> None:
        """Pass on what is chosen now, ``preferred`` first."""
        self.pins = {name: {version: None} for name, version in preferred.items()}
        for search in self.searches:
            self._share(search)
        for name, versions in self.earlier.items():
            self.pins.setdefault(name, {}).update(dict.fromkeys(versions))

    def ask_ahead(self, first: TargetSearch, targets: Iterable[Target]) -> None:
        """Ask for what the other targets are likely to need, all at once, and wait for nothing."""
        mirror = self.context.mirror
        names: dict[str, None] = {}
        searches = [TargetSearch(self.context, target) for target in _one_of_each_platform(targets)]
        for candidate, release, dependency_set, extra in first.dependency_sets():
            name = candidate.project.view.name
            for search in searches:
                own = search.candidates.candidate(name)
                try:
                    names.update(dict.fromkeys(row.name for row in search.candidates.active(dependency_set, extra)))
                    file_kind = own.file_kind_of(release) if isinstance(own, Candidate) else None
                except MirrorError:
                    continue  # met, and reported, where the target is resolved
                if isinstance(own, Candidate) and file_kind is not None and own.has_wheel(release):
                    mirror.want_dependencies(own.project, release, own.metadata_kind(release, file_kind))
        mirror.want_projects(names)

    # --- the same release everywhere --------------------------------------------------------------------------------------

    def unify(self) -> None:
        """Find one release for projects that have several, as far as there is one."""
        for _ in range(MOST_ROUNDS if self.agrees else 0):
            changed = [name for name in self._split_names() if self._unify(name)]
            if not changed:
                break
        self._settle_alike()

    def _holders(self, name: str) -> dict[int, str]:
        versions = {number: search.versions().get(name) for number, search in enumerate(self.searches)}
        return {number: version for number, version in versions.items() if version is not None}

    def _split_names(self) -> list[str]:
        names: dict[str, set[str]] = {}
        for search in self.searches:
            for name, version in search.versions().items():
                names.setdefault(name, set()).add(version)
        direct = {root.name for root in self.context.inputs.roots}
        return sorted((name for name in names if len(names[name]) > 1), key=lambda name: (name not in direct, name))

    def _unify(self, name: str) -> bool:
        """Give all targets that have a project the same release; return whether that was possible."""
        holders = self._holders(name)
        if len(set(holders.values())) < 2:
            return False
        return any(self._try(name, version, holders) for version in self._common(name, holders))

    def _common(self, name: str, holders: Mapping[int, str], *, strict: bool = True) -> list[str]:
        """Return the releases that every holder accepts: those chosen now, then older ones, the newest first."""
        searches = [self.searches[number] for number in holders]
        chosen = sorted(set(holders.values()), key=_sort_key, reverse=True)
        candidate = searches[0].candidates.candidate(name)
        if not isinstance(candidate, Candidate):
            return []
        oldest = _sort_key(chosen[-1])
        older = [version for version in reversed(candidate.project.view.versions) if _sort_key(version) < oldest]
        common: list[str] = []
        for version in (*chosen, *older):
            if all(_accepts(search, name, version, strict=strict) for search in searches):
                common.append(version)
                if len(common) == MOST_VERSIONS:
                    break
        return common

    def _try(self, name: str, version: str, holders: Mapping[int, str], *, must: bool = False) -> bool:
        """Search all holders again with this release; keep the answers if there are fewer different releases then."""
        before = [(search.answer, search.candidates) for search in self.searches]
        count = self._count()
        self._share_all({name: version})
        for number, current in holders.items():
            search, bounds = self.searches[number], {name: f"=={version}"}
            if (
                current == version
                or search.take_first_choices(bounds)
                or not isinstance(search.solve(bounds), Impossible)
            ):
                continue
            break
        else:
            if must or self._count() < count:
                self._share_all({})
                return True
        for search, (answer, candidates) in zip(self.searches, before, strict=True):
            if answer is not None:
                search.take(answer, candidates)
        self._share_all({})
        return False

    def _count(self) -> int:
        return len({row for search in self.searches for row in search.versions().items()})

    def _settle_alike(self) -> None:
        """Give targets that no marker can tell apart the same releases. Raises ``NoSolution`` if they cannot have them."""
        groups: dict[tuple[object, ...], list[int]] = {}
        for number, search in enumerate(self.searches):
            groups.setdefault(_environment(search.target), []).append(number)
        for group in groups.values():
            for name in self._split_names() if len(group) > 1 else ():
                holders = {number: version for number, version in self._holders(name).items() if number in group}
                if len(set(holders.values())) < 2:
                    continue
                if not any(
                    self._try(name, version, holders, must=True)
                    for version in self._common(name, holders, strict=False)
                ):
                    raise _not_alike(name, [(self.searches[number].target, holders[number]) for number in holders])


def _accepts(search: TargetSearch, name: str, version: str, *, strict: bool) -> bool:
    candidate = search.candidates.candidate(name)
    if not isinstance(candidate, Candidate):
        return False
    bit = bit_in(candidate.project.view, version, candidate.usable)
    return bit is not None and (not strict or accepts(search.candidates.policy, candidate, bit))


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


def _environment(target: Target) -> tuple[object, ...]:
    values = [
        value for name, value in sorted(target.markers.items()) if name not in {"platform_release", "platform_version"}
    ]
    return (*python_range(target), *values)


def _not_alike(name: str, rows: Sequence[tuple[Target, str]]) -> NoSolution:
    words = ", ".join(f"{version} for {target.label}" for target, version in rows)
    problem = f"{name} needs different releases ({words}), and no marker can tell these targets apart"
    return NoSolution((f"{problem}; lock them in files of their own",))


def _sort_key(version: str) -> tuple[str, str]:
    return version_key(version) or "", version
