"""How many requests may be under way at once, by what the index bears. Pure: it is told what happened and when.

Three things count, measured where the answers arrive:

- *errors*: 429, 503 and trouble that passes cut it to half, once a round trip; from then on it grows carefully. A number that the
  user gave is a bound: it is begun with, cut likewise, and never passed;
- *latency* ("auto" alone): it grows while small answers come about as soon as the soonest did, and no further once they queue;
- *bytes* (likewise): where answers queue and the last round trip brought no more bytes a second than the best one before,
  it shrinks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.http.retry import is_passing

if TYPE_CHECKING:
    from mirror.ports import Exchange

MOST_UNDER_WAY = 50  # polite to any index, and past it nothing was gained in any measurement
_FIRST = 32  # one HTTP/2 connection carries it without a queue
_LEAST = 8  # queues alone never shrink it below this: it may be our own processor that is slow
OVERLOAD = (429, 503)
_SMALL = 64 * 1024  # bytes: the time of a larger answer says more of the bandwidth than of a queue
_QUEUED = (3.0, 0.05)  # times the soonest answer, and seconds more: noise of two busy cores stays below
_WEIGHT = 1 / 8  # of a new time in the running mean
_MORE = 1.1  # a rate is better where it is a tenth better
_SHRUNK = 3 / 4


class _Place:
    """The times of one host's small answers, in seconds."""

    __slots__ = ("mean", "soonest")

    def __init__(self, seconds: float) -> None:
        self.soonest = self.mean = seconds

    def took(self, seconds: float) -> None:
        self.soonest = min(self.soonest, seconds)
        self.mean += (seconds - self.mean) * _WEIGHT

    @property
    def queues(self) -> bool:
        times, more = _QUEUED
        return self.mean > self.soonest * times + more


class WorkerLimit:
    """The bound; ``allowed`` is its value now."""

    def __init__(self, fixed: int = 0) -> None:
        """Begin; ``fixed`` is a number to keep, 0 means "auto"."""
        self.allowed = fixed or _FIRST
        self._most = fixed or MOST_UNDER_WAY
        self._fixed = fixed > 0
        self._places: dict[str, _Place] = {}
        self._careful = False  # there has been trouble: one more a round trip, not one more an answer
        self._cut_at = float("-inf")
        self._began: float | None = None  # of this round trip: as many answers as are allowed at once
        self._answers = self._bytes = 0
        self._full = False
        self._best = 0.0  # bytes a second

    def answered(self, exchange: Exchange, started: float, ended: float, under_way: int) -> None:
        """Take in how a request ended; times are monotonic seconds, ``under_way`` counts it too."""
        if exchange.url.startswith("file:"):
            return
        if exchange.status in OVERLOAD or (exchange.problem is not None and is_passing(exchange)):
            self._cut(started, ended)
            return
        queues = not self._fixed and self._timed(exchange, ended - started)
        if not self._careful and not queues and self.allowed < self._most:
            self.allowed += 1
        self._began = started if self._began is None else self._began
        self._answers += 1
        self._bytes += exchange.size or len(exchange.body)
        self._full = self._full or under_way >= self.allowed
        if self._answers >= self.allowed:
            self._round_trip(ended, queues=queues)

    def _cut(self, started: float, ended: float) -> None:
        """Halve, but once for all that were under way together: they met the same overload."""
        if started > self._cut_at:
            self.allowed = max(1, self.allowed // 2)
            self._cut_at = ended
            self._careful = True

    def _timed(self, exchange: Exchange, seconds: float) -> bool:
        """Learn from an answer's time; return whether answers of its host queue."""
        host = exchange.request.url.split("/", 3)[2:3]
        place = self._places.get(host[0] if host else "")
        if exchange.views is None and len(exchange.body) <= _SMALL:
            if place is None:
                place = self._places[host[0] if host else ""] = _Place(seconds)
            place.took(seconds)
        return place is not None and place.queues

    def _round_trip(self, ended: float, *, queues: bool) -> None:
        """Compare what this round trip brought with the best before it."""
        rate = self._bytes / max(ended - (self._began or 0.0), 1e-6)
        if queues and self._full and rate < self._best * _MORE:
            self.allowed = max(min(_LEAST, self.allowed), int(self.allowed * _SHRUNK))
        elif self._careful and not queues and self._full:
            self.allowed = min(self.allowed + 1, self._most)
        self._best = max(self._best, rate)
        self._began, self._answers, self._bytes, self._full = ended, 0, 0, False
