"""Several targets as one source of facts for the solver: a project has one release for all of them.

The solver's packages are here ``name`` (the release that the targets share), ``name@0`` (whether target 0 has the project) and
``name[extra]@0``; the last two are switches of the first. A project that is *apart* has a release for each target: its
``name@0`` is then a package of its own. So a solution is an answer for every target, with equal releases of all other projects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolution.package_keys import base_of, is_extra
from pipx_parallel.resolver.ports import Edge, RootEdge, Unavailable

if TYPE_CHECKING:
    from collections.abc import Container, Hashable, Iterator, Sequence

    from pipx_parallel.resolution.candidates import Candidates

_ON = 2  # the mask of a switch that is on


class JointSource:
    """A ``resolver.ports.CandidateSource`` over the candidates of several targets."""

    def __init__(self, parts: Sequence[Candidates], apart: Container[str]) -> None:
        """Take the candidates of each target, and the projects that need not have the same release."""
        self._parts = parts
        self._apart = apart

    def roots(self, rows: Sequence[Sequence[RootEdge]]) -> list[RootEdge]:
        """Return the root requirements and constraints of all targets, each with its target as label."""
        return [
            RootEdge(edge, target, constraint=row.constraint)
            for target, own in enumerate(rows)
            for row in own
            for edge in self._converted(row.edge, target, requires=not row.constraint)
        ]

    def bits_of(self, chosen: dict[str, int], target: int) -> dict[str, int]:
        """Return the releases that a solution has for one target."""
        bits: dict[str, int] = {}
        for key in chosen:
            package, number = target_of(key)
            if number == target and not is_extra(package):
                bits[package] = chosen[self._release_key(package, target)]
        return bits

    # --- the methods of CandidateSource -----------------------------------------------------------------------------------

    def prepare(self, packages: Sequence[str]) -> None:
        """Request these projects from the mirror in parallel."""
        self._parts[0].prepare([target_of(package)[0] for package in packages])

    def domain(self, package: str) -> int | Unavailable:
        """Return the releases that a target may have; those that the edges of others exclude are among them."""
        if self.switch_of(package) is not None:
            return _ON
        domains = [part.domain(target_of(package)[0]) for part in self._parts_of(package)]
        masks = [mask for mask in domains if isinstance(mask, int)]
        every = 0
        for mask in masks:
            every |= mask
        return every if masks else domains[0]

    def switch_of(self, package: str) -> str | None:
        """Return the package of a switch; None for a package with releases."""
        name, target = target_of(package)
        if target is None or (name in self._apart and not is_extra(name)):
            return None
        return self._release_key(base_of(name), target)

    def choose(self, package: str, mask: int) -> int:
        """Return the release to try first: that of the first target."""
        return self._parts_of(package)[0].choose(target_of(package)[0], mask)

    def best(self, package: str, mask: int) -> int:
        """Return the release that would be tried first if no lock existed."""
        return self._parts_of(package)[0].best(target_of(package)[0], mask)

    def newest(self, package: str) -> int:
        """Return the newest release that a requirement without bounds admits for any target."""
        return max(part.newest(target_of(package)[0]) for part in self._parts_of(package))

    def uploaded(self, package: str, bit: int) -> int:
        """Return the day of a release's first upload."""
        return self._parts[0].uploaded(target_of(package)[0], bit)

    def later_uploads(self, package: str, bit: int) -> int:
        """Return the older releases that were uploaded on a later day."""
        return self._parts[0].later_uploads(target_of(package)[0], bit)

    def has_extra(self, package: str, bit: int, switch: str) -> bool:
        """Return whether a release states needs of an extra; every release can be in every target."""
        name, target = target_of(switch)
        return not is_extra(name) or self._parts[target or 0].has_extra(target_of(package)[0], bit, name)

    def prepare_dependencies(self, package: str, bits: Sequence[int]) -> None:
        """Request the dependencies of these candidates from the mirror in parallel."""
        for part in self._parts_of(package):
            part.prepare_dependencies(target_of(package)[0], bits)

    def dependencies(self, package: str, bit: int, switch: str | None = None) -> Sequence[Edge] | Unavailable:
        """Return what a release needs for a target; a release that targets share needs nothing by itself."""
        name, target = target_of(switch or package)
        if target is None:
            return ()
        extra = name if is_extra(name) else None
        edges = self._parts[target].dependencies(base_of(name), bit, extra)
        if isinstance(edges, Unavailable):
            return edges
        return [converted for edge in edges for converted in self._converted(edge, target)]

    # --- keys -------------------------------------------------------------------------------------------------------------

    def _parts_of(self, package: str) -> Sequence[Candidates]:
        target = target_of(package)[1]
        return self._parts if target is None else self._parts[target : target + 1]

    def _release_key(self, name: str, target: int) -> str:
        return _of_target(name, target) if name in self._apart else name

    def _converted(self, edge: Edge, target: int, *, requires: bool = True) -> Iterator[Edge]:
        """Yield an edge of one target as edges here: the release is in the mask, and the target has the project."""
        name, key = edge.package, _of_target(edge.package, target)
        own: tuple[Hashable, int] = (edge.key, target)
        if is_extra(name):
            yield Edge(key, edge.mask, own)
            return
        domain = self._parts[target].domain(name)
        yield Edge(self._release_key(name, target), edge.mask & domain if isinstance(domain, int) else 0, own)
        if requires and name not in self._apart:
            yield Edge(key, _ON, own)


def target_of(key: str) -> tuple[str, int | None]:
    """Return a key without its target, and the number of the target; None for a release that targets share."""
    name, _, number = key.partition("@")
    return name, int(number) if number else None


def _of_target(package: str, target: int) -> str:
    return f"{package}@{target}"
