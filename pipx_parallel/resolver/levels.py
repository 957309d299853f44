"""Preference levels: the lag of each release of a package behind the most preferred one.

The lag is the number of days between the uploads of the newest allowed release and of the release. It does not decrease from
a release to an older one: a late fix of an old series has the lag of the oldest newer release. If an index has no upload
times, each release has ``UNDATED`` days more than its predecessor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipx_parallel.resolver.ports import CandidateSource

UNDATED = 30  # days
MOVED = 36_500  # lag in days of a release other than that of the earlier lock
DAY_COST = 1 << 20  # cost of a day of lag; a package that is not at its first choice costs 1 more


class Scale:
    """The allowed releases of one package in order of preference, each with its lag; computed on demand."""

    __slots__ = ("_best", "_bits", "_lags", "_moved", "_rest", "_source", "_uploaded", "allowed", "first", "name")

    def __init__(self, source: CandidateSource, name: str, allowed: int, moved: int = MOVED) -> None:
        """Measure lag from the best of ``allowed``, a non-empty mask; ``moved`` is that of a release that no earlier lock has."""
        self.name = name
        self.allowed = allowed
        self.first = source.choose(name, allowed)
        self._source = source
        self._best = source.best(name, allowed)
        self._bits = [self.first]
        self._lags = {self.first: 0}
        self._rest = allowed & ~(1 << self.first)
        self._moved = moved if self.first != self._best else 0
        self._uploaded = -1  # of the best; -1: not asked yet

    def lag(self, bit: int) -> int:
        """Return the lag of an allowed release in days."""
        while bit not in self._lags and self._rest:
            self._grow()
        return self._lags.get(bit, self._lags[self._bits[-1]])

    def cost(self, bit: int) -> int:
        """Return the cost of a release: its lag, then whether it is not the first choice."""
        return 0 if bit == self.first else self.lag(bit) * DAY_COST + 1

    def within(self, step: int) -> int:
        """Return the releases of a level: the first choice at 0, lags up to 1, 2, 4, … days from 1 on."""
        return self._until((1 << step - 1) + 1) if step else 1 << self.first

    def nearest(self, mask: int) -> int:
        """Return the best release of a non-empty mask."""
        return self._source.choose(self.name, mask)

    def cheaper(self, cost: int) -> int:
        """Return the releases with a lower cost."""
        if cost <= 0:
            return 0
        if cost == 1:
            return 1 << self.first
        return self._until(-(-(cost - 1) // DAY_COST)) | 1 << self.first

    def is_whole(self, step: int) -> bool:
        """Return whether a level has every allowed release."""
        return not self.allowed & ~self.within(step)

    def _until(self, lag: int) -> int:
        """Return the releases whose lag is below ``lag``, in order of preference."""
        while self._rest and self._lags[self._bits[-1]] < lag:
            self._grow()
        return sum(1 << bit for bit in self._bits if self._lags[bit] < lag)

    def _grow(self) -> None:
        bit = self._source.choose(self.name, self._rest)
        self._rest &= ~(1 << bit)
        before = self._lags[self._bits[-1]]
        before = max(before, self._moved)
        self._bits.append(bit)
        self._lags[bit] = before if bit == self._best else max(before, self._behind(bit, before))

    def _behind(self, bit: int, before: int) -> int:
        """Return how many days a release is behind the best."""
        if self._uploaded < 0:
            self._uploaded = self._source.uploaded(self.name, self._best)
        uploaded = self._source.uploaded(self.name, bit)
        if not uploaded or not self._uploaded:
            return before + UNDATED
        days = self._uploaded - uploaded if bit < self._best else uploaded - self._uploaded
        return max(0, days) + self._moved
