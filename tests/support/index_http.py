"""The HTTP side of the test index: one thread a connection, keep-alive, and failures on demand."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit


class Seen(NamedTuple):
    """One request as it arrived, and the status it got (0: the connection was dropped)."""

    method: str
    path: str
    headers: Mapping[str, str]  # lower-case names
    status: int
    port: int  # of the client: tells connections apart
    arrived: float  # monotonic seconds when its head had been read


class Fault(NamedTuple):
    """A failure for the next ``times`` requests whose path matches the glob ``path``."""

    path: str
    # "status", "truncate", "reset", "mislabel" (as gzip), "drip" (body over ``seconds``), "hang" (``seconds`` before the answer)
    kind: str
    times: int = 1
    status: int = 503
    retry_after: str | None = None
    seconds: float = 0.0


class Answer(NamedTuple):
    """A response before it is sent."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Site(Protocol):
    """What the server calls: to learn of a failure that is due, to get the answer, and to report the request."""

    throttle: int  # requests at once past which it answers 429; 0: none

    def delay(self) -> float:
        """Return the seconds every answer takes."""
        ...

    def fault(self, path: str) -> Fault | None:
        """Return the failure that is due for this request, counting it."""
        ...

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Return the response; ``headers`` has lower-case names, and the URL's query, if any, as ``:query``."""
        ...

    def record(self, seen: Seen) -> None:
        """Record one request."""
        ...


class SiteServer(ThreadingHTTPServer):
    """Serves a site on loopback. Binding asks no name server and takes well under 10 ms."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, site: Site, tls: ssl.SSLContext | None = None) -> None:
        """Bind the port (0: any that is free); with ``tls`` every connection is encrypted."""
        self.site = site
        self.connections: set[socket.socket] = set()
        self.most_at_once = 0
        self._at_once = 0
        self._counting = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)
        if tls is not None:  # hands are shaken in the connection's own thread, so that one client cannot block another
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @contextlib.contextmanager
    def counted(self) -> Iterator[int]:
        """Count a request among those that are being answered; give how many these are."""
        with self._counting:
            self._at_once += 1
            at_once = self._at_once
            self.most_at_once = max(self.most_at_once, at_once)
        try:
            yield at_once
        finally:
            with self._counting:
                self._at_once -= 1

    def drop_connections(self) -> None:
        """Cut every connection that is open."""
        for connection in tuple(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def server_bind(self) -> None:
        """Bind without asking DNS for our own name, which the base class does and which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Do not report clients that closed the connection."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together
    server: SiteServer

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def do_GET(self) -> None:
        """Answer, and record the request with its outcome before the first byte leaves."""
        site, arrived = self.server.site, time.monotonic()
        _, _, path, query, _ = urlsplit(self.path)
        headers = {key.lower(): value for key, value in self.headers.items()}
        fault = site.fault(path)
        with self.server.counted() as at_once:  # until the answer leaves: whoever has it may ask the next thing at once
            if 0 < site.throttle < at_once:
                fault = Fault(path, "status", status=429)
            elif delay := site.delay() + (fault.seconds if fault and fault.kind == "hang" else 0.0):
                time.sleep(delay)
            answer = site.answer(path, headers | {":query": query} if query else headers)
        if fault and fault.kind == "status":
            retry = (("Retry-After", fault.retry_after),) if fault.retry_after is not None else ()
            answer = Answer(fault.status, b"trouble", retry)
        status = 0 if fault and fault.kind == "reset" else answer.status
        site.record(Seen(self.command, path, headers, status, self.client_address[1], arrived))
        if status == 0:
            self._reset()
        else:
            self._send(answer, fault)

    def do_HEAD(self) -> None:
        """Answer as to GET; ``_send`` leaves the body out."""
        self.do_GET()

    def _send(self, answer: Answer, fault: Fault | None) -> None:
        self.send_response(answer.status)
        for key, value in answer.headers:
            self.send_header(key, value)
        if fault and fault.kind == "mislabel":
            self.send_header("Content-Encoding", "gzip")
        if answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command == "HEAD" or answer.status == 304:
            return
        if fault and fault.kind == "truncate":
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.close_connection = True
        elif fault and fault.kind == "drip":
            self._drip(answer.body, fault.seconds)
        else:
            self.wfile.write(answer.body)

    def _drip(self, body: bytes, seconds: float) -> None:
        """Send the body in ten parts, the whole taking ``seconds``."""
        step = len(body) // 10 + 1
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            self.wfile.flush()
            time.sleep(seconds / 10)

    def _reset(self) -> None:
        """Close so that the client sees ECONNRESET, not an orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.rfile.close()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Log nothing: ``requests_seen`` is the log."""
