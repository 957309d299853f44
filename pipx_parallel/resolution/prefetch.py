"""Speculative prefetch: request the facts of a solution without conflicts as early as possible, ahead of the solver.

When a listing arrives, the dependencies of its best candidate are requested; when these arrive, their projects are. So the time
of a cold resolve depends on the depth of the dependency graph, not on its size. Guesses are only narrowed: each new specifier
moves the guess to the best release that satisfies all. Guesses do not affect the result; a wrong guess costs a request.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.records.dependency_sets import BASE
from mirror.records.filenames import SDIST
from mirror.session.page_loader import FilesState
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.package_keys import is_extra
from pipx_parallel.resolver.masks import bit_of, release_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mirror.records.dependency_sets import DependencySet
    from mirror.records.model import CompiledSpecifier, Dependency
    from mirror.records.project import Project
    from mirror.session.mirror import Mirror
    from pipx_parallel.resolution.candidates import Candidates


class Speculation:
    """A ``mirror.session.results.Listener`` that requests what the solver will probably need."""

    def __init__(self, mirror: Mirror, candidates: Candidates, bounds: Sequence[Dependency] = ()) -> None:
        """Start without guesses; ``ask`` begins with the roots. ``bounds`` are the constraints."""
        self._bounds: dict[str, list[CompiledSpecifier]] = {}
        for bound in bounds:
            self._bounds.setdefault(bound.name, []).append(bound.specifier)
        self._mirror = mirror
        self._candidates = candidates
        self._specifiers: dict[str, dict[str, CompiledSpecifier]] = {}
        self._extras: dict[str, set[str]] = {}
        self._guesses: dict[str, tuple[int, DependencySet | None]] = {}
        self._expanded: set[tuple[str, int, str]] = set()
        self._work: deque[str] = deque()
        self._working = False

    def ask(self, wanted: list[Dependency]) -> None:
        """Request these projects; the guess of a project that is already loaded may move."""
        for dependency in wanted:
            specifiers = self._specifiers.setdefault(dependency.name, {})
            moved = dependency.specifier.text not in specifiers
            specifiers[dependency.specifier.text] = dependency.specifier
            extras = self._extras.setdefault(dependency.name, set())
            if moved or not extras.issuperset(dependency.extras):
                extras.update(dependency.extras)
                self._work.append(dependency.name)
        self._candidates.facts.want(wanted)
        self._run()

    def listed(self, project: Project) -> None:
        """Handle a project's listing: guess a release, and request its dependencies."""
        self._work.append(project.view.name)
        self._run()

    def learned(self, project: Project, release: int, file_kind: int, dependency_set: DependencySet) -> None:  # noqa: ARG002 - the listener's signature
        """Handle a dependency set: request its projects if it is that of the guess."""
        name = project.view.name
        guess = self._guesses.get(name)
        if guess is not None and guess[0] == bit_of(release):
            self._guesses[name] = (guess[0], dependency_set)
            self._work.append(name)
            self._run()

    def _run(self) -> None:
        """Process the queue; nested calls only add to it, so there is no recursion."""
        if self._working:
            return
        self._working = True
        try:
            while self._work:
                self._look(self._work.popleft())
        finally:
            self._working = False

    def _look(self, name: str) -> None:
        wanted = name in self._specifiers or self._candidates.policy.locked_version(name)
        if not wanted or self._candidates.facts.peek(name) is None:
            return  # a project that only a constraint names is not followed
        candidate = self._candidates.candidate(name)
        if not isinstance(candidate, Candidate) or not candidate.usable:
            return
        bit = self._guess(name, candidate)
        guess = self._guesses.get(name)
        if guess is None or guess[0] != bit:
            release = release_of(bit)
            if release < candidate.project.view.classified:
                state = self._mirror.files.want(candidate.project, release)
                if state is not FilesState.AVAILABLE:
                    return  # guessed again when they arrive; a failure is reported by the solver
            try:
                number = candidate.file_kind_of(release)
            except MirrorError:
                return  # reported by the solver
            file_kind = None if number is None else candidate.metadata_kind(release, number)
            dependency_set = (
                candidate.project.view.dependency_set(release, file_kind) if file_kind is not None else None
            )
            guess = self._guesses[name] = (bit, dependency_set)
            if (
                dependency_set is None
                and file_kind is not None
                and candidate.project.view.file_kinds[file_kind].tags != SDIST
            ):
                self._mirror.want_dependencies(candidate.project, release, file_kind)
        if guess[1] is not None:
            self._expand(name, bit, guess[1])

    def _guess(self, name: str, candidate: Candidate) -> int:
        """Return the best release that all specifiers so far admit; a specifier that leaves no release is ignored."""
        mask = candidate.usable
        for specifier in (*self._bounds.get(name, ()), *self._specifiers.get(name, {}).values()):
            narrowed = mask & self._candidates.admitted(name, specifier)
            mask = narrowed or mask
        return self._candidates.choose(name, mask)

    def _expand(self, name: str, bit: int, dependency_set: DependencySet) -> None:
        for extra in (BASE, *sorted(self._extras.get(name, ()))):
            if (name, bit, extra) in self._expanded:
                continue
            self._expanded.add((name, bit, extra))
            try:
                wanted = self._candidates.active(dependency_set, extra)
            except MirrorError:
                continue  # reported by the solver
            if not self._candidates.policy.ignores_dependencies:
                self.ask(wanted)


class _Together:
    """A ``Listener`` that looks ahead for several targets: what they need of a project is requested together."""

    def __init__(self, speculations: Iterable[Speculation]) -> None:
        self._speculations = tuple(speculations)

    def listed(self, project: Project) -> None:
        for speculation in self._speculations:
            speculation.listed(project)

    def learned(self, project: Project, release: int, file_kind: int, dependency_set: DependencySet) -> None:
        for speculation in self._speculations:
            speculation.learned(project, release, file_kind, dependency_set)


def request_chosen(chosen: Mapping[str, int], candidates: Candidates, others: Candidates) -> None:
    """Request the dependencies that the releases chosen for one target have for another one."""
    same_python = candidates.rules.python == others.rules.python
    for name, bit in chosen.items():
        candidate = None if is_extra(name) else candidates.candidate(name)
        if not isinstance(candidate, Candidate) or candidate.project is not others.facts.peek(name):
            continue
        if not (same_python and candidate.has_equals(release_of(bit))):
            others.prepare_dependencies(name, (bit,))


def look_ahead(mirror: Mirror, searches: Sequence[tuple[Candidates, list[Dependency], list[Dependency]]]) -> None:
    """Request what searches will probably need; ``searches`` has what each may choose, its roots and its constraints."""
    if not searches:
        return
    speculations = [Speculation(mirror, candidates, bounds) for candidates, _, bounds in searches]
    mirror.listener = _Together(speculations) if len(speculations) > 1 else speculations[0]
    for speculation, (_, wanted, _) in zip(speculations, searches, strict=True):
        speculation.ask(wanted)
