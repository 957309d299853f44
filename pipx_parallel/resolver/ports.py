"""The interfaces of the solver: the source of its facts, and the observer of its progress.

Sets are integers. Every package is a variable whose values are bits: bit 0 is "not installed", bit *i + 1* is release *i*
(numbered from the oldest, so the newest member of a set is its highest bit). A *switch* is a package that represents an
extra of another package (``requests[socks]``): its values are bit 0 (off) and bit 1 (on).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple, Protocol, TypeVar

ABSENT = 1  # the mask of "not installed"

_T = TypeVar("_T", bound=tuple[object, ...])


def _equal(self: tuple[object, ...], other: object) -> bool:
    return type(other) is type(self) and tuple.__eq__(self, other)


def _unequal(self: tuple[object, ...], other: object) -> bool:
    return type(other) is not type(self) or tuple.__ne__(self, other)


def equal_by_type(kind: type[_T]) -> type[_T]:
    """Make instances of a named tuple equal only to instances of the same class; their hash stays that of the tuple.

    As ``mirror.equality``; the solver imports nothing.
    """
    kind.__eq__, kind.__ne__ = _equal, _unequal  # type: ignore[assignment]
    return kind


@equal_by_type
class Edge(NamedTuple):
    """One dependency: a package must be installed with a value in ``mask`` (bit 0 never set; may be 0: impossible).

    ``key`` names the dependency as written ("urllib3<3,>=1.26"): releases of one parent whose edges have equal keys share
    one clause, so equal keys of one parent must mean equal ``package`` and ``mask``.
    """

    package: str
    mask: int
    key: Hashable


@equal_by_type
class RootEdge(NamedTuple):
    """A root requirement, or a constraint.

    ``label`` is the caller's label of its origin; explanations return it unchanged. With ``constraint`` the package need not
    be installed, but if it is, its value is in ``edge.mask``.
    """

    edge: Edge
    label: Hashable
    constraint: bool = False


@equal_by_type
class Unavailable(NamedTuple):
    """A release that cannot be used, or a package that no index has. ``reason`` reaches the user unchanged."""

    reason: str


class CandidateSource(Protocol):
    """The source of the solver's facts. Calls may block on I/O; the solver itself does no I/O.

    Facts do not change during a solve: a method returns the same result for the same arguments. Results must not depend on
    other calls or on timing, so that a resolve is deterministic.
    """

    def prepare(self, packages: Sequence[str]) -> None:
        """Announce that ``domain`` of these packages will be called next."""
        ...

    def domain(self, package: str) -> int | Unavailable:
        """Return the mask of releases that may be chosen (bit 0 clear), or why there are none."""
        ...

    def switch_of(self, package: str) -> str | None:
        """Return the package whose extra this switch represents, or None for an ordinary package."""
        ...

    def choose(self, package: str, mask: int) -> int:
        """Return the bit number of the release to try first in a non-empty ``mask`` (bit 0 clear)."""
        ...

    def best(self, package: str, mask: int) -> int:
        """Return the best release of a non-empty ``mask``: as ``choose``, but without preferring an earlier lock."""
        ...

    def newest(self, package: str) -> int:
        """Return the bit number of the newest release that a requirement without bounds allows; 0 if there is none."""
        ...

    def uploaded(self, package: str, bit: int) -> int:
        """Return the day of a release's upload, counted from any fixed day; 0 if it is unknown."""
        ...

    def later_uploads(self, package: str, bit: int) -> int:
        """Return the older releases, as a mask, that were uploaded on a later day; an answer for few of the newest will do."""
        ...

    def has_extra(self, package: str, bit: int, switch: str) -> bool:
        """Return whether a release has the extra of a switch; its dependencies were requested before."""
        ...

    def prepare_dependencies(self, package: str, bits: Sequence[int]) -> None:
        """Announce that ``dependencies`` of these candidates will be called next."""
        ...

    def dependencies(self, package: str, bit: int, switch: str | None = None) -> Sequence[Edge] | Unavailable:
        """Return the dependencies of a candidate, or with ``switch`` only those that the extra adds."""
        ...


class SolverObserver:
    """Hooks of the solver's progress; all do nothing. An exception ends the search and reaches the caller."""

    def asks(self, package: str) -> None:
        """Report that the source is about to be asked for facts of a package, which it may have to wait for."""

    def decided(self, package: str, bit: int) -> None:
        """Report that a candidate was chosen."""

    def conflicted(self, package: str) -> None:
        """Report a conflict; its learned clause narrows this package."""

    def explained(self, lines: Sequence[str]) -> bool:
        """Report why there is no solution, before changes are tried. Return whether it was shown to the user."""
        del lines
        return False
