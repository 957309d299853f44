"""Try the pins of an existing lock without a search: most runs change nothing that excludes one of them.

If every project that is needed has a pin, and the pins satisfy each other and the lines of the user, they are the answer of the
search: each project is at its first choice, so that nothing is nearer to it, and no release beside the pins is read. Lines may
have been added, changed or removed since, as long as no pin has to move.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mirror.records.model import FetchFailure
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.first_choices import FirstChoices
from pipx_parallel.resolution.package_keys import is_extra
from pipx_parallel.resolver.outcome import Held, held_down_to, left_by
from pipx_parallel.resolver.terms import Bound, Dependency, Required

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipx_parallel.resolution.candidates import Candidates
    from pipx_parallel.resolver.outcome import Fact, Solution
    from pipx_parallel.resolver.ports import Edge, RootEdge


def kept_pins(
    candidates: Candidates, roots: Sequence[RootEdge], bounds_of: Callable[[str], Sequence[RootEdge]]
) -> Solution | None:
    """Return the answer that consists of pins of an existing lock; None if a search has to find one.

    ``bounds_of`` returns the constraints that are not in ``roots``, by package.
    """
    return _KeptPins(candidates, roots, bounds_of).answer()


class _KeptPins(FirstChoices):
    """One attempt."""

    def __init__(
        self, candidates: Candidates, roots: Sequence[RootEdge], bounds_of: Callable[[str], Sequence[RootEdge]]
    ) -> None:
        super().__init__(candidates, roots, bounds_of)
        self.roots = roots
        self.wanted = {root.edge.package for root in roots if not root.constraint}

    def answer(self) -> Solution | None:
        solution = self.run([root.edge for root in self.roots if not root.constraint])
        return None if solution is None else solution._replace(held=self._held(solution))

    def _first_choice(self, edge: Edge) -> int | None:
        """Return the pin; None if there is none that may be chosen.

        An extra that the release lacks is a last resort if a line of the user asks for it, and adds nothing otherwise.
        """
        package, candidates = edge.package, self.candidates
        if is_extra(package):
            return super()._first_choice(edge) if package in self.wanted else 1
        if candidates.policy.locked_version(package) is None:
            return None
        candidate = candidates.candidate(package)
        if isinstance(candidate, FetchFailure):
            return None
        return candidates.policy.preferred_bit(package, candidate.project.view, self._allowed(edge))

    def _installable(self, package: str) -> int:
        """Return all releases unless a policy refuses some: whether a pin can be installed shows when its metadata is read."""
        policy = self.candidates.policy
        refuses = policy.has_guard or not policy.allowed_releases(package, 1, finals=0)
        return super()._installable(package) if refuses else -1

    def _held(self, solution: Solution) -> dict[str, Held]:
        """Return what excludes the best release of each project whose pin is another one, as the search does."""
        on, lines = _dependencies_on(solution), self._lines()
        held: dict[str, Held] = {}
        for name, bit in solution.chosen.items():
            candidate = None if is_extra(name) else self.candidates.candidate(name)
            if not isinstance(candidate, Candidate) or len(candidate.project.view.versions) <= bit:
                continue  # nothing is newer
            domain = candidate.usable
            if domain.bit_length() - 1 <= bit:
                continue
            best = self.candidates.best(name, domain)
            if best != bit:
                rows, dependencies = (*lines.get(name, ()), *self.bounds_of(name)), on.get(name, ())
                for root in rows:
                    domain &= root.edge.mask
                explain = partial(_excluders, rows, dependencies)
                held[name] = held_down_to(
                    bit, explain(best), domain, partial(self.candidates.best, name), explain, partial(_left, name)
                )
        return held

    def _lines(self) -> Mapping[str, Sequence[RootEdge]]:
        """Return the requirements and constraints among the roots by project."""
        lines: dict[str, list[RootEdge]] = {}
        for root in self.roots:
            lines.setdefault(root.edge.package, []).append(root)
        return lines


def _dependencies_on(solution: Solution) -> Mapping[str, Sequence[Dependency]]:
    """Return the dependencies of the chosen releases by the project that they are on."""
    edges: dict[str, dict[tuple[str, str | None], list[Edge]]] = {}
    for parent, switch, edge in solution.dependencies:
        edges.setdefault(edge.package, {}).setdefault((parent, switch), []).append(edge)
    return {
        child: [Dependency(parent, switch, tuple(own)) for (parent, switch), own in rows.items()]
        for child, rows in edges.items()
    }


def _left(name: str, mask: int, held: Held) -> int:
    """Return the releases of a mask that are not excluded by the facts that exclude another release."""
    for fact in held.by:
        mask = left_by(fact, name, mask)
    return mask


def _excluders(rows: Sequence[RootEdge], dependencies: Sequence[Dependency], release: int) -> Held:
    """Return the lines of the user and the dependencies that exclude a release."""
    facts: list[Fact] = [
        (Bound if root.constraint else Required)(root.label, root.edge)
        for root in rows
        if not root.edge.mask >> release & 1
    ]
    facts += [row for row in dependencies if not all(edge.mask >> release & 1 for edge in row.edges)]
    return Held(release, tuple(facts))
