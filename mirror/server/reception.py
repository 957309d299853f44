"""Accepts connections, and answers /healthz before anything else.

A connection costs the server library some 0.2 ms and a request more, so that a thousand of each would keep /healthz waiting for a
second. Here a connection costs 20 µs until its first bytes arrive. If they ask for /healthz they are answered at once; else the
connection is passed on: to the library (``arrivals``), or to another process (``receiving_process``).
"""

from __future__ import annotations

import asyncio
import socket
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from mirror.server.connections import HEADER_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.server.connections import ConnectionLimit

_ACCEPTED = 64  # connections accepted in one turn of the event loop: 2 ms
_PEEKED = 1024  # bytes of a request that are looked at
_PAUSE = 1.0  # seconds until connections are accepted again, if there are too many open files
_SWEEP = 1.0  # seconds between two searches for connections that have sent nothing
_HEALTH = b"GET /healthz HTTP/1.1\r\n"


def asks_for_health(data: bytes) -> bool:
    """Return whether these bytes are one whole request for /healthz."""
    if not data.startswith(_HEALTH) or data.find(b"\r\n\r\n") != len(data) - 4:
        return False
    head = data.lower()
    return b"\r\ncontent-length" not in head and b"\r\ntransfer-encoding" not in head


def ends_connection(data: bytes) -> bool:
    """Return whether a request asks for its connection to be closed."""
    return b"\r\nconnection: close" in data.lower()


def is_kept(data: bytes) -> bool:
    """Return whether these bytes are one whole request for /healthz on a connection that stays open."""
    return asks_for_health(data) and not ends_connection(data)


def health_response(status: int, body: bytes) -> bytes:
    """Return a whole response to GET /healthz, for a connection that stays open."""
    lines = (f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"date: {formatdate(usegmt=True)}",
             "content-type: text/plain; charset=utf-8", f"content-length: {len(body)}", "", "")  # fmt: skip
    return "\r\n".join(lines).encode("ascii") + body


class Reception:
    """The accepting side of a listening socket; all calls come from the event loop's thread."""

    def __init__(
        self,
        listening: socket.socket,
        limit: ConnectionLimit,
        health: Callable[[], bytes],
        admit: Callable[[socket.socket], None],
    ) -> None:
        """Accept nothing yet.

        Args:
            listening: The socket.
            limit: Counts the connections that were not admitted.
            health: Returns the response to GET /healthz.
            admit: Takes a connection that has sent something else.
        """
        self.limit = limit
        self.health = health
        self._listening = listening
        self._admit = admit
        self._loop = asyncio.get_running_loop()
        self._newcomers: dict[Newcomer, float] = {}  # and when they came or were answered last, longest ago first
        self._sweeps: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begin to accept."""
        self._listening.settimeout(0.0)
        self._loop.add_reader(self._listening, self._accept)
        self._sweep()

    def close(self) -> None:
        """Accept nothing more, and close the connections that were not admitted."""
        self._loop.remove_reader(self._listening)
        if self._sweeps is not None:
            self._sweeps.cancel()
        for newcomer in list(self._newcomers):
            newcomer.close()

    def came(self, newcomer: Newcomer) -> None:
        """Note that a connection was accepted or answered now."""
        self._newcomers.pop(newcomer, None)
        self._newcomers[newcomer] = self._loop.time()

    def left(self, newcomer: Newcomer) -> None:
        """Forget a connection."""
        self._newcomers.pop(newcomer, None)
        self.limit.leave(newcomer)

    def admit(self, newcomer: Newcomer, connection: socket.socket) -> None:
        """Pass a connection on."""
        self.left(newcomer)
        self._admit(connection)

    def _accept(self) -> None:
        for _ in range(_ACCEPTED):
            try:
                connection, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # too many open files
                self._loop.remove_reader(self._listening)
                self._loop.call_later(_PAUSE, self._accept_again)
                return
            connection.settimeout(0.0)
            newcomer = Newcomer(self, connection)
            self.came(newcomer)
            self.limit.enter(newcomer, address[0])

    def _accept_again(self) -> None:
        if self._listening.fileno() >= 0:
            self._loop.add_reader(self._listening, self._accept)

    def _sweep(self) -> None:
        """Close the connections that have sent nothing for long."""
        before = self._loop.time() - HEADER_SECONDS
        for newcomer in [row for row, since in self._newcomers.items() if since < before]:
            newcomer.close()
        self._sweeps = self._loop.call_later(_SWEEP, self._sweep)


class Newcomer:
    """A connection that has not been admitted."""

    def __init__(self, reception: Reception, connection: socket.socket) -> None:
        """Wait for its first bytes."""
        self._reception = reception
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(connection, self._ready)

    @property
    def transport(self) -> Newcomer:
        """Return what ``ConnectionLimit`` closes."""
        return self

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        if self._connection.fileno() >= 0:
            self._loop.remove_reader(self._connection)
            self._connection.close()
        self._reception.left(self)

    def _ready(self) -> None:
        try:
            data = self._connection.recv(_PEEKED, socket.MSG_PEEK)
            if asks_for_health(data):
                self._connection.recv(len(data))
                self._connection.send(self._reception.health())
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data or (asks_for_health(data) and ends_connection(data)):
            self.close()
        elif asks_for_health(data):
            self._reception.came(self)
        else:
            self._loop.remove_reader(self._connection)
            self._reception.admit(self, self._connection)
