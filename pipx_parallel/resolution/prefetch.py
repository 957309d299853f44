"""Prefetch that runs ahead of the solver: the facts an answer without conflicts will need, asked for as soon as they can be.

Whenever a listing arrives, what its best candidate needs is asked for; whenever that arrives, the projects it names are. So
a cold resolve waits for the depth of the dependency graph, not for its size. Guesses narrow only: a specifier met on the way
moves the guess to the best release that still fits. Nothing here decides anything; a wrong guess costs a request.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.records.dependency_sets import BASE
from mirror.records.filenames import SDIST
from mirror.records.model import admitted_by
from mirror.session.page_loader import FilesState
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolver.masks import bit_of, release_of

if TYPE_CHECKING:
    from mirror.records.dependency_sets import DependencySet
    from mirror.records.model import CompiledSpecifier, Dependency
    from mirror.records.project import Project
    from mirror.session.mirror import Mirror
    from pipx_parallel.resolution.candidates import Candidates


class Speculation:
    """A ``mirror.session.results.Listener`` that wants what the solver will want."""

    def __init__(self, mirror: Mirror, candidates: Candidates) -> None:
        """Begin with nothing; ``ask`` starts it with the roots."""
        self._mirror = mirror
        self._candidates = candidates
        self._specifiers: dict[str, dict[str, CompiledSpecifier]] = {}
        self._extras: dict[str, set[str]] = {}
        self._guesses: dict[str, tuple[int, DependencySet | None]] = {}
        self._expanded: set[tuple[str, int, str]] = set()
        self._work: deque[str] = deque()
        self._working = False

    def ask(self, wanted: list[Dependency]) -> None:
        """Want these projects; where one is here already its guess may move."""
        for dependency in wanted:
            known = self._specifiers.setdefault(dependency.name, {})
            moved = dependency.specifier.text not in known
            known[dependency.specifier.text] = dependency.specifier
            extras = self._extras.setdefault(dependency.name, set())
            if moved or not extras.issuperset(dependency.extras):
                extras.update(dependency.extras)
                self._work.append(dependency.name)
        admits = admitted_by(wanted)
        self._mirror.want_projects(admits, admits)
        self._run()

    def listed(self, project: Project) -> None:
        """Guess, and ask for what the guess needs: a project's releases are known."""
        self._work.append(project.view.name)
        self._run()

    def learned(self, project: Project, release: int, file_kind: int, found: DependencySet) -> None:  # noqa: ARG002 - the listener's signature
        """Ask for what a dependency set that is now known names, if it is the guess's."""
        name = project.view.name
        guess = self._guesses.get(name)
        if guess is not None and guess[0] == bit_of(release):
            self._guesses[name] = (guess[0], found)
            self._work.append(name)
            self._run()

    def _run(self) -> None:
        """Work the queue off; calls that come from inside only add to it, so the stack stays flat."""
        if self._working:
            return
        self._working = True
        try:
            while self._work:
                self._look(self._work.popleft())
        finally:
            self._working = False

    def _look(self, name: str) -> None:
        if self._mirror.peek(name) is None:
            return
        candidate = self._candidates.candidate(name)
        if not isinstance(candidate, Candidate) or not candidate.usable:
            return
        bit = self._guess(name, candidate)
        known = self._guesses.get(name)
        if known is None or known[0] != bit:
            release = release_of(bit)
            if release < candidate.project.view.classified:
                state = self._mirror.files.want(candidate.project, release)
                if state is not FilesState.AVAILABLE:
                    return  # guessed again once they are there; where they never will be, the solver meets the failure
            try:
                number = candidate.file_kind_of(release)
            except MirrorError:
                return  # likewise
            file_kind = None if number is None else candidate.metadata_kind(release, number)
            found = candidate.project.view.dependency_set(release, file_kind) if file_kind is not None else None
            known = self._guesses[name] = (bit, found)
            if found is None and file_kind is not None and candidate.project.view.file_kinds[file_kind].tags != SDIST:
                self._mirror.want_dependencies(candidate.project, release, file_kind)
        if known[1] is not None:
            self._expand(name, bit, known[1])

    def _guess(self, name: str, candidate: Candidate) -> int:
        """Return the best release that every specifier met so far admits; one that leaves nothing is passed over."""
        mask = candidate.usable
        for specifier in self._specifiers.get(name, {}).values():
            narrowed = mask & self._candidates.admitted(name, specifier)
            mask = narrowed or mask
        return self._candidates.choose(name, mask)

    def _expand(self, name: str, bit: int, found: DependencySet) -> None:
        for extra in (BASE, *sorted(self._extras.get(name, ()))):
            if (name, bit, extra) in self._expanded:
                continue
            self._expanded.add((name, bit, extra))
            try:
                wanted = self._candidates.active(found, extra)
            except MirrorError:
                continue  # the solver will meet the same line, and say so
            if not self._candidates.policy.ignores_dependencies:
                self.ask(wanted)
