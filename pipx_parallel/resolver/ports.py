"""What the solver needs to be told, and what it tells an observer.

Sets are integers. Every package is a variable whose values are bits: bit 0 is "not installed", bit *i + 1* is release *i*
(releases numbered from the oldest, so the newest member of a set is its highest bit). A *switch* is a package that stands
for an extra of another one (``requests[socks]``): its values are bit 0 (off) and bit 1 (on).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple, Protocol

ABSENT = 1  # the mask of "not installed"


class Edge(NamedTuple):
    """One dependency: a package must be installed with a value in ``mask`` (bit 0 never set; may be 0: impossible).

    ``key`` names the dependency as written ("urllib3<3,>=1.26"): releases of one parent whose edges have equal keys share
    one clause, so equal keys of one parent must mean equal ``package`` and ``mask``.
    """

    package: str
    mask: int
    key: Hashable


class Unavailable(NamedTuple):
    """A release that cannot be used after all, or a package nobody has. ``reason`` reaches the user unchanged."""

    reason: str


class CandidateSource(Protocol):
    """Where the solver's facts come from. Calls may block on I/O; the solver itself never does.

    Facts never change during a solve: asked twice, a method answers the same. Answers may not depend on which other facts
    have been asked for, nor on timing: this is what makes a resolve deterministic.
    """

    def prepare(self, packages: Sequence[str]) -> None:
        """Say that ``domain`` of these will be asked for next, in bulk."""
        ...

    def domain(self, package: str) -> int | Unavailable:
        """Return the mask of releases that may be chosen (bit 0 clear), or why there is none."""
        ...

    def switch_of(self, package: str) -> str | None:
        """Return the package whose extra this one stands for, or None for an ordinary package."""
        ...

    def choose(self, package: str, mask: int) -> int:
        """Return the bit number of the release to try first in a non-empty ``mask`` (bit 0 clear)."""
        ...

    def best(self, package: str, mask: int) -> int:
        """Return the best release of a non-empty ``mask``: as ``choose``, but blind to what an earlier answer held."""
        ...

    def newest(self, package: str) -> int:
        """Return the bit number of the newest release that a requirement without bounds admits; 0 if there is none."""
        ...

    def uploaded(self, package: str, bit: int) -> int:
        """Return the day, counted from any fixed day, on which a release was uploaded; 0 if that is not known."""
        ...

    def has_extra(self, package: str, bit: int, switch: str) -> bool:
        """Return whether a release, whose needs were asked for before, has the extra that a switch stands for."""
        ...

    def prepare_dependencies(self, package: str, bits: Sequence[int]) -> None:
        """Say that ``dependencies`` of these candidates will be asked for next, in bulk."""
        ...

    def dependencies(self, package: str, bit: int, switch: str | None = None) -> Sequence[Edge] | Unavailable:
        """Return what that candidate needs: its own needs, or with ``switch`` only what that extra adds to them."""
        ...


class SolverObserver:
    """Hooks of the solver's progress; all do nothing. What one raises ends the search and reaches the caller."""

    def decided(self, package: str, bit: int) -> None:
        """Say that a candidate was chosen."""

    def conflicted(self, package: str) -> None:
        """Say that a conflict was met while this package was looked at."""

    def explained(self, lines: Sequence[str]) -> bool:
        """Say why there is no answer, before changes are tried. Return whether the user was told."""
        del lines
        return False
