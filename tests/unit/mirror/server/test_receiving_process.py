"""Connections pass from the process that receives them to those that answer; what they report is what /healthz says."""

from __future__ import annotations

import asyncio
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mirror.server.answers import Answer, problem, text
from mirror.server.arrivals import Arrivals
from mirror.server.listening import Entrance
from mirror.server.receiving_process import Handover

pytestmark = pytest.mark.skipif(not hasattr(socket, "SOCK_SEQPACKET"), reason="passes connections between processes")


class Taker:
    """A server's side: what it gets, and what it reports."""

    def __init__(self, passed: socket.socket, name: str = "", answer: Answer | None = None) -> None:
        """Take connections at once."""
        self.passed = passed
        self.connections: list[socket.socket] = []
        self.answered: list[tuple[int, int]] = []
        self.has_ended = False
        self.answer = answer or text(200, "ok\n")
        self.arrivals = Arrivals(
            passed,
            self.connections.append,
            lambda: (name, self.answer),
            lambda *row: self.answered.append(row),
            self._end,
        )
        self.arrivals.open()

    def close(self) -> None:
        """Take nothing more."""
        self.arrivals.close()
        self.passed.close()

    def _end(self) -> None:
        self.has_ended = True


class Clock:
    """A time that is set."""

    now = 0.0

    def __call__(self) -> float:
        """Return it."""
        return self.now


@contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Give both ends, and close them."""
    first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with first, second:
        yield first, second


@contextmanager
def handing(*passing: socket.socket, clock: Callable[[], float] = time.monotonic) -> Iterator[Handover]:
    """Give the side of the process that receives."""
    handover = Handover(passing, lambda: None, clock=clock)
    handover.open()
    yield handover
    handover.close()


async def met(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - of many kinds
            await asyncio.sleep(0.001)


def test_every_connection_is_taken_once_and_still_works() -> None:
    """Two servers share what comes, more than the socket between the processes holds at once."""

    async def run() -> None:
        with pair() as (passing, passed), handing(passing) as handover:
            clients = []
            for _ in range(600):
                client, connection = socket.socketpair()
                handover.admit(connection)
                clients.append(client)
            takers = [Taker(passed.dup(), name) for name in ("0", "1")]
            await met(lambda: sum(len(taker.connections) for taker in takers) == len(clients))
            for taker in takers:
                for connection in taker.connections:
                    connection.sendall(b"hello")
                    connection.close()
                taker.close()
            for client in clients:
                assert client.recv(9) == b"hello"
                client.close()

    asyncio.run(run())


def admitted(handover: Handover, count: int) -> list[socket.socket]:
    """Pass connections on; return their clients."""
    clients = []
    for _ in range(count):
        client, connection = socket.socketpair()
        handover.admit(connection)
        clients.append(client)
    return clients


def close_all(clients: list[socket.socket], takers: list[Taker]) -> None:
    """Close both sides of every connection."""
    for taker in takers:
        taker.close()
        for connection in taker.connections:
            connection.close()
    for client in clients:
        client.close()


def test_each_server_gets_as_many_connections() -> None:
    """Also if one of them could have taken all before the other runs."""

    async def run() -> None:
        with pair() as (left, first), pair() as (right, second), handing(left, right) as handover:
            takers = [Taker(first, "0"), Taker(second, "1")]
            clients = admitted(handover, 40)
            await met(lambda: [len(taker.connections) for taker in takers] == [20, 20])
            close_all(clients, takers)

    asyncio.run(run())


def test_a_server_that_does_not_report_gets_connections_only_if_all_are_silent() -> None:
    """It has ended and will be started again, or it hangs."""

    async def run() -> None:
        clock = Clock()
        with pair() as (left, first), pair() as (right, second), handing(left, right, clock=clock) as handover:
            silent, taker = Taker(first, "0", problem(503, "silent")), Taker(second, "1")
            await met(lambda: handover.health().endswith(b"\r\n\r\nsilent\n"))
            silent.arrivals.close()
            await met(lambda: not select.select([left], [], [], 0)[0])  # every report of it was heard
            clock.now = 60.0
            await met(lambda: handover.health().endswith(b"\r\n\r\nok\n"))  # of the other: the first has not reported

            clients = admitted(handover, 10)

            await met(lambda: len(taker.connections) == 10)
            taker.arrivals.close()
            clock.now = 120.0
            clients += admitted(handover, 10)
            silent.arrivals.open()
            await met(lambda: len(silent.connections) == 5)
            close_all(clients, [silent, taker])

    asyncio.run(run())


def test_one_process_takes_its_own_part_of_an_entrance() -> None:
    """The parts of the others are closed in it."""
    with (
        pair() as (listening, first),
        pair() as (second, third),
        Entrance(listening, (first, second, third)).of(1) as own,
    ):
        assert own == Entrance(listening, (second,))
        assert [channel.fileno() >= 0 for channel in (first, second, third)] == [False, True, False]


def test_health_is_what_the_servers_report() -> None:
    """One that cannot use its store is named, and silence of all is no health."""

    async def run() -> None:
        clock = Clock()
        with pair() as (passing, passed), handing(passing, clock=clock) as handover:
            assert handover.health().startswith(b"HTTP/1.1 200 OK\r\n")  # none has started
            first, second = Taker(passed.dup(), "0"), Taker(passed.dup(), "1", problem(503, "the disk is full"))
            await met(lambda: handover.health().endswith(b"\r\n\r\nthe disk is full\n"))
            second.answer = text(200, "ok\n")
            await met(lambda: handover.health().endswith(b"\r\n\r\nok\n"))
            await met(lambda: bool({status for status, _ in first.answered + second.answered} >= {200, 503}))
            for taker in (first, second):
                taker.close()
            clock.now = 60.0
            assert handover.health().startswith(b"HTTP/1.1 503 ")

    asyncio.run(run())


def test_each_side_notices_the_end_of_the_other() -> None:
    """The servers go on by themselves, and the process that receives ends with the last of them."""

    async def run() -> None:
        with pair() as (passing, passed):
            taker = Taker(passed)
            passing.close()
            await met(lambda: taker.has_ended)
        with pair() as (passing, passed):
            ended = asyncio.Event()
            handover = Handover([passing], ended.set)
            handover.open()
            passed.close()
            await asyncio.wait_for(ended.wait(), 30)
            handover.close()

    asyncio.run(run())


def test_connections_that_nobody_takes_are_closed_at_a_limit() -> None:
    """Those that came first wait."""

    async def run() -> None:
        with pair() as (passing, _), handing(passing) as handover:
            closed = False
            clients = []
            while not closed:
                client, connection = socket.socketpair()
                handover.admit(connection)
                client.settimeout(0)
                clients.append(client)
                try:
                    closed = client.recv(1) == b""
                except BlockingIOError:
                    assert len(clients) < 5000
            for client in clients:
                client.close()

    asyncio.run(run())


def test_a_copy_of_an_entrance_is_closed_by_itself() -> None:
    """Nothing waits on either socket."""
    with pair() as (listening, passed), Entrance(listening, (passed,)) as entrance:
        with entrance.dup() as copy:
            assert copy.passed[0].gettimeout() == copy.listening.gettimeout() == 0.0
        assert (entrance.listening.fileno() >= 0, copy.listening.fileno()) == (True, -1)
