"""The dependencies of the loaded releases of one package on one other package.

Each row of a table has the releases of ``parent`` with the same dependency. A row is one incompatibility, shared by its
releases. The rows together imply more: if the parent can only be one of several releases, the child must be in the union of
their allowed sets. This becomes an incompatibility of its own (cause ``Merged``) only if the search needs it as a reason.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.resolver.ports import equal_by_type
from pipx_parallel.resolver.terms import Incompatibility, Merged

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pipx_parallel.resolver.terms import Dependency, ExtraOf, Preferred, Unusable

NO_SWITCH = -1
ON = 2  # the mask of a switch that is on
OFF = 1


class Row:
    """Releases of the parent (``bits``) that require the child to be in ``allowed``, and the incompatibility for this."""

    __slots__ = ("allowed", "bits", "clause")

    def __init__(self, bits: int, allowed: int, clause: Incompatibility) -> None:
        """Create a row."""
        self.bits = bits
        self.allowed = allowed
        self.clause = clause


@equal_by_type
class Cap(NamedTuple):
    """The newest release of the child that a release of the parent (``stated_by``) allows, if it excludes newer ones."""

    stated_by: int
    top: int
    dependency: Dependency
    late: int = 0  # the older releases of the parent, as a mask, that were uploaded later: they do not inherit it

    def covers(self, other: Cap) -> bool:
        """Return whether no release inherits a tighter bound from the other one."""
        late = self.late & (1 << other.stated_by) - 1
        return self.stated_by >= other.stated_by and self.top <= other.top and not late & ~other.late


class DependencyTable:
    """All rows of one (parent, child, switch). Each loaded release of the parent is in at most one row."""

    __slots__ = (
        "added",
        "by_bit",
        "by_key",
        "caps",
        "child",
        "covered",
        "guessed",
        "parent",
        "rows",
        "switch",
        "universe",
    )

    def __init__(self, parent: int, child: int, switch: int, universe: int) -> None:
        """Create an empty table; ``universe`` has every value of the child, including ABSENT."""
        self.parent = parent
        self.child = child
        self.switch = switch
        self.universe = universe
        self.covered = 0  # releases of the parent that are in a row
        self.rows: list[Row] = []
        self.by_key: dict[Hashable, Row] = {}
        self.by_bit: dict[int, Row] = {}  # release as a mask with one bit -> its row
        self.caps: list[Cap] = []  # those that no other covers, by the release that states them
        self.guessed: set[tuple[int, int]] = set()  # pairs of releases between which dependencies were interpolated
        self.added: set[tuple[int, int]] = set()  # caps that are already incompatibilities

    def add_row(
        self, release: int, allowed: int, key: Hashable, cause: Dependency | Unusable | ExtraOf | Preferred
    ) -> None:
        """Add ``release`` (a mask with one bit), which requires the child in ``allowed``, to the row of that key."""
        row = self.by_key.get(key)
        if row is None:
            row = self.by_key[key] = Row(0, allowed, self._clause(0, allowed, cause))
            self.rows.append(row)
        self.widen(row, release)

    def widen(self, row: Row, release: int) -> None:
        """Add ``release`` (a mask with one bit) to a row."""
        row.bits |= release
        row.clause.masks[0] |= release
        self.by_bit[release] = row
        self.covered |= release

    def add_cap(self, cap: Cap) -> None:
        """Add an upper bound that a release states, unless a newer release states one that is at least as tight."""
        caps = self.caps
        index = bisect_right(caps, cap.stated_by, key=lambda it: it.stated_by)
        if not any(it.covers(cap) for it in caps[max(index - 1, 0) :]):
            caps[:] = [it for it in caps if not cap.covers(it)]
            caps.insert(bisect_right(caps, cap.stated_by, key=lambda it: it.stated_by), cap)

    def inherited(self, bit: int) -> Cap | None:
        """Return the tightest upper bound that releases newer than ``bit``, and not uploaded before it, state, or None."""
        index = bisect_right(self.caps, bit, key=lambda it: it.stated_by)
        caps = [cap for cap in self.caps[index:] if not cap.late >> bit & 1]
        return min(caps, key=lambda it: it.top, default=None)

    def exceeded(self, bit: int, child: int) -> Cap | None:
        """Return the upper bound of the newest such release that excludes a release of the child, or None."""
        newer = (cap for cap in reversed(self.caps) if cap.stated_by > bit and not cap.late >> bit & 1)
        return next((cap for cap in newer if cap.top < child), None)

    def merged(self, rows: list[Row]) -> Incompatibility:
        """Return the incompatibility of ``rows`` (at least one) together."""
        if len(rows) == 1:
            return rows[0].clause
        bits = allowed = 0
        for row in rows:
            bits |= row.bits
            allowed |= row.allowed
        return self._clause(bits, allowed, Merged(tuple(row.clause for row in rows)))

    def _clause(
        self, bits: int, allowed: int, cause: Dependency | Unusable | ExtraOf | Preferred | Merged
    ) -> Incompatibility:
        packages, masks = [self.parent, self.child], [bits, self.universe & ~allowed]
        if self.switch != NO_SWITCH:
            packages.append(self.switch)
            masks.append(ON)
        return Incompatibility(packages, masks, cause)
