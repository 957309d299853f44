"""Try first choices without a search: most targets can have the releases that were chosen for the one before.

Each package gets its first choice (``CandidateSource.choose``) among what the first requirement on it admits. If everything
that is needed then fits, this is an answer, and no better one exists: every package is at its first choice.

At first, only the releases that other targets have are tried, with the edges that were worked out for these targets. The mask of
an edge is the same for all targets where it matters: for a final release that is not yanked. So the releases of a project need not
be checked against each target, but for the chosen one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.records.dependency_sets import BASE, DependencySet
from mirror.records.model import FetchFailure
from pipx_parallel.resolution.package_keys import base_of, extra_of, is_extra
from pipx_parallel.resolution.policy import bit_in
from pipx_parallel.resolution.shared_releases import accepts
from pipx_parallel.resolution.source_archives import NOT_BUILT
from pipx_parallel.resolver.masks import release_of
from pipx_parallel.resolver.outcome import Counts, DependencyEdge, Solution
from pipx_parallel.resolver.ports import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mirror.records.model import Dependency
    from pipx_parallel.resolution.candidate import Candidate
    from pipx_parallel.resolution.candidates import Candidates
    from pipx_parallel.resolution.shared_choices import Settled, SharedChoices
    from pipx_parallel.resolver.ports import Edge, RootEdge

_NO_SEARCH = Counts(0, 0, 0)


def first_choices(
    candidates: Candidates, roots: Sequence[RootEdge], bounds_of: Callable[[str], Sequence[RootEdge]]
) -> Solution | None:
    """Return the answer in which every package is at its first choice; None if that is none, or takes a last resort.

    ``bounds_of`` returns the constraints that are not in ``roots``, by package.
    """
    wanted = [root.edge for root in roots if not root.constraint]
    for attempt in (_SharedChoices, FirstChoices):
        answer = attempt(candidates, roots, bounds_of).run(wanted)
        if answer is not None:
            return answer
    return None


class FirstChoices:
    """One attempt."""

    def __init__(
        self, candidates: Candidates, roots: Sequence[RootEdge], bounds_of: Callable[[str], Sequence[RootEdge]]
    ) -> None:
        """Take what may be chosen, the roots, and what returns the constraints that are not in ``roots``."""
        self.candidates = candidates
        self.bounds_of = bounds_of
        self.bounds: dict[str, int] = {}
        for root in roots:  # the lines of the user bound a package wherever it is needed
            package = root.edge.package
            self.bounds[package] = self.bounds.get(package, -1) & root.edge.mask
        self.chosen: dict[str, int] = {}
        self.queue: list[str] = []

    def run(self, wanted: Sequence[Edge]) -> Solution | None:
        """Follow the edges from the roots; return the solution, or None if a choice does not fit."""
        dependencies: list[DependencyEdge] = []
        if not all(map(self._take, wanted)):
            return None
        for package in self.queue:  # grows while it is read
            parent, switch = (base_of(package), package) if is_extra(package) else (package, None)
            bit = self.chosen[parent]
            edges = self._edges(parent, bit, switch)
            if isinstance(edges, Unavailable):
                return None
            for edge in edges:
                dependencies.append(DependencyEdge(parent, switch, edge))
                if not self._take(edge):
                    return None
        return Solution(self.chosen, dependencies, {}, _NO_SEARCH)

    def _edges(self, parent: str, bit: int, switch: str | None) -> Sequence[Edge] | Unavailable:
        edges = self.candidates.dependencies(parent, bit, switch)
        return Unavailable("not built") if self.candidates.dependency_set(parent, bit) is NOT_BUILT else edges

    def _take(self, edge: Edge) -> bool:
        """Choose the package if it is not chosen yet; return whether the edge is satisfied."""
        package = edge.package
        if package not in self.chosen:
            bit = self._first_choice(edge)
            if bit is None:
                return False
            self.chosen[package] = bit
            self.queue.append(package)
        return bool(edge.mask >> self.chosen[package] & 1)

    def _first_choice(self, edge: Edge) -> int | None:
        package = edge.package
        if is_extra(package):
            base = base_of(package)
            return 1 if base in self.chosen and self.candidates.has_extra(base, self.chosen[base], package) else None
        mask = self._allowed(edge)
        return self.candidates.choose(package, mask) if mask else None

    def _allowed(self, edge: Edge) -> int:
        """Return the releases that the target may install and that an edge and the lines of the user allow."""
        mask = self._installable(edge.package) & edge.mask & self.bounds.get(edge.package, -1)
        for bound in self.bounds_of(edge.package):
            mask &= bound.edge.mask
        return mask

    def _installable(self, package: str) -> int:
        """Return the releases that the target may install."""
        domain = self.candidates.domain(package)
        return 0 if isinstance(domain, Unavailable) else domain


class _SharedChoices(FirstChoices):
    """One attempt with the releases and edges of other targets; a package that no other target has is chosen as ever.

    What a target with the same Python has found of a release whose files are for any platform is not looked at again.
    """

    is_own = True  # whether the masks of the edges that are looked at were worked out for this target

    def __init__(
        self, candidates: Candidates, roots: Sequence[RootEdge], bounds_of: Callable[[str], Sequence[RootEdge]]
    ) -> None:
        super().__init__(candidates, roots, bounds_of)
        self.settled: dict[str, Settled] = {}
        self.shared = candidates.policy.shared

    def _edges(self, parent: str, bit: int, switch: str | None) -> Sequence[Edge] | Unavailable:
        """Return edges as ``CandidateSource.dependencies`` does; those of another target if the same requirements hold."""
        of = parent, bit, BASE if switch is None else extra_of(switch)
        shared, settled = self.shared, self.settled.get(parent)
        edges: Sequence[Edge] | Unavailable | None = None if settled is None else settled.edges.get(of[2])
        self.is_own = edges is None
        if edges is not None:
            return edges
        wanted = self._wanted(*of)
        if shared is None or wanted is None:
            return super()._edges(parent, bit, switch)
        edges = shared.edges(of, wanted)
        self.is_own = edges is None
        if edges is None:
            edges = super()._edges(parent, bit, switch)
            if isinstance(edges, Unavailable):
                return edges
            shared.add_edges(of, wanted, edges)
        if settled is not None:
            shared.add_settled_edges(settled, of[2], self._stated(*of), wanted)
        return edges

    def _stated(self, parent: str, bit: int, extra: str) -> Sequence[Dependency]:
        dependency_set = self.candidates.dependency_set(parent, bit)
        return dependency_set.dependencies(extra) if isinstance(dependency_set, DependencySet) else ()

    def _wanted(self, parent: str, bit: int, extra: str) -> Sequence[Dependency] | None:
        """Return the requirements that hold in the target; None if something is unusual about the release."""
        candidates = self.candidates
        dependency_set = candidates.dependency_set(parent, bit)
        if candidates.policy.ignores_dependencies or not isinstance(dependency_set, DependencySet):
            return None
        if extra == BASE and not candidates.rules.python_allowed(dependency_set.requires_python):
            return None
        try:
            return candidates.active(dependency_set, extra)
        except MirrorError:
            return None

    def _first_choice(self, edge: Edge) -> int | None:
        package, policy, shared = edge.package, self.candidates.policy, self.shared
        versions = shared.pins.get(package) if shared is not None and not is_extra(package) else None
        if shared is None or not versions or policy.has_guard or policy.locked_version(package) is not None:
            return super()._first_choice(edge) if self.is_own or is_extra(package) else None
        bit = self._as_good(shared, package, next(iter(versions)))
        if bit is None:
            return None
        mask = edge.mask & self.bounds.get(package, -1)
        for bound in self.bounds_of(package):
            mask &= bound.edge.mask
        return bit if mask >> bit & 1 else None

    def _as_good(self, shared: SharedChoices, package: str, version: str) -> int | None:
        """Return the bit of a version if the target can install it, and would not rather have a newer one."""
        settled = self.candidates.facts.settled(package)
        if settled is None or settled.version != version:
            candidate = self.candidates.candidate(package)
            bit = None if isinstance(candidate, FetchFailure) else self._checked(candidate, version)
            if bit is None or isinstance(candidate, FetchFailure):
                return None
            release = release_of(bit)
            if not (candidate.has_equals(release) and candidate.has_wheel(release)):
                return bit
            settled = shared.add_settled(candidate.project, version, bit, self.candidates.rules.python)
        self.settled[package] = settled
        return settled.bit

    def _checked(self, candidate: Candidate, version: str) -> int | None:
        bit = bit_in(candidate.project.view, version, candidate.finals & ~candidate.later)
        if bit is None:
            return None
        try:
            file_kind = candidate.file_kind_of(release_of(bit))
        except MirrorError:
            return None
        if file_kind is None or candidate.project.view.file_kinds[file_kind].yanked:
            return None
        return bit if accepts(self.candidates.policy, candidate, bit) else None
