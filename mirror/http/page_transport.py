"""A transport that fetches and parses project pages in a second process, in parallel to the resolver.

Fetching and parsing the pages of a 171-package lock takes 0.6 s of CPU time, most of it under the interpreter lock, and
resolution takes as long. So on Linux with a second core a forked process does it and sends back only the views (1 MB and 3 MB;
the pages are 54.8 MB). All other requests use the transport of this process; so do pages on other systems, and the rest of the
pages if the forked process dies. The views are the same bytes either way (``page_views`` is pure).
"""

from __future__ import annotations

import heapq
import json
import os
import socket
import struct
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from mirror.http.forked import forked
from mirror.http.problems import CANCELLED
from mirror.ports import Exchange, PageWish, ProblemKind, Request, Views
from mirror.urls import PublicUrl

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.ports import Transport

_HEAD = struct.Struct("<4I")  # job, then the lengths of three parts
_UNAUTHORIZED = (401, 403, 407)


def can_fork() -> bool:
    """Return whether a forked process is possible and useful: Linux, a second core, no other thread yet."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return sys.platform == "linux" and cores > 1 and threading.active_count() == 1


class PageTransport:
    """``mirror.ports.Transport`` of two: a forked process for pages, and the one that ``make`` returns for the rest."""

    def __init__(self, make: Callable[[], Transport]) -> None:
        """Fork, then make the transport of this process. Raises ``OSError`` if the system refuses a new process."""
        ours, theirs = socket.socketpair()

        def serve() -> None:
            ours.close()
            _answer_pages(theirs, make())

        self._child = forked(serve)
        theirs.close()
        self._socket = ours
        self._outbox: SimpleQueue[tuple[int, Request] | None] = SimpleQueue()
        self._waiting: dict[int, tuple[Request, Callable[[Exchange], None]]] = {}
        self._next = 0
        # Origins that refused for lack of credentials: a keyring is asked in this process only, so their pages are fetched here.
        self._unauthorized: set[str] = set()
        self._broken = self._closed = False
        for target, name in ((self._send, "mirror-pages-out"), (self._receive, "mirror-pages-in")):
            threading.Thread(target=target, name=name, daemon=True).start()
        self._here = make()
        self.name = self._here.name

    def submit(self, request: Request, done: Callable[[Exchange], None]) -> None:
        """Start the request; never raises for network conditions."""
        if request.page is None or self._broken or self._closed or _origin(request.url) in self._unauthorized:
            self._here.submit(request, done)
            return
        self._next += 1
        self._waiting[self._next] = (request, done)
        self._outbox.put((self._next, request))
        if self._broken:  # the process died meanwhile, and _resume may have run before this request was added
            self._resume()

    def close(self) -> None:
        """Abort what is under way and end the process; safe to call twice."""
        self._here.close()
        if self._closed:
            return
        self._closed = True
        self._outbox.put(None)
        with suppress(OSError):  # closed already
            self._socket.shutdown(socket.SHUT_RDWR)
        with suppress(ChildProcessError):  # already waited for
            os.waitpid(self._child, 0)
        self._fail_rest()

    def _send(self) -> None:
        while (item := self._outbox.get()) is not None:
            number, request = item
            wish = request.page or PageWish("")
            about = [request.url, request.headers, request.cache_key, request.limit, *wish]
            try:
                _send_message(self._socket, number, json.dumps(about).encode(), b"", b"")
            except OSError:  # the process died: _receive notices it too and resumes here
                return

    def _receive(self) -> None:
        try:
            while (message := _read_message(self._socket)) is not None:
                number, (about, view, files) = message
                request, done = self._waiting.pop(number)
                status, headers, url, problem, kind, size, error, signed, undated = json.loads(about)
                views = Views(view, files, error, signed, tuple(undated)) if view or error else None
                if status in _UNAUTHORIZED:
                    self._unauthorized.add(_origin(request.url))
                answer = Exchange(request, status, headers, b"", PublicUrl(url), problem, kind=ProblemKind(kind))
                done(answer._replace(views=views, size=size))
        except OSError:  # treated as the end of the connection
            pass
        self._broken = True
        self._socket.close()  # the process has ended
        if self._closed:
            self._fail_rest()
        else:
            self._resume()

    def _resume(self) -> None:
        """Submit the rest to the transport of this process: the forked one died (killed, out of memory)."""
        while self._waiting:
            try:
                _, (request, done) = self._waiting.popitem()
            except KeyError:  # another thread took the last item
                return
            self._here.submit(request, done)

    def _fail_rest(self) -> None:
        while self._waiting:
            try:
                _, (request, done) = self._waiting.popitem()
            except KeyError:  # as above
                return
            done(Exchange.failed(request, *CANCELLED))


def _origin(url: str) -> str:
    """Return the origin of a URL: scheme and host."""
    return "/".join(url.split("/", 3)[:3])


def _send_message(connection: socket.socket, number: int, *parts: bytes) -> None:
    connection.sendall(_HEAD.pack(number, *map(len, parts)) + b"".join(parts))


def _read_message(connection: socket.socket) -> tuple[int, list[bytes]] | None:
    """Return a job's number and three parts, or None if the other side closed the connection."""
    head = _read_exactly(connection, _HEAD.size)
    if head is None:
        return None
    number, *lengths = _HEAD.unpack(head)
    parts = []
    for length in lengths:
        part = _read_exactly(connection, length)
        if part is None:
            return None
        parts.append(part)
    return number, parts


def _read_exactly(connection: socket.socket, length: int) -> bytes | None:
    data = bytearray(length)
    view = memoryview(data)
    while view:
        count = connection.recv_into(view)
        if count == 0:
            return None
        view = view[count:]
    return bytes(data)


def _answer_pages(connection: socket.socket, transport: Transport) -> None:
    """Fetch the pages that are requested and send back views, until the other side closes the connection.

    Each is parsed as it arrives, in this thread, while others are being fetched.
    """
    import gc  # only in the forked process

    gc.disable()
    arrived: SimpleQueue[tuple[int, Exchange] | None] = SimpleQueue()

    def receive() -> None:
        try:
            while (message := _read_message(connection)) is not None:
                number, (about, _, _) = message
                url, headers, cache_key, limit, name, whole, classified, admits, before = json.loads(about)
                pairs = tuple([(key, value) for key, value in headers])
                intervals = tuple([tuple(map(tuple, rows)) for rows in admits])
                wish = PageWish(name, whole, classified, intervals, before)
                request = Request(url, pairs, cache_key=cache_key, limit=limit, page=wish)
                transport.submit(request, _put_into(arrived, number))
        except OSError:  # treated as the end of the connection
            pass
        arrived.put(None)

    threading.Thread(target=receive, name="mirror-pages-asked", daemon=True).start()
    from mirror.records import page_views  # noqa: F401 - imported while the first page is being fetched

    # The smallest page that has arrived is parsed first: the many short pages, whose dependencies are requested next, then do not
    # wait for the few of several megabytes.
    heap: list[tuple[int, int, Exchange]] = []
    while True:
        while not heap or not arrived.empty():
            item = arrived.get()
            if item is None:
                return
            heapq.heappush(heap, (len(item[1].body), *item))
        _, number, exchange = heapq.heappop(heap)
        _send_message(connection, number, *_encoded(exchange))


def _put_into(arrived: SimpleQueue[tuple[int, Exchange] | None], number: int) -> Callable[[Exchange], None]:
    return lambda exchange: arrived.put((number, exchange))


def _encoded(exchange: Exchange) -> tuple[bytes, bytes, bytes]:
    """Return an exchange as three parts: its fields, and the two views if it is a page."""
    from mirror.records.page_views import views_of  # in the parent only if the forked process died

    views = Views(b"", b"")
    if exchange.status == 200 and exchange.problem is None and exchange.request.page is not None:
        views = views_of(exchange, exchange.request.page)
    about: list[Any] = [
        exchange.status, dict(exchange.headers), exchange.url, exchange.problem, exchange.kind.value,
        len(exchange.body), views.error, dict(views.signed), views.undated,
    ]  # fmt: skip
    return json.dumps(about).encode(), views.view, views.files
