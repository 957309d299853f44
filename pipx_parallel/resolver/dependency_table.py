"""What the known releases of one package need of one other package: all edges of a pair in one place.

A table has sets of releases of ``parent`` that need the same thing, and what they need. Read row by row it is an
ordinary incompatibility per distinct edge, shared by all releases that have it. Read as a whole it says more: if the
parent can only be one of several releases, the child must be in the union of what they need. Such a reading is turned
into an incompatibility of its own (cause ``Merged``) only where the search has to remember it.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.resolver.terms import Incompatibility, Merged

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pipx_parallel.resolver.terms import ExtraOf, Needs, Preferred, Unusable

NO_SWITCH = -1
ON = 2  # the mask of a switch that is on
OFF = 1


class Row:
    """Releases of the parent (``bits``) that need the child to be in ``allowed``; ``clause`` says so."""

    __slots__ = ("allowed", "bits", "clause")

    def __init__(self, bits: int, allowed: int, clause: Incompatibility) -> None:
        """Start a row for one release."""
        self.bits = bits
        self.allowed = allowed
        self.clause = clause


class Cap(NamedTuple):
    """The newest release of the child that a release of the parent (``stated_by``) admits, short of the newest of all."""

    stated_by: int
    top: int
    needs: Needs


class DependencyTable:
    """All rows of one (parent, child, switch). Each known release of the parent is in one row at most."""

    __slots__ = (
        "added",
        "by_bit",
        "by_key",
        "caps",
        "child",
        "guessed",
        "known",
        "parent",
        "rows",
        "switch",
        "universe",
    )

    def __init__(self, parent: int, child: int, switch: int, universe: int) -> None:
        """Start an empty table; ``universe`` holds every value the child can take, ABSENT among them."""
        self.parent = parent
        self.child = child
        self.switch = switch
        self.universe = universe
        self.known = 0  # releases of the parent that are in some row
        self.rows: list[Row] = []
        self.by_key: dict[Hashable, Row] = {}
        self.by_bit: dict[int, Row] = {}  # release as a mask of one -> its row
        self.caps: list[Cap] = []  # those that no newer release undercuts; both numbers rise
        self.guessed: set[tuple[int, int]] = set()  # pairs of releases between which needs were guessed
        self.added: set[tuple[int, int]] = set()  # caps that are incompatibilities already

    def add_row(self, release: int, allowed: int, key: Hashable, cause: Needs | Unusable | ExtraOf | Preferred) -> None:
        """Learn that ``release`` (a mask of one) needs the child in ``allowed``: widen the row of that key, or start it."""
        row = self.by_key.get(key)
        if row is None:
            row = self.by_key[key] = Row(0, allowed, self._clause(0, allowed, cause))
            self.rows.append(row)
        self.widen(row, release)

    def widen(self, row: Row, release: int) -> None:
        """Learn that ``release`` (a mask of one) belongs to a row."""
        row.bits |= release
        row.clause.masks[0] |= release
        self.by_bit[release] = row
        self.known |= release

    def add_cap(self, cap: Cap) -> None:
        """Learn an upper bound that a release states, unless a newer one states one as tight."""
        caps = self.caps
        at = bisect_right(caps, cap.stated_by, key=lambda it: it.stated_by)
        if any(it.top <= cap.top for it in caps[max(at - 1, 0) :] if it.stated_by >= cap.stated_by):
            return
        caps[:] = [it for it in caps if it.stated_by > cap.stated_by or it.top < cap.top]
        caps.insert(bisect_right(caps, cap.stated_by, key=lambda it: it.stated_by), cap)

    def inherited(self, bit: int) -> Cap | None:
        """Return the tightest upper bound that releases newer than ``bit`` state; None if none does."""
        at = bisect_right(self.caps, bit, key=lambda it: it.stated_by)
        return self.caps[at] if at < len(self.caps) else None

    def merged(self, rows: list[Row]) -> Incompatibility:
        """Return what ``rows`` (at least one) say together."""
        if len(rows) == 1:
            return rows[0].clause
        bits = allowed = 0
        for row in rows:
            bits |= row.bits
            allowed |= row.allowed
        return self._clause(bits, allowed, Merged(tuple(row.clause for row in rows)))

    def _clause(
        self, bits: int, allowed: int, cause: Needs | Unusable | ExtraOf | Preferred | Merged
    ) -> Incompatibility:
        packages, masks = [self.parent, self.child], [bits, self.universe & ~allowed]
        if self.switch != NO_SWITCH:
            packages.append(self.switch)
            masks.append(ON)
        return Incompatibility(packages, masks, cause)
