"""How many connections a server holds, and how long each may take to send a request: clients that send nothing displace nobody.

A connection *rests* while no request of it is answered: it has just been made, sends its headers slowly, or is kept open for
another request. Where there are too many, one that rests longest is closed, of the client that has most of them; so a client that
asks something always finds room. The server library knows neither limit.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

HEADER_SECONDS = 10.0  # from the first byte of a request, or from the connection, to the end of its headers


class Room:
    """The connections that are open. All calls come from the event loop's thread."""

    def __init__(self, most: int) -> None:
        """Hold at most so many."""
        self._most = most
        self._open: dict[Any, str] = {}  # connection -> client
        self._resting: dict[Any, None] = {}  # those that rest, longest first

    def enter(self, connection: Any, client: str) -> None:
        """Take in a connection; where there are too many, close one that rests."""
        self._open[connection] = client
        if len(self._open) > self._most:
            closed = self._longest_resting() or connection
            self.leave(closed)
            closed.transport.close()
            if closed is connection:
                return
        self._resting[connection] = None

    def work(self, connection: Any) -> None:
        """Take note that a request is being answered."""
        self._resting.pop(connection, None)

    def rest(self, connection: Any) -> None:
        """Take note that a request has been answered."""
        if connection in self._open:
            self._resting[connection] = None

    def leave(self, connection: Any) -> None:
        """Forget a connection."""
        self._open.pop(connection, None)
        self._resting.pop(connection, None)

    def _longest_resting(self) -> Any | None:
        """Return which connection to close; of a client that holds more than half of all, where there is one."""
        client, count = Counter(self._open.values()).most_common(1)[0]
        if 2 * count > self._most:
            own = next((resting for resting in self._resting if self._open[resting] == client), None)
            if own is not None:
                return own
        return next(iter(self._resting), None)


def bounded(base: type[Any], room: Room, header_seconds: float = HEADER_SECONDS) -> type[Any]:  # noqa: C901 - the methods of one class
    """Return a protocol of the server library with these limits; ``base`` is one of its HTTP protocols."""

    class Bounded(base):  # type: ignore[misc]  # a class that is chosen at run time
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            room.enter(self, self.client[0] if self.client else "")
            self._await_request()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._answers():
                self._stop_waiting()
                room.work(self)
            else:
                self._await_request()

        def on_response_complete(self) -> None:
            room.rest(self)
            super().on_response_complete()
            if self._answers():  # the next request was here already
                room.work(self)

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            room.leave(self)
            super().connection_lost(exc)

        def _answers(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _await_request(self) -> None:
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(header_seconds, self._give_up)

        def _stop_waiting(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _give_up(self) -> None:
            self._timer = None
            if not self._answers():
                self.transport.close()

    return Bounded
