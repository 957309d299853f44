"""Pages that are sent without the server library: the same response as that of the application, or none."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator

import pytest

from mirror.records.simple_serialize import JSON_TYPE as JSON
from mirror.server.app import Options, Server
from mirror.server.ready_pages import SMALL_BODY, read_request
from mirror.server.responses import Pages
from mirror.server.worker import MirrorWorker
from mirror.session.mirror import Mirror
from mirror.settings import MirrorSettings
from tests.support.dict_store import DictStore
from tests.support.memory_index import ROOT, MemoryIndex
from tests.unit.mirror.server.test_app import Client

Make = Callable[..., Client]
PLAIN = b"GET /simple/app/ HTTP/1.1\r\nHost: a\r\nAccept: " + JSON.encode() + b"\r\n\r\n"


def with_lines(*lines: str) -> bytes:
    """Return the plain request with more headers."""
    return PLAIN[:-2] + "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"


@pytest.fixture
def lines() -> list[str]:
    """Return the log of the server."""
    return []


@pytest.fixture
def clock() -> list[float]:
    """Return the time of the checks, which stands still unless a test changes it."""
    return [100.0]


@pytest.fixture
def make(lines: list[str], clock: list[float]) -> Iterator[Make]:
    """Make servers of app and of a project with many releases."""
    many = {f"1.{minor}": [f"lib{number}" for number in range(3)] for minor in range(2000)}
    index = MemoryIndex({"app": {"1.0": [], "2.0": []}, "many": many})
    store = DictStore()
    worker = MirrorWorker(lambda: Mirror(MirrorSettings("", (ROOT,), keep_whole=True), store, lambda: index))

    def made(token: str | None = None) -> Client:
        return Client(
            Server(Pages(store, worker, offline=False, clock=lambda: clock[0]), Options(token=token, log=lines.append))
        )

    try:
        yield made
    finally:
        worker.close()


def parted(response: bytes | None) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of a response."""
    assert response is not None
    head, _, body = response.partition(b"\r\n\r\n")
    first, *rows = head.decode().split("\r\n")
    return int(first.split()[1]), dict(row.split(": ", 1) for row in rows), body


def test_the_response_is_that_of_the_application(make: Make, lines: list[str]) -> None:
    """Status, headers and body, compressed or not, and the answer to a known entity tag; each is counted and logged."""
    client = make()
    assert client.server.ready(PLAIN) is None  # the mirror was not asked yet
    status, headers, body = client.ask("/simple/app/", accept=JSON)

    plain = parted(client.server.ready(PLAIN))
    zipped = parted(client.server.ready(with_lines("Accept-Encoding: gzip", "Connection: keep-alive")))
    same = parted(client.server.ready(with_lines(f"If-None-Match: {headers['etag']}")))

    assert (plain[0], plain[2].decode()) == (status, body)
    assert {**plain[1], "date": ""} == {**headers, "date": ""}
    assert gzip.decompress(zipped[2]) == plain[2]
    assert (zipped[1]["content-encoding"], zipped[1]["content-length"]) == ("gzip", str(len(zipped[2])))
    assert (same[0], same[2], "content-length" in same[1]) == (304, b"", False)
    assert lines[-3:] == ["GET /simple/app/ 200 0 ms"] * 2 + ["GET /simple/app/ 304 0 ms"]
    assert 'mirror_requests_total{route="simple",status="200"} 3' in client.ask("/metrics")[2]


def test_the_token_is_needed_each_time(make: Make) -> None:
    """A page that others have asked for is not given away, and not to be kept by a shared cache."""
    client = make("secret")
    client.ask("/simple/app/", accept=JSON, authorization="Bearer secret")

    allowed = client.server.ready(with_lines("Authorization: Bearer secret"))

    assert parted(allowed)[1]["cache-control"] == "max-age=60, private"
    assert client.server.ready(PLAIN) is None
    assert client.server.ready(with_lines("Authorization: Bearer secrets")) is None


def test_a_large_page_is_left_to_the_library(make: Make) -> None:
    """It knows what to do with a client that reads slowly."""
    client = make()
    body = client.ask("/simple/many/", accept=JSON)[2]

    assert len(body) > SMALL_BODY
    assert len(json.loads(body)["versions"]) == 2000
    assert client.server.ready(PLAIN.replace(b"/app/", b"/many/")) is None


def test_one_request_has_a_page_checked_again(make: Make, clock: list[float]) -> None:
    """The others get it meanwhile, but not for long."""
    client = make()
    client.ask("/simple/app/", accept=JSON)
    now = clock[0]

    def sent(after: float) -> bool:
        clock[0] = now + after
        return client.server.ready(PLAIN) is not None

    assert [sent(after) for after in (0.1, 0.5, 0.6, 0.65)] == [True, False, True, True]
    assert [sent(after) for after in (0.75, 0.76)] == [False, True]  # nobody has checked it
    assert [sent(after) for after in (1.5, 1.6)] == [False, False]


@pytest.mark.parametrize(
    "data",
    [
        PLAIN[:-1], PLAIN + PLAIN, PLAIN + b"x", PLAIN.replace(b"GET", b"PUT"), PLAIN.replace(b"app", b"App"),
        PLAIN.replace(b"/app/", b"/app/?x=1"), PLAIN.replace(b"/app/", b"/../"), PLAIN.replace(b"/app/", b"/a%70p/"),
        PLAIN.replace(b"1.1", b"1.0"), PLAIN.replace(b"Host: a", b"Host: \xff"), PLAIN.replace(b"Host: a", b"Host: a\n\nx"),
        with_lines("Content-Length: 3"), with_lines("Transfer-Encoding: chunked"), with_lines("Connection: close"),
        with_lines("Connection: Upgrade"), with_lines("Expect: 100-continue"), with_lines("Accept: */*"), with_lines(" folded"),
        with_lines("X : 1"), with_lines("no colon"), with_lines("X: \x00"),
    ],
)  # fmt: skip
def test_what_is_no_plain_request_is_left_to_the_library(data: bytes) -> None:
    """Two readers of one request must not disagree on where it ends."""
    assert read_request(PLAIN) is not None
    assert read_request(data) is None


def test_what_is_known_is_bounded(make: Make) -> None:
    """Many different requests for one page take no more memory than some."""
    client = make()
    client.ask("/simple/app/", accept=JSON)
    server = client.server
    for number in range(3000):
        assert server.ready(with_lines(f"X-Number: {number}")) is not None
    assert len(server._ready._known) <= 1024
    assert server.ready(with_lines("X-Long: " + "x" * 2048)) is None
