"""Walk the dependency closure: everything that a resolve of some roots could reach, to fill a mirror or to check it.

A release is reached if a reached release (or the user) admits it and the target can install it. Additional constraints cannot
reach more, so a complete closure serves every later resolve of the same roots for the same target.

Older releases with only a source archive, of projects that also have wheels, are left out unless requested: to get their
dependencies all of them must be downloaded and most built. A resolve reads them only if there is no other solution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import MirrorError, NeedsBuild, NotFound, Withdrawn
from mirror.limits import BudgetSpentError
from mirror.records.dependency_sets import BASE
from mirror.records.model import FetchFailure
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.roots import candidates_for
from pipx_parallel.resolver.masks import releases_in
from pipx_parallel.targets.rules import SDIST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mirror.records.dependency_sets import DependencySet
    from mirror.records.model import Dependency
    from mirror.session.mirror import Mirror
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.model import Inputs, Target
    from pipx_parallel.resolution.candidates import Candidates


class DependencyClosure(NamedTuple):
    """The result of a walk."""

    releases: Mapping[str, int]  # project -> mask of releases that were reached
    holes: tuple[FetchFailure, ...]  # what is not available, sorted by project and release
    absent: tuple[str, ...]  # required names that no index has, sorted; not a failure
    left_out: int  # releases with only a source archive that were not read
    finished: bool  # False if the budget ended the walk

    @property
    def size(self) -> int:
        """Return the number of reached releases."""
        return sum(mask.bit_count() for mask in self.releases.values())


def walk(  # noqa: PLR0913 - a use case: what, for whom, from where, how, how far
    inputs: Inputs,
    targets: Sequence[Target],
    mirror: Mirror,
    settings: ResolveSettings,
    *,
    window: int | None = None,
    archives: bool = False,
) -> DependencyClosure:
    """Walk everything that the roots could reach for the targets, and request it from the mirror.

    ``window`` limits the walk to the newest releases that each requirement admits; ``archives`` includes every source archive.
    The budget of the mirror may end the walk.
    """
    releases: dict[str, int] = {}
    holes: dict[tuple[str, str], FetchFailure] = {}
    absent: set[str] = set()
    left_out = 0
    finished = True
    for target in targets:
        candidates, wanted, bounds = candidates_for(inputs, target, mirror, settings)
        target_walk = _Walk(candidates, bounds, window, archives=archives)
        try:
            target_walk.run(wanted)
        except BudgetSpentError:
            finished = False
        for name, mask in target_walk.visited.items():
            releases[name] = releases.get(name, 0) | mask
        holes.update(target_walk.holes)
        absent |= target_walk.absent
        left_out = max(left_out, sum(mask.bit_count() for mask in target_walk.left_out.values()))
    failures = tuple([holes[key] for key in sorted(holes)])
    return DependencyClosure(dict(sorted(releases.items())), failures, tuple(sorted(absent)), left_out, finished)


class _Walk:
    """The walk for one target, breadth first: all listings of a level, then all its dependencies, then the next level."""

    def __init__(
        self,
        candidates: Candidates,
        bounds: Iterable[Dependency],
        window: int | None,
        *,
        archives: bool,
    ) -> None:
        self.candidates = candidates
        self.mirror = candidates.mirror
        self.visited: dict[str, int] = {}
        self.holes: dict[tuple[str, str], FetchFailure] = {}
        self.absent: set[str] = set()
        self.left_out: dict[str, int] = {}
        self._archives = archives
        self._has_wheels: set[str] = set()
        self._bounds: dict[str, list[Dependency]] = {}
        for bound in bounds:
            self._bounds.setdefault(bound.name, []).append(bound)
        self._window = window
        self._wanted: dict[str, int] = {}  # the union of the admitted masks
        self._asked: dict[str, list[int]] = {}  # the admitted masks, one for each specifier
        self._extras: dict[str, set[str]] = {}
        self._sets: dict[str, dict[int, DependencySet]] = {}
        self._expanded: set[tuple[int, str, str]] = set()

    def run(self, wanted: Sequence[Dependency]) -> None:
        """Walk to the end. Raises ``BudgetSpentError``."""
        pending: Sequence[Dependency] = wanted
        roots = {dependency.name for dependency in wanted}
        while pending:
            names = self._admit(pending, roots)
            asked = self._ask(names)
            self._build(asked)
            for name, release, file_kind in asked:
                self._take(name, release, file_kind)
            pending = [row for name in names for row in self._expand(name)]

    def _admit(self, pending: Iterable[Dependency], roots: set[str]) -> list[str]:
        """Add the requirements of a level; return the projects of which more is wanted now, sorted."""
        rows = list(dict.fromkeys((row.name, row.extras, row.specifier) for row in pending))
        self.mirror.want_projects(sorted({name for name, _, _ in rows}))
        more: set[str] = set()
        for name, extras, specifier in rows:
            candidate = self.candidates.candidate(name)
            if isinstance(candidate, FetchFailure):
                if isinstance(candidate.error, NotFound):
                    self.absent.add(name)
                if name in roots or not isinstance(candidate.error, NotFound):
                    self.holes[name, ""] = candidate
                continue
            self._note_gone(candidate, is_root=name in roots)
            before = self._wanted.get(name, 0)
            known_extras = self._extras.setdefault(name, set())
            mask = self.candidates.admitted(name, specifier)
            new_window = self._window is not None and mask not in self._asked.get(name, ())
            if mask & ~before or new_window or not known_extras.issuperset(extras):
                self._wanted[name] = before | mask
                self._asked.setdefault(name, []).append(mask)
                known_extras.update(extras)
                more.add(name)
        return sorted(more)

    def _note_gone(self, candidate: Candidate, *, is_root: bool) -> None:
        """Record a hole if an index no longer lists a project: its stored records cannot be confirmed."""
        name = candidate.project.view.name
        for source in candidate.project.sources():
            gone = source.view.withdrawn
            if gone is not None:
                error = Withdrawn(f"{name}: {source.index_url} {gone.words}; what is here is what it listed before")
                self.holes[name, "withdrawn"] = FetchFailure(name, None, error)
        if is_root and not candidate.project.view.versions:
            self.holes[name, ""] = FetchFailure(name, None, NotFound(f"{name}: it has no releases on its index"))

    def _ask(self, names: Iterable[str]) -> list[tuple[str, int, int]]:
        """Request the dependencies of the newly wanted releases; return the requested rows."""
        asked: list[tuple[str, int, int]] = []
        for name in names:
            candidate = self.candidates.candidate(name)
            if not isinstance(candidate, Candidate):
                continue
            new = self._reachable(name, candidate) & ~self.visited.get(name, 0)
            for release in reversed(self._classified(candidate, new)):
                number = candidate.file_kind_of(release)
                if number is None:
                    continue
                file_kind = candidate.metadata_kind(release, number)
                if candidate.project.view.file_kinds[file_kind].tags != SDIST:
                    self._has_wheels.add(name)
                elif not self._archives and name in self._has_wheels:
                    self.left_out[name] = self.left_out.get(name, 0) | 1 << release
                    continue
                self.mirror.want_dependencies(candidate.project, release, file_kind)
                asked.append((name, release, file_kind))
                self.visited[name] = self.visited.get(name, 0) | 1 << release
        return asked

    def _classified(self, candidate: Candidate, releases: int) -> list[int]:
        """Classify the releases of a mask in one pass, beginning with the oldest; return them, oldest first."""
        numbers = [number for number in range(releases.bit_length()) if releases >> number & 1]
        if numbers:
            try:
                candidate.project.classify(numbers[0])
            except MirrorError as error:
                view = candidate.project.view
                self.holes[view.name, "files"] = FetchFailure(view.name, None, error)
                numbers = [number for number in numbers if number >= view.classified]
        return numbers

    def _reachable(self, name: str, candidate: Candidate) -> int:
        """Return the mask of releases that are wanted, usable and within bounds."""
        mask = self._wanted[name] & candidate.usable
        for bound in self._bounds.get(name, ()):
            mask &= self.candidates.admitted(name, bound.specifier)
        if self._window is not None:
            mask = self._newest([mask & asked for asked in self._asked[name]], candidate.finals)
        return releases_in(mask)

    def _newest(self, masks: Iterable[int], finals: int) -> int:
        """Return the newest releases of each mask within the window; only final releases if there are any."""
        newest = 0
        for mask in masks:
            left = mask & finals or mask
            for _ in range(self._window or 0):
                if not left:
                    break
                top = 1 << left.bit_length() - 1
                newest, left = newest | top, left ^ top
        return newest

    def _build(self, asked: Iterable[tuple[str, int, int]]) -> None:
        """Build in parallel the releases whose metadata needs a build."""
        records = self.mirror.records
        rows = []
        for name, release, file_kind in asked if records.can_build else ():
            candidate = self.candidates.candidate(name)
            if isinstance(candidate, Candidate):
                result = self.mirror.dependencies(candidate.project, release, file_kind)
                if isinstance(result, FetchFailure) and isinstance(result.error, NeedsBuild):
                    rows.append((candidate.project, release, file_kind))
        if rows:
            records.build(rows)

    def _take(self, name: str, release: int, file_kind: int) -> None:
        """Wait for the dependencies of one release, and store them."""
        candidate = self.candidates.candidate(name)
        if not isinstance(candidate, Candidate):
            return
        result = self.mirror.dependencies(candidate.project, release, file_kind)
        if isinstance(result, FetchFailure):
            self.holes[name, result.release or ""] = result
        elif self.candidates.rules.python_allowed(result.requires_python):
            self._sets.setdefault(name, {})[id(result)] = result

    def _expand(self, name: str) -> list[Dependency]:
        """Return the dependencies in the dependency sets of a project, for each set and extra once."""
        if self.candidates.policy.ignores_dependencies:
            return []
        rows: list[Dependency] = []
        for number, dependency_set in self._sets.get(name, {}).items():
            for extra in (BASE, *sorted(self._extras.get(name, ()))):
                if (number, name, extra) in self._expanded:
                    continue
                self._expanded.add((number, name, extra))
                try:
                    rows += [row for row in self.candidates.active(dependency_set, extra) if row.url is None]
                except MirrorError:
                    continue  # the solver cannot use such a release either
        return rows
