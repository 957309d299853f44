"""Try first choices without a search: most targets can have the releases that were chosen for the one before.

Each package gets its first choice (``CandidateSource.choose``) among what the first requirement on it admits. If everything
that is needed then fits, this is an answer, and no better one exists: every package is at its first choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolution.package_keys import base_of, is_extra
from pipx_parallel.resolution.source_archives import NOT_BUILT
from pipx_parallel.resolver.ports import Unavailable
from pipx_parallel.resolver.solution import DependencyEdge
from pipx_parallel.resolver.solver import Counts, Solution

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipx_parallel.resolution.candidates import Candidates
    from pipx_parallel.resolver.ports import Edge, RootEdge

_NO_SEARCH = Counts(0, 0, 0)


def first_choices(
    candidates: Candidates, roots: Sequence[RootEdge], bounds_of: Callable[[str], Sequence[RootEdge]]
) -> Solution | None:
    """Return the answer in which every package is at its first choice; None if that is none, or takes a last resort.

    ``bounds_of`` returns the constraints that are not in ``roots``, by package.
    """
    attempt = _FirstChoices(candidates, roots, bounds_of)
    return attempt.run([root.edge for root in roots if not root.constraint])


class _FirstChoices:
    """One attempt."""

    def __init__(
        self, candidates: Candidates, roots: Sequence[RootEdge], bounds_of: Callable[[str], Sequence[RootEdge]]
    ) -> None:
        self.candidates = candidates
        self.bounds_of = bounds_of
        self.bounds: dict[str, int] = {}
        for root in roots:  # the lines of the user bound a package wherever it is needed
            package = root.edge.package
            self.bounds[package] = self.bounds.get(package, -1) & root.edge.mask
        self.chosen: dict[str, int] = {}
        self.queue: list[str] = []

    def run(self, wanted: Sequence[Edge]) -> Solution | None:
        dependencies: list[DependencyEdge] = []
        if not all(map(self._take, wanted)):
            return None
        for package in self.queue:  # grows while it is read
            parent, switch = (base_of(package), package) if is_extra(package) else (package, None)
            bit = self.chosen[parent]
            edges = self.candidates.dependencies(parent, bit, switch)
            if isinstance(edges, Unavailable) or self.candidates.dependency_set(parent, bit) is NOT_BUILT:
                return None
            for edge in edges:
                dependencies.append(DependencyEdge(parent, switch, edge))
                if not self._take(edge):
                    return None
        return Solution(self.chosen, dependencies, {}, _NO_SEARCH)

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
        domain = self.candidates.domain(package)
        if isinstance(domain, Unavailable):
            return None
        mask = domain & edge.mask & self.bounds.get(package, -1)
        for bound in self.bounds_of(package):
            mask &= bound.edge.mask
        return self.candidates.choose(package, mask) if mask else None
