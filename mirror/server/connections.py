"""Limits the number of connections and the time of each to send a request, so that idle clients do not block others.

A connection is *idle* while no request of it is being answered: it is new, sends its headers slowly, or is kept alive. If there are
too many, the longest idle one is closed, of the client that has more than half of all connections if there is such a client. So a
client with a request can always connect. The server library has neither limit.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

HEADER_SECONDS = 10.0  # from the first byte of a request, or from the connection, to the end of its headers
HEADER_BYTES = 64 * 1024  # of one request, its first line included; not every parser of the server library has a limit


class ConnectionLimit:
    """The open connections. All calls come from the event loop's thread."""

    def __init__(self, most: int) -> None:
        """Allow at most ``most`` connections."""
        self._most = most
        self._open: dict[Any, str] = {}  # connection -> client
        self._idle: dict[Any, None] = {}  # idle connections, longest first

    def enter(self, connection: Any, client: str) -> None:
        """Add a connection; if there are too many, close an idle one."""
        self._open[connection] = client
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
        self._open.pop(connection, None)
        self._idle.pop(connection, None)

    def _longest_idle(self) -> Any | None:
        """Return the connection to close: of a client that has more than half of all, if there is one."""
        client, count = Counter(self._open.values()).most_common(1)[0]
        if 2 * count > self._most:
            idle = next((connection for connection in self._idle if self._open[connection] == client), None)
            if idle is not None:
                return idle
        return next(iter(self._idle), None)


class _Waiting:
    """The part of a protocol that waits for a request, for a time and a size."""

    cycle: Any  # of the server library: the request that is being answered
    transport: Any
    header_seconds = HEADER_SECONDS
    _timer: asyncio.TimerHandle | None = None
    _received = 0  # bytes since the last request was complete

    def _answers(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_request(self, received: int = 0) -> None:
        self._received += received
        if self._received > HEADER_BYTES:
            self.transport.close()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.header_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        self._received = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self._answers():
            self.transport.close()


def bounded(base: type[Any], limit: ConnectionLimit) -> type[Any]:
    """Return a protocol of the server library with these limits; ``base`` is one of its HTTP protocols."""

    class Bounded(_Waiting, base):  # type: ignore[misc]  # a class that is chosen at run time
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            limit.enter(self, self.client[0] if self.client else "")
            self._await_request()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._answers():
                self._stop_waiting()
                limit.work(self)
            else:
                self._await_request(len(data))

        def on_response_complete(self) -> None:
            limit.rest(self)
            super().on_response_complete()
            if self._answers():  # the next request was received already
                limit.work(self)

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            limit.leave(self)
            super().connection_lost(exc)

    return Bounded
