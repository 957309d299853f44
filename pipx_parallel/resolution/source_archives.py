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
MOST_BUILDS_AT_LAST = 32  # likewise, where there is no answer otherwise
MOST_FAILED = 4  # builds of one project: after so many no older release of it is built


class SourceArchives:
    """The source archives of one search, by package and bit as the solver counts."""

    def __init__(self, mirror: Mirror) -> None:
        """Read and build nothing yet."""
        self._mirror = mirror
        self.left_out = False  # something that a further search may take
        self.failures: dict[tuple[str, int], BuildFailed] = {}
        self.met = False  # a release that needs a build
        self._takes_all = False
        self._built_since = False  # something, since ``take_all`` was called
        self._known: dict[str, set[int]] = {}  # releases looked at whose metadata needs no build
        self._read: dict[str, list[int]] = {}
        self._walks: dict[str, list[int]] = {}  # releases looked at whose metadata needs a build, in that order
        self._pending: dict[tuple[str, int], Row] = {}

    @property
    def may_take_more(self) -> bool:
        """Return whether releases were left out that a further search will look into."""
        return self.left_out and not self._takes_all

    def note_known(self, package: str, bit: int) -> None:
        """Note a release whose metadata needs no build."""
        self._known.setdefault(package, set()).add(bit)

    def note_built(self, package: str, bit: int) -> None:
        """Note a release whose metadata a build gave, in whichever run."""
        self._walk(package, bit)

    def takes(self, package: str, bit: int) -> bool:
        """Return whether a release with only a source archive is looked into."""
        asked = self._read.setdefault(package, [])
        if bit not in asked:
            far = len(asked) >= MOST_READ or len(self._known.get(package, ())) > MOST_BEFORE
            if far and not self._takes_all:
                self.left_out = True
                return False
            asked.append(bit)
        return True

    def take_all(self) -> bool:
        """Look into every release from now on: without them there is no answer. Return whether a search may find more then."""
        further = not self._takes_all or self._built_since
        self._takes_all = True
        self.left_out = self._built_since = False
        return further

    def failed(self, package: str, bit: int, error: BuildFailed) -> Unavailable:
        """Note a build that failed; return why the release cannot be used."""
        self.met = True
        self._walk(package, bit)
        self.failures[package, bit] = error
        return Unavailable(f"its build failed ({error.reason})")

    def postponed(self, package: str, bit: int, row: Row, error: NeedsBuild) -> DependencySet | Unavailable | None:
        """Return no needs for a release that is built once an answer holds it, or why it is not.

        None if nothing may be built and this is the first release of its project that is looked at: an older one is not taken
        without a word.
        """
        self.met = True
        if not self._mirror.records.can_build:
            behind = self._known.get(package) or self._walks.get(package, [bit])[0] != bit
            self._walk(package, bit)
            return Unavailable(str(error)) if behind else None
        if (package, bit) not in self._pending:
            if self._has_failed(package):
                return Unavailable(f"needs a build, and {MOST_FAILED} builds of {package} have failed")
            walk = self._walks.get(package, ())
            if len(walk) >= (MOST_BUILDS_AT_LAST if self._takes_all else MOST_BUILDS):
                self.left_out = self.left_out or not self._takes_all
                return Unavailable(f"needs a build, and {len(walk)} other releases of {package} need one too")
            if self._known.get(package) and not self._takes_all:
                self.left_out = True
                return Unavailable("needs a build")
            self._pending[package, bit] = row
        return DependencySet((), None)

    def is_pending(self, package: str, bit: int) -> bool:
        """Return whether a release is taken as needing nothing until it is built."""
        return (package, bit) in self._pending

    def build(self, chosen: Mapping[str, int]) -> list[tuple[str, int]]:
        """Build what was postponed of these releases, side by side, and wait; return which these were.

        A release is built only while few builds of its project have failed. The search that is repeated learns which are not.
        """
        postponed = [(name, bit) for name, bit in chosen.items() if (name, bit) in self._pending]
        rows = [self._pending.pop(key) for key in postponed]
        rows = [row for row, (name, _) in zip(rows, postponed, strict=True) if not self._has_failed(name)]
        for package, bit in postponed:
            self._walk(package, bit)
        if rows:
            self._built_since = True
            self._mirror.records.build(rows)
        return postponed

    def _has_failed(self, package: str) -> bool:
        """Return whether so many builds of a project have failed that no further one is tried."""
        return sum(name == package for name, _ in self.failures) >= MOST_FAILED

    def _walk(self, package: str, bit: int) -> None:
        walk = self._walks.setdefault(package, [])
        if bit not in walk:
            walk.append(bit)
