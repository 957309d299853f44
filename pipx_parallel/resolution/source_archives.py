"""Decide which source archives a search reads and builds.

Reading an archive costs a download, and building it may take minutes; old releases are rarely part of the solution. So a search
assumes that a release that needs a build has no dependencies. Only the releases of a solution are built, and the search is
repeated with the built metadata. Releases older than others with available metadata are left out until there is no solution
without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.records.dependency_sets import DependencySet
from pipx_parallel.resolver.ports import Unavailable
from pipx_parallel.resolver.terms import Unusable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mirror.errors import BuildFailed, NeedsBuild
    from mirror.records.project import Project
    from mirror.session.mirror import Mirror
    from pipx_parallel.resolution.build_steps import BuildSteps
    from pipx_parallel.resolver.outcome import Impossible

    Row = tuple[Project, int, int]  # a project, its release, the file kind

MOST_READ = 3  # releases of a project with only a source archive that a first search reads
MOST_BEFORE = 16  # releases with wheels that were read: after so many a first search reads no archive
MOST_BUILDS = 4  # per project, in a first search
MOST_BUILDS_AT_LAST = 32  # per project, if there is no solution otherwise
MOST_FAILED = 4  # failed builds of one project: after so many no other release of it is built
# Epoch seconds of 2020-10-01. PEP 643 and PEP 621, by which a source archive may have static metadata, are of that month.
STATIC_SINCE = 1_601_510_400

NOT_BUILT = DependencySet((), None)  # the dependencies of a release until it is built


class ArchiveHistory:
    """The archives that were read and built, by package and solver bit; shared by all searches for one target."""

    __slots__ = ("failures", "met", "pending", "read", "walks", "without_build")

    def __init__(self) -> None:
        """Start empty."""
        self.failures: dict[tuple[str, int], BuildFailed] = {}
        self.met = False  # whether a release needs a build
        self.without_build: dict[str, set[int]] = {}  # releases whose metadata needs no build
        self.read: dict[str, list[int]] = {}
        self.walks: dict[str, list[int]] = {}  # releases whose metadata needs a build, in the order of the search
        self.pending: dict[tuple[str, int], Row] = {}

    def masks(self) -> dict[str, int]:
        """Return the releases whose dependencies are known, a mask for each project."""
        masks: dict[str, int] = {}
        for rows in (self.without_build, self.walks):
            for package, bits in rows.items():
                good = [bit for bit in bits if (package, bit) not in self.failures]
                masks[package] = masks.get(package, 0) | sum([1 << bit for bit in good])
        return masks


class SourceArchives:
    """The source archives of one search: few of them in the first search, all in a later one."""

    def __init__(
        self, mirror: Mirror, history: ArchiveHistory, *, takes_all: bool = False, steps: BuildSteps | None = None
    ) -> None:
        """Take the mirror and the history; with ``takes_all`` every release is read, except those that ``steps`` withhold."""
        self._mirror = mirror
        self._history = history
        self.takes_all = takes_all
        self._withheld = {package: steps.withheld(package) for package in steps.vain} if steps else {}
        self.unsettled: set[tuple[str, int]] = set()  # whose dependencies are not known: withheld, or not built
        self.left_out: dict[str, int] = {}  # the releases, as masks, that only a search with ``takes_all`` would read

    def note_known(self, package: str, bit: int) -> None:
        """Record a release whose metadata needs no build."""
        self._history.without_build.setdefault(package, set()).add(bit)

    def note_built(self, package: str, bit: int) -> None:
        """Record a release whose metadata comes from a build, in this or an earlier run."""
        self._walk(package, bit)

    def takes(self, package: str, bit: int) -> bool:
        """Return whether a release with only a source archive is read."""
        asked = self._history.read.setdefault(package, [])
        if bit not in asked:
            far = len(asked) >= MOST_READ or len(self._history.without_build.get(package, ())) > MOST_BEFORE
            if far and not self.takes_all:
                self._leave_out(package, bit)
                return False
            asked.append(bit)
        return True

    def refused_unread(self, package: str, bit: int, uploaded: int) -> Unavailable | None:
        """Return why a release is not even read: it is withheld, or too old to have static metadata and not to be built.

        ``uploaded`` is its upload time in epoch seconds; 0 if unknown.
        """
        if self._withheld.get(package, 0) >> bit & 1:
            self._leave_out(package, bit)
            self.unsettled.add((package, bit))
            return Unavailable("needs a build, and others are looked at first")
        if not 0 < uploaded < STATIC_SINCE or (package, bit) in self._history.pending:
            return None
        if not self._mirror.records.can_build:
            return Unavailable("needs a build, and builds are not allowed") if self._is_behind(package, bit) else None
        return self._too_many(package, bit)

    def failed(self, package: str, bit: int, error: BuildFailed) -> Unavailable:
        """Record a failed build; return why the release cannot be used."""
        self._history.met = True
        self._walk(package, bit)
        self._history.failures[package, bit] = error
        return Unavailable(f"its build failed ({error.reason})")

    def postponed(self, package: str, bit: int, row: Row, error: NeedsBuild) -> DependencySet | Unavailable | None:
        """Return ``NOT_BUILT`` for a release that is built if a solution has it, or why it is not built.

        None if builds are not allowed and this is the first release of its project in the search: the failure is then reported
        instead of silently selecting an older release.
        """
        self._history.met = True
        if not self._mirror.records.can_build:
            behind = self._is_behind(package, bit)
            self._walk(package, bit)
            return Unavailable(str(error)) if behind else None
        if (package, bit) not in self._history.pending:
            refused = self._too_many(package, bit)
            if refused is not None:
                return refused
            if self._history.without_build.get(package) and not self.takes_all:
                self._leave_out(package, bit)
                return Unavailable("needs a build")
            self._history.pending[package, bit] = row
        self.unsettled.add((package, bit))
        return NOT_BUILT

    def build(self, chosen: Mapping[str, int]) -> list[tuple[str, int]]:
        """Build the postponed releases among these in parallel, wait, and return them.

        A release is not built if too many builds of its project have failed; the repeated search then excludes it.
        """
        postponed = [(name, bit) for name, bit in chosen.items() if (name, bit) in self._history.pending]
        rows = [self._history.pending.pop(key) for key in postponed]
        rows = [row for row, (name, _) in zip(rows, postponed, strict=True) if not self._has_failed(name)]
        for package, bit in postponed:
            self._walk(package, bit)
        if rows:
            self._mirror.records.build(rows)
        return postponed

    def _leave_out(self, package: str, bit: int) -> None:
        self.left_out[package] = self.left_out.get(package, 0) | 1 << bit

    def _too_many(self, package: str, bit: int) -> Unavailable | None:
        """Return why no other release of a project is built; None if one may be."""
        if self._has_failed(package):
            return Unavailable(f"needs a build, and {MOST_FAILED} builds of {package} have failed")
        walk = self._history.walks.get(package, ())
        if len(walk) < (MOST_BUILDS_AT_LAST if self.takes_all else MOST_BUILDS):
            return None
        if not self.takes_all:
            self._leave_out(package, bit)
        return Unavailable(f"needs a build, and {len(walk)} other releases of {package} need one too")

    def _is_behind(self, package: str, bit: int) -> bool:
        """Return whether the search has read another release of the project before this one."""
        history = self._history
        return bool(history.without_build.get(package)) or history.walks.get(package, [bit])[0] != bit

    def _has_failed(self, package: str) -> bool:
        """Return whether too many builds of a project have failed."""
        return sum(name == package for name, _ in self._history.failures) >= MOST_FAILED

    def _walk(self, package: str, bit: int) -> None:
        walk = self._history.walks.setdefault(package, [])
        if bit not in walk:
            walk.append(bit)


def is_proven(impossible: Impossible, left_out: Mapping[str, int]) -> bool:
    """Return whether there is no solution either with the releases that a search left out, a mask for each project.

    So it is if the proof is complete and rests on none of them.
    """
    from pipx_parallel.resolver.unsat_core import facts_of  # only without a solution

    if not left_out:
        return True
    return not impossible.proof.packages and not any(
        isinstance(fact.cause, Unusable) and fact.masks[0] & left_out.get(impossible.names[fact.packages[0]], 0)
        for fact in facts_of(impossible.proof)
    )
