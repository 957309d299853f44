"""Find the newest release that a solution can have in a history of releases that need a build, with few builds.

The releases of a history mostly state the bounds that their neighbours state. So a release that is not built is assumed to state
the upper bounds that the nearest known releases on both sides state. A release is built *in vain* if its metadata contradicts the
solution that it was built for; then the releases next to it are withheld from the search, in doubling distances. Once there is a
solution, the releases between it and the nearest newer one built in vain are halved until none is left. The last search withholds
nothing. An assumption never is the reason why there is no solution: without one, the search is repeated without assumptions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from pipx_parallel.resolver.masks import between
from pipx_parallel.resolver.ports import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pipx_parallel.resolver.ports import CandidateSource, Edge


class BuildSteps(NamedTuple):
    """Which releases a search withholds; projects by name, releases by solver bit."""

    vain: Mapping[str, int] = {}  # the releases that were built in vain, as masks
    reach: Mapping[str, int] = {}  # how many releases next to the oldest of these are withheld
    found: Mapping[str, int] = {}  # the newest release of a solution, or one above it up to which no other is possible
    known: Mapping[str, int] = {}  # the releases whose dependencies are known, as masks

    def withheld(self, package: str) -> int:
        """Return the releases of a project, as a mask, that the search may have only if they are built."""
        vain, found = self.vain.get(package, 0), self.found.get(package)
        if not vain:
            return 0
        if found is None:
            oldest = _lowest(vain)
            return between(oldest - 1 - min(self.reach[package], oldest // 2), oldest)
        return between(self._middle(package, found), self._nearest(package, found))

    def following(
        self,
        chosen: Mapping[str, int] | None,
        built: Iterable[tuple[str, int]],
        edges_of: Callable[[str, int], Sequence[Edge] | Unavailable],
    ) -> BuildSteps | None:
        """Return the next step after a search (``chosen`` is None if there was no solution) and builds; None if there is none."""
        vain, reach, has_built = dict(self.vain), dict(self.reach), False
        for package, bit in built:
            has_built = True
            if chosen is not None and _contradicts(edges_of(package, bit), chosen):
                vain[package] = vain.get(package, 0) | 1 << bit
                reach[package] = 2 * reach.get(package, 0) + 1
        return self._replace(vain=vain, reach=reach) if has_built else self._after_search(chosen)

    def _after_search(self, chosen: Mapping[str, int] | None) -> BuildSteps | None:
        open_ = [package for package in self.vain if self.withheld(package)]
        if not open_:
            return None
        reach, found = dict(self.reach), dict(self.found)
        for package in self.vain if chosen is not None else open_:
            before = found.get(package)
            if chosen is not None and package in chosen and (before is None or chosen[package] > before):
                found[package] = chosen[package]
            elif before is not None:
                found[package] = self._middle(package, before)
            else:
                reach[package] = reach[package] // 2 if chosen is None else 0
        return self._replace(reach=reach, found=found)

    def assumed(self, package: str, bit: int, source: CandidateSource) -> Sequence[Edge]:
        """Return the bounded dependencies that both known neighbours of a release have, each the wider one of the two."""
        known = self.known.get(package, 0)
        older, newer = known & (1 << bit) - 1, known >> bit + 1
        if not older or not newer:
            return ()
        bounded: list[dict[str, Edge]] = []
        for neighbour in (older.bit_length() - 1, bit + 1 + _lowest(newer)):
            edges = source.dependencies(package, neighbour)
            rows = () if isinstance(edges, Unavailable) else edges
            bounded.append({row.package: row for row in rows if not source.switch_of(row.package)})
        return [
            edge if _top(edge) > _top(other) else other
            for name, edge in bounded[0].items()
            if (other := bounded[1].get(name)) and 0 < max(_top(edge), _top(other)) < source.newest(name)
        ]

    def _nearest(self, package: str, found: int) -> int:
        """Return the oldest release built in vain that is newer than ``found``, or the one after ``found``."""
        newer = self.vain[package] >> found + 1
        return found + 1 + (_lowest(newer) if newer else 0)

    def _middle(self, package: str, found: int) -> int:
        return (found + self._nearest(package, found)) // 2


def _contradicts(edges: Sequence[Edge] | Unavailable, chosen: Mapping[str, int]) -> bool:
    """Return whether a release with these dependencies cannot be part of a solution."""
    return isinstance(edges, Unavailable) or any(
        edge.package in chosen and not edge.mask >> chosen[edge.package] & 1 for edge in edges
    )


def _top(edge: Edge) -> int:
    return edge.mask.bit_length() - 1


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1
