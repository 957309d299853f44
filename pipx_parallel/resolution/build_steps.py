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
from pipx_parallel.resolver.masks import between, nearest_above, nearest_below
from pipx_parallel.resolver.ports import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pipx_parallel.resolver.ports import CandidateSource, Edge


class BuildSteps(NamedTuple):
    """Which releases a search withholds; projects by name, releases by solver bit."""

    vain: Mapping[str, int] = {}  # the releases that were built in vain, as masks
    reach: Mapping[str, int] = {}  # how many releases next to the oldest of these are withheld
    floors: Mapping[str, int] = {}  # the newest release of a solution, or one above it up to which no other is possible
    read: Mapping[str, int] = {}  # the releases whose dependencies are known, as masks

    def withheld(self, package: str) -> int:
        """Return the releases of a project, as a mask, that the search may not choose before they are built."""
        vain, floor = self.vain.get(package, 0), self.floors.get(package)
        if floor is not None:
            return between(self._middle(package, floor), self._ceiling(package, floor))
        oldest = nearest_above(vain, 0)
        return between(oldest - 1 - min(self.reach[package], oldest // 2), oldest) if vain else 0

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
        reach, floors = dict(self.reach), dict(self.floors)
        for package in self.vain if chosen is not None else open_:
            floor = floors.get(package)
            if chosen is not None and package in chosen and (floor is None or chosen[package] > floor):
                floors[package] = chosen[package]
            elif floor is not None:
                floors[package] = self._middle(package, floor)
            else:
                reach[package] = reach[package] // 2 if chosen is None else 0
        return self._replace(reach=reach, floors=floors)

    def assumed(self, package: str, bit: int, source: CandidateSource) -> Sequence[Edge]:
        """Return the bounded dependencies that both neighbours of a release have, each the wider one of the two."""
        read = self.read.get(package, 0)
        neighbours = nearest_below(read, bit), nearest_above(read, bit)
        if not all(neighbours):
            return ()
        rows: list[dict[str, Edge]] = []
        for neighbour in neighbours:
            edges = source.dependencies(package, neighbour)
            own = () if isinstance(edges, Unavailable) else edges
            rows.append({edge.package: edge for edge in own if source.switch_of(edge.package) is None})
        pairs = [(edge, rows[1][name]) for name, edge in rows[0].items() if name in rows[1]]
        wider = [max(pair, key=_top) for pair in pairs]
        return [edge for edge in wider if 0 < _top(edge) < source.newest(edge.package)]

    def _ceiling(self, package: str, floor: int) -> int:
        """Return the oldest release built in vain that is newer than ``floor``; ``floor`` if there is none."""
        return nearest_above(self.vain[package], floor) or floor

    def _middle(self, package: str, floor: int) -> int:
        return (floor + self._ceiling(package, floor)) // 2


def _contradicts(edges: Sequence[Edge] | Unavailable, chosen: Mapping[str, int]) -> bool:
    """Return whether a release with these dependencies cannot be part of a solution."""
    return isinstance(edges, Unavailable) or any(
        edge.package in chosen and not edge.mask >> chosen[edge.package] & 1 for edge in edges
    )


def _top(edge: Edge) -> int:
    return edge.mask.bit_length() - 1
