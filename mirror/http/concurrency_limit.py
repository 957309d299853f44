"""How many requests may be under way at once: a congestion window (RFC 5681) counted in requests. Pure: no clock, no I/O.

The rule:

1. Slow start: every response adds 1, up to 50 or the user's number. Once rule 2 or 4 has applied, only every round trip adds 1
   (a round trip is as many responses as requests are allowed at once).
2. An overload (429, 503, or a transient error) halves the limit, once for all requests under way together, never below 1.
3. Without a number set by the user, nothing is added while responses queue: while the running mean of the times of a host's
   small responses is above three times the shortest of them plus 50 ms.
4. A round trip that ends while responses queue takes away a quarter, never below 8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.http.retry import is_passing

if TYPE_CHECKING:
    from mirror.ports import Exchange

MOST_UNDER_WAY = 50  # no measurement gained from more
_FIRST = 32  # one HTTP/2 connection carries this many without a queue
_LEAST = 8  # lower bound of rule 4: the queue may be caused by a slow processor of this machine
OVERLOAD = (429, 503)
_SMALL = 64 * 1024  # bytes: the time of a larger response depends on the bandwidth more than on a queue
_QUEUED = (3.0, 0.05)  # factor of the shortest time, and seconds added: the noise of two busy cores stays below
_WEIGHT = 1 / 8  # weight of a new time in the running mean, as in TCP's smoothed round-trip time (RFC 6298)
_SHRUNK = 3 / 4


class _Times:
    """Response times of one host's small responses, in seconds."""

    __slots__ = ("mean", "soonest")

    def __init__(self, seconds: float) -> None:
        self.soonest = self.mean = seconds

    def add(self, seconds: float) -> None:
        self.soonest = min(self.soonest, seconds)
        self.mean += (seconds - self.mean) * _WEIGHT

    @property
    def queued(self) -> bool:
        factor, more = _QUEUED
        return self.mean > self.soonest * factor + more


class WorkerLimit:
    """The limit of requests under way; ``allowed`` is its current value."""

    def __init__(self, fixed: int = 0) -> None:
        """Start at the initial window.

        Args:
            fixed: The user's number; 0 means "auto".
        """
        self.allowed = fixed or _FIRST
        self._most = fixed or MOST_UNDER_WAY
        self._fixed = fixed > 0
        self._hosts: dict[str, _Times] = {}
        self._overloaded_at = float("-inf")  # when the last overload that halved it was received
        self._slow_start = True
        self._answers = 0  # of this round trip

    def answered(self, exchange: Exchange, started: float, ended: float) -> None:
        """Adjust the limit to the end of a request; times are monotonic seconds."""
        if exchange.url.startswith("file:"):
            return
        if exchange.status in OVERLOAD or (exchange.problem is not None and is_passing(exchange)):
            if started > self._overloaded_at:
                self.allowed = max(1, self.allowed // 2)
                self._overloaded_at = ended
                self._slow_start = False
            return
        queued = not self._fixed and self._queued(exchange, ended - started)
        self._answers += 1
        round_trip = self._answers >= self.allowed
        if round_trip:
            self._answers = 0
        if queued and round_trip:
            self.allowed = max(min(_LEAST, self.allowed), int(self.allowed * _SHRUNK))
            self._slow_start = False
        elif not queued and (self._slow_start or round_trip):
            self.allowed = min(self.allowed + 1, self._most)

    def _queued(self, exchange: Exchange, seconds: float) -> bool:
        """Add the time of a response to its host's; return whether responses of this host queue."""
        host = "".join(exchange.request.url.split("/", 3)[2:3])
        times = self._hosts.get(host)
        if exchange.views is None and (exchange.size or len(exchange.body)) <= _SMALL:
            if times is None:
                times = self._hosts[host] = _Times(seconds)
            times.add(seconds)
        return times is not None and times.queued
