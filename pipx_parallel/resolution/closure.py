"""Everything that a resolve of some roots could reach, walked without solving: to fill a mirror with it, or to prove it is there.

A release is reached when some reached release (or the user) admits it and the target could install it. No constraint added
later can reach more, so what is closed under this walk answers every re-resolve of the same roots for the same target.

Older releases that are only source archives, of projects that have wheels too, are left out unless asked for: finding out what
they need means downloading all of them and building most. A resolve looks at them when nothing else will do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mirror.errors import MirrorError, NeedsBuild, NotFound, Withdrawn
from mirror.records.dependency_sets import BASE
from mirror.records.model import FetchFailure
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.roots import candidates_for
from pipx_parallel.resolver.masks import releases_in
from pipx_parallel.targets.rules import SDIST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mirror.records.dependency_sets import DependencySet
    from mirror.records.model import Dependency
    from mirror.session.mirror import Mirror
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.model import Inputs, Target
    from pipx_parallel.resolution.candidates import Candidates

_AT_ONCE = 64  # releases asked for between two looks at the budget


class DependencyClosure(NamedTuple):
    """What was walked."""

    releases: Mapping[str, int]  # project -> mask of releases that were reached
    holes: tuple[FetchFailure, ...]  # what could not be had, sorted by project and release
    absent: tuple[str, ...]  # names asked for that no index has, sorted: a fact like any other
    left_out: int  # releases that are only source archives and were not looked at
    finished: bool  # False where the budget ended the walk

    @property
    def size(self) -> int:
        """Return the number of releases reached."""
        return sum(mask.bit_count() for mask in self.releases.values())


def walk(  # noqa: PLR0913 - a use case: what, for whom, from where, how, how far, how long
    inputs: Inputs,
    targets: Sequence[Target],
    mirror: Mirror,
    settings: ResolveSettings,
    *,
    window: int | None = None,
    archives: bool = False,
    may_go_on: Callable[[], bool] = lambda: True,
) -> DependencyClosure:
    """Walk everything that the roots could reach for the targets, asking the mirror for all of it.

    ``window`` keeps to the newest releases that each requirement admits; ``archives`` walks every source archive too;
    ``may_go_on`` is asked before each batch of requests.
    """
    releases: dict[str, int] = {}
    holes: dict[tuple[str, str], FetchFailure] = {}
    absent: set[str] = set()
    left_out = 0
    finished = True
    for target in targets:
        candidates, wanted, bounds = candidates_for(inputs, target, mirror, settings)
        one = _Walk(candidates, bounds, window, may_go_on, archives=archives)
        finished = one.run(wanted) and finished
        for name, mask in one.visited.items():
            releases[name] = releases.get(name, 0) | mask
        holes.update(one.holes)
        absent |= one.absent
        left_out = max(left_out, sum(mask.bit_count() for mask in one.left_out.values()))
    found = tuple([holes[key] for key in sorted(holes)])
    return DependencyClosure(dict(sorted(releases.items())), found, tuple(sorted(absent)), left_out, finished)


class _Walk:
    """The walk for one target, wave by wave: all listings of a wave, then all dependencies of it, then what these name."""

    def __init__(
        self,
        candidates: Candidates,
        bounds: Iterable[Dependency],
        window: int | None,
        may_go_on: Callable[[], bool],
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
        self._may_go_on = may_go_on
        self._wanted: dict[str, int] = {}  # bits that somebody admits
        self._asked: dict[str, list[int]] = {}  # the same, one mask for each who asks
        self._extras: dict[str, set[str]] = {}
        self._sets: dict[str, dict[int, DependencySet]] = {}
        self._expanded: set[tuple[int, str, str]] = set()

    def run(self, wanted: Sequence[Dependency]) -> bool:
        """Walk to the end; return False where the budget ended it before."""
        pending: Sequence[Dependency] = wanted
        roots = {dependency.name for dependency in wanted}
        while pending:
            if not self._may_go_on():
                return False
            names = self._admit(pending, roots)
            asked, all_asked = self._ask(names)
            self._build(asked)
            for name, release, file_kind in asked:
                self._take(name, release, file_kind)
            if not all_asked:
                return False
            pending = [row for name in names for row in self._expand(name)]
        return True

    def _admit(self, pending: Iterable[Dependency], roots: set[str]) -> list[str]:
        """Note what is wanted of whom; return the projects of which more is wanted now than before, sorted."""
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
            known = self._extras.setdefault(name, set())
            mask = self.candidates.admitted(name, specifier)
            new_window = self._window is not None and mask not in self._asked.get(name, ())
            if mask & ~before or new_window or not known.issuperset(extras):
                self._wanted[name] = before | mask
                self._asked.setdefault(name, []).append(mask)
                known.update(extras)
                more.add(name)
        return sorted(more)

    def _note_gone(self, candidate: Candidate, *, is_root: bool) -> None:
        """Note a hole where an index lists nothing of a project: what is held of it cannot be confirmed."""
        name = candidate.project.view.name
        for source in candidate.project.sources():
            gone = source.view.withdrawn
            if gone is not None:
                error = Withdrawn(f"{name}: {source.index_url} {gone.words}; what is here is what it listed before")
                self.holes[name, "withdrawn"] = FetchFailure(name, None, error)
        if is_root and not candidate.project.view.versions:
            self.holes[name, ""] = FetchFailure(name, None, NotFound(f"{name}: it has no releases on its index"))

    def _ask(self, names: Iterable[str]) -> tuple[list[tuple[str, int, int]], bool]:
        """Ask for what the newly wanted releases need; return what was asked for, and whether that was all."""
        asked: list[tuple[str, int, int]] = []
        for name in names:
            candidate = self.candidates.candidate(name)
            if not isinstance(candidate, Candidate):
                continue
            new = self._reachable(name, candidate) & ~self.visited.get(name, 0)
            for release in reversed(self._judged(candidate, new)):
                number = candidate.file_kind_of(release)
                if number is None:
                    continue
                file_kind = candidate.metadata_kind(release, number)
                if candidate.project.view.file_kinds[file_kind].tags != SDIST:
                    self._has_wheels.add(name)
                elif not self._archives and name in self._has_wheels:
                    self.left_out[name] = self.left_out.get(name, 0) | 1 << release
                    continue
                if len(asked) % _AT_ONCE == 0 and not self._may_go_on():
                    return asked, False
                self.mirror.want_dependencies(candidate.project, release, file_kind)
                asked.append((name, release, file_kind))
                self.visited[name] = self.visited.get(name, 0) | 1 << release
        return asked, True

    def _judged(self, candidate: Candidate, releases: int) -> list[int]:
        """Return the releases of a mask, oldest first, all classified: in one pass, beginning with the oldest."""
        numbers = [at for at in range(releases.bit_length()) if releases >> at & 1]
        if numbers:
            try:
                candidate.project.classify(numbers[0])
            except MirrorError as error:
                view = candidate.project.view
                self.holes[view.name, "files"] = FetchFailure(view.name, None, error)
                numbers = [at for at in numbers if at >= view.classified]
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
        """Return the newest few of each mask, final releases where there are some."""
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
        """Build those of the releases that only a build knows, side by side."""
        records = self.mirror.records
        rows = []
        for name, release, file_kind in asked if records.can_build else ():
            candidate = self.candidates.candidate(name)
            if isinstance(candidate, Candidate):
                found = self.mirror.dependencies(candidate.project, release, file_kind)
                if isinstance(found, FetchFailure) and isinstance(found.error, NeedsBuild):
                    rows.append((candidate.project, release, file_kind))
        if rows:
            records.build(rows)

    def _take(self, name: str, release: int, file_kind: int) -> None:
        """Wait for what one release needs, and keep it."""
        candidate = self.candidates.candidate(name)
        if not isinstance(candidate, Candidate):
            return
        found = self.mirror.dependencies(candidate.project, release, file_kind)
        if isinstance(found, FetchFailure):
            self.holes[name, found.release or ""] = found
        elif self.candidates.rules.python_allowed(found.requires_python):
            self._sets.setdefault(name, {})[id(found)] = found

    def _expand(self, name: str) -> list[Dependency]:
        """Return what the dependency sets of a project ask for, each set and extra once."""
        if self.candidates.policy.ignores_dependencies:
            return []
        rows: list[Dependency] = []
        for number, found in self._sets.get(name, {}).items():
            for extra in (BASE, *sorted(self._extras.get(name, ()))):
                if (number, name, extra) in self._expanded:
                    continue
                self._expanded.add((number, name, extra))
                try:
                    rows += [row for row in self.candidates.active(found, extra) if row.url is None]
                except MirrorError:
                    continue  # the solver cannot use such a release either
        return rows
