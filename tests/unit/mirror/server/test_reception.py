"""/healthz is answered before what was received earlier; everything else reaches the server library in its order."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from mirror.server.arrivals import Admission, Turns
from mirror.server.connections import ConnectionLimit
from mirror.server.reception import Reception, asks_for_health, ends_connection

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok\n"


@pytest.mark.parametrize(
    ("data", "asks"),
    [
        (HEALTH, True), (b"GET /healthz HTTP/1.1\r\n\r\n", True), (HEALTH[:-2], False), (HEALTH + HEALTH, False), (b"", False),
        (b"GET /healthz?x HTTP/1.1\r\n\r\n", False), (b"GET /healthz HTTP/1.0\r\n\r\n", False), (b"HEAD" + HEALTH[3:], False),
        (b"GET /healthz HTTP/1.1\r\nContent-Length: 2\r\n\r\n", False),
        (b"GET /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", False),
    ],
)  # fmt: skip
def test_only_a_whole_request_without_a_body_asks_for_health(data: bytes, asks: bool) -> None:
    """Any other goes to the server library."""
    assert asks_for_health(data) is asks


def test_a_request_may_end_its_connection() -> None:
    """Header names have any case."""
    assert ends_connection(b"GET /healthz HTTP/1.1\r\nCONNECTION: Close\r\n\r\n")
    assert not ends_connection(HEALTH)


def test_works_run_in_order_a_few_at_each_turn() -> None:
    """Between two turns the event loop does what else is due."""

    async def run() -> list[int | str]:
        turns, done = Turns(), list[int | str]()
        for number in range(20):
            turns.run(lambda number=number: done.append(number))  # type: ignore[misc]  # bound now
        asyncio.get_running_loop().call_soon(done.append, "other")
        for _ in range(5):
            await asyncio.sleep(0)
        return done

    done = asyncio.run(run())

    assert [row for row in done if row != "other"] == [*range(20)]
    assert 0 < done.index("other") < 20


def test_a_work_that_fails_does_not_stop_those_after_it() -> None:
    """Its error goes to the event loop's handler."""

    async def run() -> list[int]:
        turns, done = Turns(), list[int]()
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        for number in range(30):
            turns.run((lambda: 1 // 0) if number == 20 else (lambda number=number: done.append(number)))  # type: ignore[misc]
        for _ in range(9):
            await asyncio.sleep(0)
        return done

    assert asyncio.run(run()) == [number for number in range(30) if number != 20]


class Echo(asyncio.Protocol):
    """The library's protocol: sends back what it gets."""

    def connection_made(self, transport: Any) -> None:
        """Open."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Send it back."""
        self.transport.write(b"library " + data)


def received(script: Callable[[str, int], Any], *, most: int = 100) -> Any:
    """Return the result of a script with the address of a reception."""

    async def run() -> Any:
        listening = socket.create_server(("127.0.0.1", 0))
        admit = Admission(Turns(), Echo).admit
        reception = Reception(listening, ConnectionLimit(most), lambda: OK, admit)
        reception.open()
        try:
            return await script(*listening.getsockname()[:2])
        finally:
            reception.close()
            listening.close()

    return asyncio.run(asyncio.wait_for(run(), 20))


def test_health_is_answered_and_the_connection_may_go_on() -> None:
    """Twice by the reception, then by the library."""

    async def script(host: str, port: int) -> list[bytes]:
        reader, writer = await asyncio.open_connection(host, port)
        rows = []
        for data, size in ((HEALTH, len(OK)), (HEALTH, len(OK)), (b"GET / HTTP/1.1\r\n\r\n", 26)):
            writer.write(data)
            rows.append(await reader.readexactly(size))
        writer.close()
        return rows

    assert received(script) == [OK, OK, b"library GET / HTTP/1.1\r\n\r\n"]


def test_a_connection_that_asks_for_its_end_is_closed() -> None:
    """After the response."""

    async def script(host: str, port: int) -> bytes:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(HEALTH.replace(b"Host: a", b"Connection: close"))
        data = await reader.read()
        writer.close()
        return data

    assert received(script) == OK


def test_a_request_in_pieces_reaches_the_library() -> None:
    """The beginning of one for /healthz too."""

    async def script(host: str, port: int) -> bytes:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(HEALTH[:9])
        data = await reader.readexactly(17)
        writer.close()
        return data

    assert received(script) == b"library GET /heal"


def test_too_many_connections_close_the_one_that_waits_longest() -> None:
    """Also while none has sent anything."""

    async def script(host: str, port: int) -> list[bytes]:
        first = await asyncio.open_connection(host, port)
        second = await asyncio.open_connection(host, port)
        third = await asyncio.open_connection(host, port)
        closed = await first[0].read()
        third[1].write(HEALTH)
        answer = await third[0].readexactly(len(OK))
        for _, writer in (first, second, third):
            writer.close()
        return [closed, answer]

    assert received(script, most=2) == [b"", OK]
