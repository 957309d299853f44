"""What all searches for one target share: its rules, the policy, the user's hashes, and every project.

And the releases that a specifier admits there (``Admissions``); pre-releases and yanked releases are withheld if there are others.
Releases that only a later index has are withheld like yanked releases: only a pin admits them. Withheld releases are recorded, so
that a search without a solution can be repeated with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.records.dependency_sets import BASE, DependencySet
from mirror.records.model import FetchFailure, admitted_by
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.package_keys import base_of, extra_of, is_extra
from pipx_parallel.resolution.source_archives import ArchiveHistory
from pipx_parallel.resolver.masks import bit_of, mask_of, release_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mirror.ports import Intervals
    from mirror.records.model import CompiledSpecifier, Dependency
    from mirror.records.project import Project
    from mirror.session.mirror import Mirror
    from pipx_parallel.resolution.hash_rules import HashRules
    from pipx_parallel.resolution.policy import Policy
    from pipx_parallel.resolution.shared_choices import Settled
    from pipx_parallel.targets.rules import TargetRules


class TargetFacts:
    """The facts of one target."""

    __slots__ = (
        "_candidates", "_domains", "archives", "directs", "hashes", "met_pins", "mirror", "pinned", "policy", "rules",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913, PLR0917 - its facts
        self,
        mirror: Mirror,
        rules: TargetRules,
        policy: Policy,
        pinned: Mapping[str, Sequence[CompiledSpecifier]],
        hashes: HashRules,
        directs: Mapping[str, Project] | None = None,
    ) -> None:
        """Take the facts; ``pinned`` has, per project, the pins of the user's lines and of the lock (PEP 592).

        ``directs`` are the projects of the target's direct references: no index is asked for them.
        """
        self.mirror = mirror
        self.directs = directs or {}
        self.rules = rules
        self.policy = policy
        self.pinned = pinned
        self.hashes = hashes
        self.met_pins: dict[str, list[Intervals]] = {}  # what dependencies pin, as far as the solver has asked
        self.archives = ArchiveHistory()
        self._candidates: dict[str, Candidate | FetchFailure] = {}
        self._domains: dict[str, int | str] = {}

    def candidate(self, name: str) -> Candidate | FetchFailure:
        """Return a project for the target; wait until it is loaded."""
        candidate = self._candidates.get(name)
        if candidate is None:
            project = self.directs.get(name) or self.mirror.project(name)
            try:
                candidate = project if isinstance(project, FetchFailure) else self._candidate_of(project)
            except MirrorError as error:  # a policy checks old releases whose files are not available
                candidate = FetchFailure(name, None, error)
            self._candidates[name] = candidate
        return candidate

    def peek(self, name: str) -> Project | FetchFailure | None:
        """Return a project, or why it is not available; None if it was not loaded yet."""
        return self.directs.get(name) or self.mirror.peek(name)

    def want(self, wanted: Iterable[Dependency]) -> None:
        """Request the projects of these requirements from the mirror, in parallel; waits for nothing."""
        admits = admitted_by([row for row in wanted if row.name not in self.directs])
        self.mirror.want_projects(admits, admits)

    def want_all(self, names: Iterable[str]) -> None:
        """Request the projects of these names, as ``want`` does."""
        self.mirror.want_projects([name for name in names if name not in self.directs])

    def settled(self, name: str, bit: int | None = None) -> Settled | None:
        """Return a release (``bit``, or the only one) that the target has exactly as another one with the same Python."""
        shared = self.policy.shared
        settled = None if shared is None else shared.settled.get((name, *self.rules.python))
        if settled is None or settled.project is not self.peek(name) or bit not in {None, settled.bit}:
            return None
        return settled

    def _candidate_of(self, project: Project) -> Candidate:
        shared = self.policy.shared
        if shared is None or project.reference is not None:
            return Candidate(project, self.rules, self.policy)
        key = (project.view.name, *self.rules.python)
        same = shared.candidates.get(key)
        if isinstance(same, Candidate) and same.project is project:
            return same.for_rules(self.rules, self.policy)
        candidate = Candidate(project, self.rules, self.policy)
        if shared.is_pure(project, lambda: candidate.is_pure):
            candidate.is_shared = True
            shared.candidates[key] = candidate
        return candidate

    def usable(self, name: str) -> int | str:
        """Return the releases that the target may install, or the reason why there are none."""
        usable = self._domains.get(name)
        if usable is None:
            candidate = self.candidate(name)
            if isinstance(candidate, FetchFailure):
                usable = str(candidate.error)
            else:
                usable = candidate.usable or self.policy.why_nothing_is_usable(candidate.project.view, self.rules)
            self._domains[name] = usable
        return usable

    def active(self, dependency_set: DependencySet, extra: str) -> list[Dependency]:
        """Return the dependencies of an extra whose markers hold in the target. Raises ``Malformed``."""
        holds = self.rules.marker_holds
        return [
            replaced
            for dependency in dependency_set.dependencies(extra)
            if holds(dependency.marker, extra)
            for replaced in self.policy.replaced(dependency)
        ]


class Admissions:
    """The masks of specifiers, cached."""

    def __init__(self, facts: TargetFacts, refused: Mapping[str, int] | None) -> None:
        """Withhold pre-releases and yanked releases, or with ``refused`` only these releases (a mask per project)."""
        self.withheld: set[str] = set()  # projects with withheld pre-releases or yanked releases
        self.refused = refused
        self._candidate = facts.candidate
        self._policy = facts.policy
        self._pinned = facts.pinned
        self._masks: dict[tuple[str, str], int] = {}

    def admitted(self, name: str, specifier: CompiledSpecifier) -> int:
        """Return the releases that a specifier admits; yanked releases only if it or the user pins them (PEP 592)."""
        key = (name, specifier.text)
        mask = self._masks.get(key)
        if mask is None:
            mask = self._masks[key] = self._admitted(name, specifier)
        return mask

    def withholds_yanked(self, candidate: Candidate, name: str, bit: int) -> bool:
        """Return whether a release, only now known to be yanked, is withheld; record it if so."""
        if self.refused is not None or (candidate.yanked | self.pinned_among(name, 1 << bit)) >> bit & 1:
            return False
        self.withheld.add(name)
        return True

    def _admitted(self, name: str, specifier: CompiledSpecifier) -> int:
        candidate = self._candidate(name)
        if isinstance(candidate, FetchFailure):
            return 0
        view = candidate.project.view
        mask = mask_of(view.keys, specifier.intervals)
        if specifier.literal is not None:  # PEP 440, arbitrary equality: compare the text
            wanted = specifier.literal.lower()
            mask &= sum(
                [1 << bit_of(index) for index, version in enumerate(view.versions) if version.lower() == wanted]
            )
        if self.refused is not None:
            return mask & ~self.refused.get(name, 0)
        before = mask
        withheld = candidate.yanked | candidate.later
        if withheld and not specifier.pins:
            mask &= ~withheld | self.pinned_among(name, withheld)
        if view.prereleases and not specifier.prereleases and not self._policy.takes_prereleases(name):
            finals = candidate.finals | self.pinned_among(name, ~candidate.finals)
            mask = mask & finals if mask & ~finals and candidate.has_usable(mask & finals) else mask
        if mask != before and candidate.has_usable(mask ^ before):  # one that cannot be installed matters to no search
            self.withheld.add(name)
        return mask

    def pinned_among(self, name: str, withheld: int) -> int:
        """Return the releases of a mask that a line of the user or an existing lock pins."""
        candidate = self._candidate(name)
        allowed = 0
        if isinstance(candidate, Candidate):
            for specifier in self._pinned.get(name, ()):
                allowed |= mask_of(candidate.project.view.keys, specifier.intervals)
        return allowed & withheld


def conditions_of(
    chosen: Mapping[str, int], facts: TargetFacts, dependency_set_of: Callable[[str, int], object]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the markers of everything that was chosen, with their extras, and the Requires-Python values.

    The answer holds for another Python if these have the same values there.
    """
    markers: list[tuple[str, str]] = []
    specifiers: list[str] = []
    for package, bit in chosen.items():
        name, extra = (base_of(package), extra_of(package)) if is_extra(package) else (package, BASE)
        bit = chosen.get(name, bit)  # noqa: PLW2901 - an extra has the release of its project
        settled = facts.settled(name, bit)
        rows = None if settled is None else settled.conditions.get(extra)
        if rows is None:
            rows = _conditions_of_release(facts.candidate(name), dependency_set_of(name, bit), bit, extra)
            if settled is not None:
                settled.conditions[extra] = rows
        markers += rows[0]
        specifiers += rows[1]
    return markers, specifiers


def _conditions_of_release(
    candidate: Candidate | FetchFailure, dependency_set: object, bit: int, extra: str
) -> tuple[Sequence[tuple[str, str]], Sequence[str]]:
    """Return the markers and the Requires-Python values of one release."""
    if not (isinstance(candidate, Candidate) and isinstance(dependency_set, DependencySet)):
        return (), ()
    try:
        markers = [(row.marker, extra) for row in dependency_set.dependencies(extra) if row.marker]
        file_kind = candidate.file_kind_of(release_of(bit))
    except MirrorError:
        return (), ()  # what cannot be read was reported
    stated = None if file_kind is None else candidate.project.view.file_kinds[file_kind].requires_python
    return markers, [text for text in (stated, dependency_set.requires_python) if text]
