"""Several ranges of a file in one request: from servers that send them, and from those that send something else."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mirror.errors import Unreachable
from mirror.exchange.byte_ranges import pieces_of, range_header
from mirror.exchange.published_index import Row
from mirror.exchange.published_ranges import spans
from mirror.exchange.published_source import Part, WebSource
from mirror.ports import Exchange, Request
from tests.support.dict_store import DictStore

FILE = bytes(range(256)) * 40
RANGES = [(10, 20), (300, 301), (9000, 10_000)]
Answer = tuple[int, dict[str, str], bytes]
Server = Callable[[list[tuple[int, int]]], Answer]


def single(start: int, end: int) -> Answer:
    """Return the response with one range."""
    return 206, {"Content-Range": f"bytes {start}-{end - 1}/{len(FILE)}"}, FILE[start:end]


def several(ranges: list[tuple[int, int]], lead: bytes = b"\r\n") -> Answer:
    """Return the response with several ranges; ``lead`` is what comes before the first boundary."""
    if len(ranges) == 1:
        return single(*ranges[0])
    body = b"".join(
        lead * (number == 0) + b"\r\n" * (number > 0) + b"--x--y\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Range: bytes %d-%d/%d\r\n\r\n" % (start, end - 1, len(FILE)) + FILE[start:end]
        for number, (start, end) in enumerate(ranges)
    )
    return 206, {"Content-Type": "multipart/byteranges; boundary=x--y"}, body + b"\r\n--x--y--\r\n"


SERVERS: dict[str, tuple[Server, int]] = {
    "several": (several, 1),
    "no empty line first": (lambda ranges: several(ranges, b""), 1),
    "in another order": (lambda ranges: several(ranges[::-1]), 1),
    "merged": (lambda ranges: several([(0, 400), (8000, 10_100)]) if len(ranges) > 1 else single(*ranges[0]), 1),
    "one range for all": (lambda ranges: single(ranges[0][0], ranges[-1][1]), 1),
    "whole file": (lambda _: (200, {}, FILE), 1),
    "first range only": (lambda ranges: single(*ranges[0]), 2),
    "refused": (lambda ranges: (416, {}, b"") if len(ranges) > 1 else single(*ranges[0]), 2),
    "cut off": (lambda ranges: (*several(ranges)[:2], several(ranges)[2][:-400]) if len(ranges) > 1 else single(*ranges[0]), 2),
}  # fmt: skip


@contextmanager
def serving(server: Server) -> Iterator[tuple[WebSource, list[str]]]:
    """Serve one file; yield a client, and the ranges that it asks for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.headers["Range"])
            pairs = re.findall(r"(\d+)-(\d+)", self.headers["Range"])
            status, headers, body = server([(int(start), int(last) + 1) for start, last in pairs])
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        source = WebSource(f"http://127.0.0.1:{http.server_port}", None, DictStore())
        try:
            yield source, asked
        finally:
            source.close()
            http.shutdown()


@pytest.mark.parametrize("name", SERVERS)
def test_every_server_gives_the_same_bytes(name: str) -> None:
    """In one request, or in a second one for all between the first and the last range."""
    server, requests = SERVERS[name]
    with serving(server) as (source, asked):
        bodies = source.fetch([Part("pack", start, end) for start, end in RANGES])

    assert bodies == [FILE[start:end] for start, end in RANGES]
    assert asked == ["bytes=10-19,300-300,9000-9999", "bytes=10-9999"][:requests]


def test_a_server_without_the_range_is_an_error() -> None:
    """It is not retried for ever, and no other bytes are used."""
    with (
        serving(lambda _: single(0, 5)) as (source, asked),
        pytest.raises(Unreachable, match="does not send the range"),
    ):
        source.fetch([Part("pack", start, end) for start, end in RANGES])

    assert len(asked) == 2


@pytest.mark.parametrize("field", ["", "bytes */10240", "bytes x-y/3", "items 0-4/5"])
def test_a_range_that_the_server_does_not_name_is_not_used(field: str) -> None:
    """Its bytes could be of anywhere."""
    exchange = Exchange(Request("http://x.example/"), 206, {"content-range": field}, b"12345", "http://x.example/")  # type: ignore[arg-type]

    assert pieces_of(exchange, [(0, 5)]) is None
    assert range_header([(0, 5), (7, 8)]) == ("Range", "bytes=0-4,7-7")


def rows(*offsets: int, pack: int = 0) -> list[Row]:
    """Return rows of shards of 1,000 bytes."""
    return [Row(pack, "0" * 32, offset, 1000, 0) for offset in offsets]


def ranges_of(wanted: list[Row], sizes: list[int], *, several: bool) -> list[tuple[int, int, int]]:
    """Return what is read for some rows, after checking that every row lies in its range."""
    plan = spans(wanted, sizes, several=several)
    assert sorted(row for span in plan for row in span.rows) == sorted(wanted)
    assert all(span.start <= row.offset and row.offset + row.length <= span.end for span in plan for row in span.rows)
    return [(span.pack, span.start, span.end) for span in plan]


def test_little_is_read_between_shards_if_ranges_are_one_request() -> None:
    """Of a pack that may be sent whole; of a larger one in two requests at most."""
    wanted = rows(0, 1500, 900_000, 5_000_000)

    assert ranges_of(wanted, [6_000_000], several=True) == [
        (0, 0, 2500),
        (0, 900_000, 901_000),
        (0, 5_000_000, 5_001_000),
    ]
    assert ranges_of(wanted, [100_000_000], several=True) == [(0, 0, 901_000), (0, 5_000_000, 5_001_000)]


def test_two_requests_leave_out_the_largest_gap() -> None:
    """With one pack; with two packs each has one."""
    wanted = rows(0, 300_000, 5_000_000, 5_400_000)

    assert ranges_of(wanted, [6_000_000], several=False) == [(0, 0, 301_000), (0, 5_000_000, 5_401_000)]
    assert ranges_of(rows(0, 9000, 20_000), [6_000_000], several=False) == [(0, 0, 21_000)]
    two = ranges_of([*wanted, *rows(500, pack=1)], [6_000_000, 9_000], several=False)
    assert two == [(0, 0, 5_401_000), (1, 500, 1500)]


def test_far_shards_are_asked_for_at_once() -> None:
    """Where more than 32 MB lies between them."""
    wanted = rows(*range(0, 400_000_000, 50_000_000))

    assert len(ranges_of(wanted, [500_000_000], several=False)) == 8
    assert ranges_of([], [500], several=False) == []


def test_a_request_has_a_bounded_number_of_ranges() -> None:
    """Servers refuse more."""
    plan = ranges_of(rows(*range(0, 30_000_000, 10_000)), [31_000_000], several=True)

    assert 1 <= len(plan) <= 100
