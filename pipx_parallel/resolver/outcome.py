"""What the solver returns, and its limits; apart from the search, which a lock whose pins still fit does not load."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.resolver.ports import equal_by_type
from pipx_parallel.resolver.terms import Bound, Dependency, Inherited, Required, Unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipx_parallel.resolver.ports import Edge, RootEdge
    from pipx_parallel.resolver.terms import Incompatibility


@equal_by_type
class SolverLimits(NamedTuple):
    """Limits as counts, not times, so that a limit ends every run at the same step."""

    conflicts: int = 1_000_000
    improve: int = 2_000  # conflicts spent on the objective; 0: each direct package is at its best in the order written
    reads: int = 200  # releases loaded only to improve a solution


class LimitReachedError(Exception):
    """The search exceeded its limit of conflicts: there is neither a solution nor a proof."""


@equal_by_type
class Escape(NamedTuple):
    """A chosen child exceeds an upper bound that a newer release of the parent states (``dependency`` of ``stated_by``)."""

    parent: str
    child: str
    dependency: Dependency
    stated_by: int


Fact = Required | Bound | Dependency | Inherited | Unusable


@equal_by_type
class DependencyEdge(NamedTuple):
    """A dependency of a chosen release; with ``switch``, one that the extra adds."""

    parent: str
    switch: str | None
    edge: Edge


@equal_by_type
class Held(NamedTuple):
    """Why a package is not at ``best``, its best release over its whole domain (``CandidateSource.best``).

    ``by`` are facts that exclude it, given the rest of the solution: dependencies of chosen packages and roots on the package,
    else dependencies of ``best`` itself (``Dependency`` whose parent is the package), else the facts of the learned clause.
    ``given_up`` is the same for the next release that was given up, if it is another one: first the best that the root
    requirements allow, then the best that the facts before it leave, down to what decides.
    """

    best: int
    by: tuple[Fact, ...]
    own: tuple[Fact, ...] = ()  # dependencies of ``best`` that the solution does not satisfy, also if others exclude it
    given_up: Held | None = None


def held_down_to(  # noqa: PLR0913, PLR0917 - two callers, which differ in the last three
    bit: int,
    first: Held,
    mask: int,
    best: Callable[[int], int],
    explain: Callable[[int], Held],
    left: Callable[[int, Held], int],
) -> Held:
    """Return why a package is at ``bit``: what excludes its best release, and each release that would be next.

    ``first`` is the reason of the best release, ``mask`` has the releases that the root requirements allow. ``left`` returns which
    releases of a mask are not excluded by the facts of a reason.
    """
    rows, is_later = [first], False
    while mask and (release := best(mask)) != bit:
        row = first if release == first.best else explain(release)
        rest = left(mask, row)
        if row is not first and (rest != mask or not is_later):
            rows.append(row)
        if rest == mask:
            break  # nothing stated excludes it: the search preferred another release
        mask, is_later = rest, True
    held = rows.pop()
    while rows:
        held = rows.pop()._replace(given_up=held)
    return held


def left_by(fact: Fact, package: str, mask: int) -> int:
    """Return the releases of a mask that a line of the user, or a dependency on the package, does not exclude."""
    edges = (fact.edge,) if isinstance(fact, Required | Bound) else fact.edges if isinstance(fact, Dependency) else ()
    for edge in edges:
        if edge.package == package:
            mask &= edge.mask
    return mask


@equal_by_type
class Counts(NamedTuple):
    """Counters of the search."""

    decisions: int
    conflicts: int
    learned: int


@equal_by_type
class Solution(NamedTuple):
    """A solution.

    ``chosen`` maps each required package to the bit number of its release (a switch: 1), in the order in which they are reached
    from the roots. ``dependencies`` are the edges among them. ``held`` has for each package that is not at the best of its
    domain what excludes the best. ``escapes`` and ``lacking`` (switches) are the relaxations. ``optimal`` is False if a limit
    ended the search for a better solution.
    """

    chosen: Mapping[str, int]
    dependencies: Sequence[DependencyEdge]
    held: Mapping[str, Held]
    counts: Counts
    escapes: Sequence[Escape] = ()
    lacking: Sequence[str] = ()
    optimal: bool = True


@equal_by_type
class Impossible(NamedTuple):
    """There is no solution. ``proof`` has no terms; its causes lead to the facts of the source and the user.

    ``names`` are the packages by number, ``universe`` all values of each, ``bases`` the package of a switch (-1: not a switch).
    ``resolver.report`` converts this to an explanation.
    """

    roots: Sequence[RootEdge]
    proof: Incompatibility
    names: Sequence[str]
    universe: Sequence[int]
    bases: Sequence[int]
    counts: Counts
