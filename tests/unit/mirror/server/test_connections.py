"""Which connection makes limit for a new one."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from mirror.server.connections import HEADER_BYTES, ConnectionLimit, bounded


class Transport:
    """Remembers whether it was closed."""

    closed = False

    def is_closing(self) -> bool:
        """Return whether it was closed."""
        return self.closed

    def get_write_buffer_size(self) -> int:
        """Return how much waits to be sent."""
        return 0

    def pause_reading(self) -> None:
        """Receive nothing for a while."""

    def resume_reading(self) -> None:
        """Receive again."""

    def write(self, _: bytes) -> None:
        """Send."""

    def close(self) -> None:
        """Close."""
        self.closed = True


class Connection:
    """What a limit knows of a connection."""

    def __init__(self) -> None:
        """Open it."""
        self.transport = Transport()


def entered(limit: ConnectionLimit, client: str, count: int) -> list[Connection]:
    """Return connections of a client that have entered."""
    connections = [Connection() for _ in range(count)]
    for connection in connections:
        limit.enter(connection, client)
    return connections


def closed(connections: list[Connection]) -> list[bool]:
    """Return which of them were closed."""
    return [connection.transport.closed for connection in connections]


def test_the_one_that_rests_longest_makes_room() -> None:
    """One that is being answered stays, and one that was answered lately."""
    limit = ConnectionLimit(3)
    first, second, third = entered(limit, "a", 1) + entered(limit, "b", 1) + entered(limit, "c", 1)
    limit.work(first)
    limit.work(second)
    limit.rest(second)

    assert closed(entered(limit, "d", 1)) == [False]
    assert closed([first, second, third]) == [False, False, True]


def test_a_client_with_more_than_half_makes_room_itself() -> None:
    """Whoever else rests longer."""
    limit = ConnectionLimit(5)
    honest = entered(limit, "honest", 1)
    greedy = entered(limit, "greedy", 4)

    assert closed(entered(limit, "other", 1)) == [False]
    assert closed([*honest, *greedy]) == [False, True, False, False, False]


def test_where_all_are_answered_a_new_one_is_refused() -> None:
    """Nothing that is under way is cut."""
    limit = ConnectionLimit(2)
    busy = entered(limit, "a", 2)
    for connection in busy:
        limit.work(connection)

    assert closed(entered(limit, "b", 1)) == [True]
    assert closed(busy) == [False, False]


class Protocol:
    """What a protocol of the server library has; a request is complete at an empty line."""

    client = ("a", 1)
    cycle = None
    waits = True  # for the next request, after a response; then the connection is closed

    def connection_made(self, transport: Transport) -> None:
        """Open."""
        self.transport = transport
        self.flow = SimpleNamespace(read_paused=False)

    def data_received(self, data: bytes) -> None:
        """Receive."""

    def _unset_keepalive_if_required(self) -> None:
        """Wait no longer for the next request."""
        self.waits = False


def test_headers_without_an_end_close_the_connection() -> None:
    """Whatever the parser of the server library accepts."""

    async def receive(pieces: int) -> bool:
        protocol = bounded(Protocol, ConnectionLimit(2), lambda work: (work(), True)[1], lambda _: None)()
        protocol.connection_made(Transport())
        for _ in range(pieces):
            protocol.data_received(b"x" * (HEADER_BYTES // 4))
        return bool(protocol.transport.closed)

    assert [asyncio.run(receive(pieces)) for pieces in (4, 5)] == [False, True]


def test_a_request_for_health_is_the_next_request_for_the_library_too() -> None:
    """Else it closes the connection some time after a page, whatever was asked for since then."""

    async def ask(data: bytes) -> bool:
        protocol = bounded(Protocol, ConnectionLimit(2), lambda work: (work(), True)[1], {b"health": b"ok"}.get)()
        protocol.connection_made(Transport())
        protocol.data_received(data)
        return bool(protocol.waits)

    assert [asyncio.run(ask(data)) for data in (b"health", b"other")] == [False, True]
