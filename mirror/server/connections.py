"""Limits the number of connections and the time of each to send a request, so that idle clients do not block others.

A connection is *idle* while no request of it is being answered: it is new, sends its headers slowly, or is kept alive. If there are
too many, the longest idle one is closed, of the client that has more than half of all connections if there is such a client. So a
client with a request can always connect. The server library has neither limit.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Health = Callable[[bytes], bytes | None]  # the response to one whole request for /healthz; None for any other bytes

HEADER_SECONDS = 10.0  # from the first byte of a request, or from the connection, to the end of its headers
IDLE_SECONDS = 30.0  # that a connection is kept open for another request
HEADER_BYTES = 64 * 1024  # of one request, its first line included; not every parser of the server library has a limit


class ConnectionLimit:
    """The open connections. All calls come from the event loop's thread."""

    def __init__(self, most: int) -> None:
        """Allow at most ``most`` connections."""
        self._most = most
        self._open: dict[Any, str] = {}  # connection -> client
        self._idle: dict[Any, None] = {}  # idle connections, longest first
        self._of_client: Counter[str] = Counter()  # open connections of each client

    def enter(self, connection: Any, client: str) -> None:
        """Add a connection; if there are too many, close an idle one."""
        self._open[connection] = client
        self._of_client[client] += 1
        if len(self._open) > self._most:
            closed = self._longest_idle() or connection
            self.leave(closed)
            closed.transport.close()
            if closed is connection:
                return
        self._idle[connection] = None

    def work(self, connection: Any) -> None:
        """Mark a connection as busy: a request is being answered."""
        self._idle.pop(connection, None)

    def rest(self, connection: Any) -> None:
        """Mark a connection as idle: its request has been answered."""
        if connection in self._open:
            self._idle[connection] = None

    def leave(self, connection: Any) -> None:
        """Remove a connection."""
        client = self._open.pop(connection, None)
        if client is not None:
            self._of_client[client] -= 1
            if not self._of_client[client]:
                del self._of_client[client]
        self._idle.pop(connection, None)

    def _longest_idle(self) -> Any | None:
        """Return the connection to close: of a client that has more than half of all, if there is one."""
        client, count = self._of_client.most_common(1)[0]
        if 2 * count > self._most:
            idle = next((connection for connection in self._idle if self._open[connection] == client), None)
            if idle is not None:
                return idle
        return next(iter(self._idle), None)


class _Waiting:
    """The part of a protocol that waits for a request, for a time and a size."""

    _limit: ConnectionLimit
    _turn: Callable[[Callable[[], object]], object]
    _receive: Callable[[bytes], None]  # of the server library: takes what was received
    cycle: Any  # of the server library: the request that is being answered
    transport: Any
    flow: Any  # of the server library: whether it has paused reading
    header_seconds = HEADER_SECONDS
    _unset_keepalive_if_required: Callable[[], None]  # of the server library
    _timer: asyncio.TimerHandle | None = None
    _received = 0  # bytes since the last request was complete
    _queued = 0  # pieces of data that wait for their turn
    _is_lost = False

    def _answers(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _is_between_requests(self) -> bool:
        """Return whether the next bytes begin a request, and the client has read all responses."""
        busy = self._received or self._queued or self._answers()
        return not busy and not self.transport.get_write_buffer_size()

    def _send_health(self, response: bytes) -> None:
        self._stop_waiting()
        self._unset_keepalive_if_required()  # the library's time for the next request, which has come
        self._limit.work(self)
        self.transport.write(response)
        self._limit.rest(self)  # from now on
        self._await_request(seconds=IDLE_SECONDS)

    def _take(self, data: bytes) -> None:
        """Pass on what was received, now that it is its turn."""
        self._queued -= 1
        if self._is_lost:
            return
        self._receive(data)
        if self._answers():
            self._stop_waiting()
            self._limit.work(self)
        else:
            self._await_request(len(data))
        if not (self._queued or self.transport.is_closing() or self.flow.read_paused):
            self.transport.resume_reading()

    def _await_request(self, received: int = 0, seconds: float | None = None) -> None:
        if received and not self._received:  # the first bytes: from now on the time of a request counts
            self._stop_waiting()
        self._received += received
        if self._received > HEADER_BYTES:
            self.transport.close()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds or self.header_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        self._received = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        self._turn(self._close_unless_busy)  # the time of a thousand connections may end at once

    def _close_unless_busy(self) -> None:
        if not (self._is_lost or self._timer is not None or self._answers()):
            self.transport.close()


def bounded(
    base: type[Any],
    limit: ConnectionLimit,
    turn: Callable[[Callable[[], object]], object],
    health: Health,
) -> type[Any]:
    """Return a protocol of the server library with these limits; ``base`` is one of its HTTP protocols.

    Args:
        base: The protocol.
        limit: Counts the connections.
        turn: Runs a work now or later: what is received waits for its turn.
        health: Answers whole requests for /healthz at once.
    """

    class Bounded(_Waiting, base):  # type: ignore[misc]  # a class that is chosen at run time
        _limit = limit
        _turn = staticmethod(turn)
        _receive = base.data_received

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            limit.enter(self, self.client[0] if self.client else "")
            self._await_request()

        def data_received(self, data: bytes) -> None:
            response = health(data) if self._is_between_requests() else None
            if response is not None:
                self._send_health(response)
                return
            self._queued += 1
            if not turn(partial(self._take, data)):
                self.transport.pause_reading()  # what is not yet received stays with its sender

        def on_response_complete(self) -> None:
            limit.rest(self)
            super().on_response_complete()
            if self._answers():  # the next request was received already
                limit.work(self)

        def connection_lost(self, exc: Exception | None) -> None:
            self._is_lost = True
            self._stop_waiting()
            limit.leave(self)
            super().connection_lost(exc)

    return Bounded
