"""The replay server over real sockets: what a public index's clients count on."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from typing import NamedTuple

import pytest

from benchmarks.recording import RecordedFile, RecordedMetadata, RecordedProject, Release
from benchmarks.replay import NetworkLink, ReplayServer, serve
from benchmarks.replay_site import ReplaySite

_WHEEL = "demo-1.0-py3-none-any.whl"
_SITE = ReplaySite(
    [RecordedProject("demo", (Release("1.0", None, (RecordedFile(_WHEEL),), RecordedMetadata((), 500)),))]
)


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Message
    body: bytes


class Running:
    """A server in a thread of its own."""

    def __init__(self, server: ReplayServer) -> None:
        """Start it and wait until it listens."""
        self.server = server
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._listening.wait(10)

    def _run(self) -> None:
        self._serving = self._loop.create_task(serve(self.server, 0, self._ready))
        self._loop.run_until_complete(asyncio.wait([self._serving]))
        others = asyncio.all_tasks(self._loop)
        for task in others:
            task.cancel()
        if others:
            self._loop.run_until_complete(asyncio.wait(others))
        self._loop.close()

    def _ready(self, port: int) -> None:
        self.port = port
        self._listening.set()

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Make one request."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=named, method=method)
        try:
            with urllib.request.urlopen(request) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def stop(self) -> None:
        """Stop it and wait for its end."""
        self._loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.join(10)


@pytest.fixture
def index() -> Iterator[Running]:
    """Serve the demo project without latency."""
    running = Running(ReplayServer(_SITE))
    yield running
    running.stop()


def test_a_page_comes_compressed_to_those_who_take_it_and_plain_to_others(index: Running) -> None:
    """Both with the headers a public index sends."""
    plain, compressed = index.get("/simple/demo/"), index.get("/simple/demo/", Accept_Encoding="gzip, br")

    assert json.loads(plain.body)["name"] == "demo"
    assert plain.headers["Content-Encoding"] is None
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(compressed.body) == plain.body
    assert compressed.headers["Content-Type"] == "application/vnd.pypi.simple.v1+json"
    assert compressed.headers["Cache-Control"] == "max-age=600, public"


def test_a_page_that_did_not_change_is_not_sent_again(index: Running) -> None:
    """If-None-Match with the ETag gives 304 without a body; with another one, the page."""
    etag = index.get("/simple/demo/").headers["ETag"]

    same, other = index.get("/simple/demo/", If_None_Match=etag), index.get("/simple/demo/", If_None_Match='"x"')

    assert (same.status, same.body, same.headers["ETag"]) == (304, b"", etag)
    assert other.status == 200


@pytest.mark.parametrize(
    ("asked", "part"), [("bytes=0-3", slice(0, 4)), ("bytes=-22", slice(-22, None)), ("bytes=9-", slice(9, None))]
)
def test_a_wheel_is_served_by_byte_ranges(index: Running, asked: str, part: slice) -> None:
    """From the start, from the end, and from a place on (RFC 9110, 14.1.2)."""
    whole = index.get(f"/files/{_WHEEL}").body

    answer = index.get(f"/files/{_WHEEL}", Range=asked)

    first, stop, _ = part.indices(len(whole))
    assert (answer.status, answer.body) == (206, whole[part])
    assert answer.headers["Content-Range"] == f"bytes {first}-{stop - 1}/{len(whole)}"


def test_a_range_beyond_the_end_is_refused(index: Running) -> None:
    """With the length, so that a client can ask again."""
    answer = index.get(f"/files/{_WHEEL}", Range="bytes=99999-")

    assert (answer.status, answer.headers["Content-Range"][:8]) == (416, "bytes */")


def test_head_says_the_length_and_that_ranges_work(index: Running) -> None:
    """What lazy readers of wheels ask first."""
    answer = index.get(f"/files/{_WHEEL}", method="HEAD")

    assert (answer.body, answer.headers["Accept-Ranges"]) == (b"", "bytes")
    assert int(answer.headers["Content-Length"]) == len(index.get(f"/files/{_WHEEL}").body)


def test_pages_without_a_slash_redirect_and_unknown_ones_are_missing(index: Running) -> None:
    """PEP 503 wants the redirect."""
    assert index.get("/simple/demo").status == 200  # urllib follows
    assert index.get("/simple/absent/").status == 404
    assert index.get("/simple/demo/", method="POST").status == 405


def test_pipelined_requests_are_answered_in_order_on_one_connection(index: Running) -> None:
    """Two requests in one packet, cut anywhere."""
    first = b"GET /simple/demo/ HTTP/1.1\r\nHost: x\r\n\r\n"
    request = first + b"HEAD /simple/absent/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    with socket.create_connection(("127.0.0.1", index.port)) as client:
        client.sendall(request[:30])
        client.sendall(request[30:])
        received = b"".join(iter(lambda: client.recv(65_536), b""))

    assert [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404"]


def test_counters_say_what_was_asked_since_the_last_reset(index: Running) -> None:
    """Requests by kind, bytes with their headers, connections."""
    index.get("/simple/demo/")
    index.get(f"/files/{_WHEEL}.metadata")

    counters = json.loads(index.get("/-/counters/reset").body)
    again = json.loads(index.get("/-/counters").body)

    assert {name: counters[name] for name in ("requests", "page", "sidecar")} == {
        "requests": 2,
        "page": 1,
        "sidecar": 1,
    }
    assert counters["bytes"] > 500
    assert "requests" not in again


def test_latency_and_bandwidth_delay_an_answer() -> None:
    """0.05 s away, and 500 bytes over a link of 5,000 a second: never sooner than both together."""
    running = Running(ReplayServer(_SITE, NetworkLink(latency=0.05, bandwidth=5_000)))
    started = time.perf_counter()
    running.get(f"/files/{_WHEEL}.metadata")
    took = time.perf_counter() - started
    running.stop()

    assert took >= 0.05 + 500 / 5_000
