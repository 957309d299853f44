"""Which source archives a search reads, which it builds, and what came of it.

Reading one costs a download, building one may cost minutes, and both are hardly ever for the answer when a search has come far
back in a project's history. So a search takes a release that needs a build as if it needed nothing, and only what is part of an
answer is built; then the search is repeated with what the build told. Releases behind others whose metadata is known are left out
until there is no answer without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.records.dependency_sets import DependencySet
from pipx_parallel.resolver.ports import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mirror.errors import BuildFailed, NeedsBuild
    from mirror.records.project import Project
    from mirror.session.mirror import Mirror

    Row = tuple[Project, int, int]  # a project, its release, the file kind

MOST_READ = 3  # releases of a project with only a source archive that a first search reads
MOST_BEFORE = 16  # releases with wheels that were looked at: behind so many it reads no archive
MOST_BUILDS = 4  # on one walk down a project's history, in a first search
MOST_BUILDS_AT_LAST = 32  # on one walk, if there is no answer otherwise
MOST_FAILED = 4  # builds of one project: after so many no older release of it is built

NOT_BUILT = DependencySet((), None)  # of a release that is taken as needing nothing until it is built


class ArchiveHistory:
    """What was read and built so far, by package and bit as the solver counts; all searches for one target share it."""

    __slots__ = ("failures", "met", "pending", "read", "walks", "without_build")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.failures: dict[tuple[str, int], BuildFailed] = {}
        self.met = False  # a release that needs a build
        self.without_build: dict[str, set[int]] = {}  # releases looked at whose metadata needs no build
        self.read: dict[str, list[int]] = {}
        self.walks: dict[str, list[int]] = {}  # releases looked at whose metadata needs a build, in that order
        self.pending: dict[tuple[str, int], Row] = {}


class SourceArchives:
    """The source archives as one search takes them: the first search few of them, a later one all."""

    def __init__(self, mirror: Mirror, history: ArchiveHistory, *, takes_all: bool = False) -> None:
        """``takes_all`` looks into every release: without them there is no answer."""
        self._mirror = mirror
        self._history = history
        self.takes_all = takes_all
        self.left_out = False  # something that a search that takes all looks into

    def note_known(self, package: str, bit: int) -> None:
        """Note a release whose metadata needs no build."""
        self._history.without_build.setdefault(package, set()).add(bit)

    def note_built(self, package: str, bit: int) -> None:
        """Note a release whose metadata a build gave, in whichever run."""
        self._walk(package, bit)

    def takes(self, package: str, bit: int) -> bool:
        """Return whether a release with only a source archive is looked into."""
        asked = self._history.read.setdefault(package, [])
        if bit not in asked:
            far = len(asked) >= MOST_READ or len(self._history.without_build.get(package, ())) > MOST_BEFORE
            if far and not self.takes_all:
                self.left_out = True
                return False
            asked.append(bit)
        return True

    def failed(self, package: str, bit: int, error: BuildFailed) -> Unavailable:
        """Note a build that failed; return why the release cannot be used."""
        self._history.met = True
        self._walk(package, bit)
        self._history.failures[package, bit] = error
        return Unavailable(f"its build failed ({error.reason})")

    def postponed(self, package: str, bit: int, row: Row, error: NeedsBuild) -> DependencySet | Unavailable | None:
        """Return no needs for a release that is built once an answer holds it, or why it is not.

        None if nothing may be built and this is the first release of its project that is looked at: an older one is not taken
        without a word.
        """
        self._history.met = True
        if not self._mirror.records.can_build:
            behind = self._history.without_build.get(package) or self._history.walks.get(package, [bit])[0] != bit
            self._walk(package, bit)
            return Unavailable(str(error)) if behind else None
        if (package, bit) not in self._history.pending:
            if self._has_failed(package):
                return Unavailable(f"needs a build, and {MOST_FAILED} builds of {package} have failed")
            walk = self._history.walks.get(package, ())
            if len(walk) >= (MOST_BUILDS_AT_LAST if self.takes_all else MOST_BUILDS):
                self.left_out |= not self.takes_all
                return Unavailable(f"needs a build, and {len(walk)} other releases of {package} need one too")
            if self._history.without_build.get(package) and not self.takes_all:
                self.left_out = True
                return Unavailable("needs a build")
            self._history.pending[package, bit] = row
        return NOT_BUILT

    def build(self, chosen: Mapping[str, int]) -> list[tuple[str, int]]:
        """Build what was postponed of these releases, side by side, and wait; return which these were.

        A release is built only while few builds of its project have failed. The search that is repeated learns which are not.
        """
        postponed = [(name, bit) for name, bit in chosen.items() if (name, bit) in self._history.pending]
        rows = [self._history.pending.pop(key) for key in postponed]
        rows = [row for row, (name, _) in zip(rows, postponed, strict=True) if not self._has_failed(name)]
        for package, bit in postponed:
            self._walk(package, bit)
        if rows:
            self._mirror.records.build(rows)
        return postponed

    def _has_failed(self, package: str) -> bool:
        """Return whether so many builds of a project have failed that no further one is tried."""
        return sum(name == package for name, _ in self._history.failures) >= MOST_FAILED

    def _walk(self, package: str, bit: int) -> None:
        walk = self._history.walks.setdefault(package, [])
        if bit not in walk:
            walk.append(bit)
