"""The loopback server: HTTP/1.1 over asyncio, keep-alive, pipelined requests answered in order, no dependencies.

It must never be what a fast client waits for, so bodies are compressed beforehand and a request costs one dictionary look-up.
Latency is slept per request, from its arrival; bandwidth is one link that all connections share.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from benchmarks.replay_site import Body, ReplaySite

_STATUS = {200: "OK", 206: "Partial Content", 301: "Moved Permanently", 304: "Not Modified", 404: "Not Found"}
_STATUS |= {405: "Method Not Allowed", 416: "Range Not Satisfiable"}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class NetworkLink(NamedTuple):
    """The simulated network: seconds per request, and bytes per second (0: no limit)."""

    latency: float = 0.0
    bandwidth: float = 0.0


NEAR = NetworkLink()


class ReplayResponse(NamedTuple):
    """One response, before it is encoded."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


def answer(body: Body | None, path: str, headers: Mapping[str, str], counters: Counter[str]) -> ReplayResponse:
    """Decide the response for a resource: 200, 206, 304, 404 or 416, gzip if the client accepts it."""
    if body is None:
        counters["missing"] += 1
        slash = path.startswith("/simple/") and not path.endswith("/")
        return (
            ReplayResponse(301, {"Location": f"{path}/"})
            if slash
            else ReplayResponse(404, {}, b"not in this recording\n")
        )
    counters[body.kind] += 1
    common = {
        "ETag": body.etag,
        "Cache-Control": "max-age=600, public" if body.gzipped else "max-age=365000000, immutable",
    }
    if headers.get("if-none-match", "").removeprefix("W/") == body.etag:
        counters["not modified"] += 1
        return ReplayResponse(304, common)
    common["Content-Type"] = body.content_type
    if body.gzipped is not None:
        common["Vary"] = "Accept, Accept-Encoding"
        if "gzip" in headers.get("accept-encoding", ""):
            return ReplayResponse(200, {**common, "Content-Encoding": "gzip"}, body.gzipped)
        return ReplayResponse(200, common, body.content)
    common["Accept-Ranges"] = "bytes"
    wanted = _RANGE.fullmatch(headers.get("range", ""))
    return _part(body.content, wanted[1], wanted[2], common) if wanted else ReplayResponse(200, common, body.content)


def _part(content: bytes, first: str, last: str, headers: dict[str, str]) -> ReplayResponse:
    """Answer a byte range (RFC 9110, 14.1.2): ``a-b``, ``a-`` or ``-n``."""
    total = len(content)
    start = int(first) if first else max(0, total - int(last or 0))
    stop = min(total, int(last) + 1) if first and last else total
    if start >= stop:
        return ReplayResponse(416, {"Content-Range": f"bytes */{total}"})
    return ReplayResponse(206, {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{total}"}, content[start:stop])


class ReplayServer:
    """Serves one site. ``prepare`` is awaited before each look-up; the recorder fetches there."""

    def __init__(
        self, site: ReplaySite, link: NetworkLink = NEAR, prepare: Callable[[str], Awaitable[None]] | None = None
    ) -> None:
        """Take the site, and the simulated network."""
        self.site = site
        self.counters: Counter[str] = Counter()
        self._link = link
        self._prepare = prepare
        self._link_free_at = 0.0

    async def start(self, port: int = 0) -> asyncio.Server:
        """Listen on loopback; the port is ``server.sockets[0].getsockname()[1]``."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: _Connection(self), "127.0.0.1", port, backlog=1024)

    async def respond(self, method: str, path: str, headers: Mapping[str, str], arrived: float) -> bytes:
        """Return the response's bytes when they are due."""
        if path.startswith("/-/counters"):
            return self._report(reset=path.endswith("/reset"))
        if self._prepare:
            await self._prepare(path)
        self.counters["requests"] += 1
        allowed = method in {"GET", "HEAD"}
        reply = answer(self.site.find(path), path, headers, self.counters) if allowed else ReplayResponse(405, {})
        payload = _payload(reply, with_body=method != "HEAD")
        self.counters["bytes"] += len(payload)
        await self._wait(len(payload), arrived)
        return payload

    async def _wait(self, size: int, arrived: float) -> None:
        now = asyncio.get_running_loop().time()
        due = arrived + self._link.latency
        if self._link.bandwidth:
            self._link_free_at = max(self._link_free_at, due) + size / self._link.bandwidth
            due = self._link_free_at
        if due > now:
            await asyncio.sleep(due - now)

    def _report(self, *, reset: bool) -> bytes:
        payload = _payload(
            ReplayResponse(200, {"Content-Type": "application/json"}, json.dumps(self.counters).encode())
        )
        if reset:
            self.counters.clear()
        return payload


def _payload(reply: ReplayResponse, *, with_body: bool = True) -> bytes:
    headers = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
    length = "" if reply.status == 304 else f"Content-Length: {len(reply.body)}\r\n"
    head = f"HTTP/1.1 {reply.status} {_STATUS[reply.status]}\r\n{headers}{length}\r\n".encode()
    return head + reply.body if with_body else head


class _Connection(asyncio.Protocol):
    """One client. Requests are read as they come and answered in order by one task."""

    def __init__(self, server: ReplayServer) -> None:
        self._server = server
        self._buffer = b""
        self._requests: asyncio.Queue[tuple[str, str, dict[str, str], float]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)
        self._server.counters["connections"] += 1
        self._task = asyncio.get_running_loop().create_task(self._answer_in_order(stream))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._task:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        now = asyncio.get_running_loop().time()
        while b"\r\n\r\n" in self._buffer:
            head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
            first, *lines = head.decode("latin-1").split("\r\n")
            method, path, _ = first.split(" ", 2)
            pairs = (line.partition(":") for line in lines)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            self._requests.put_nowait((method, path.partition("?")[0], headers, now))

    async def _answer_in_order(self, transport: asyncio.Transport) -> None:
        while True:
            method, path, headers, arrived = await self._requests.get()
            transport.write(await self._server.respond(method, path, headers, arrived))
            if headers.get("connection", "").lower() == "close":
                transport.close()
                return


async def serve(server: ReplayServer, port: int, ready: Callable[[int], None]) -> None:
    """Serve until cancelled; ``ready`` is called with the port."""
    listening = await server.start(port)
    ready(listening.sockets[0].getsockname()[1])
    async with listening:
        await listening.serve_forever()
