"""A transport whose project pages are fetched and read in a process of their own, beside the resolve.

Fetching and reading the pages of a 171-package lock takes 0.6 s of CPU time, most of it under the interpreter lock, and the
resolve has as much to do itself. So on Linux with a second core a forked process does it, and only the views cross over
(1 MB and 3 MB, where the pages are 54.8 MB). Everything that is no page goes the ordinary way; so do pages on other
systems, and all that is left should that process die. The views are the same bytes either way (``page_views`` is pure).
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

from mirror.http.problems import CANCELLED
from mirror.ports import Exchange, PageWish, ProblemKind, Request, Views
from mirror.urls import PublicUrl

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.ports import Transport

_HEAD = struct.Struct("<4I")  # job, then the lengths of three parts
_ASKED_WHO = (401, 403, 407)


def can_fork() -> bool:
    """Tell whether a process of its own is possible and worth it: Linux, a second core, no other thread yet."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return sys.platform == "linux" and cores > 1 and threading.active_count() == 1


class PageTransport:
    """``mirror.ports.Transport`` with two arms: a forked process for pages, ``make`` in this process for the rest."""

    def __init__(self, make: Callable[[], Transport]) -> None:
        """Fork, then make the transport of this process. Raises ``OSError`` where there is no process to be had."""
        ours, theirs = socket.socketpair()
        self._child = os.fork()
        if self._child == 0:
            ours.close()
            _serve(theirs, make)
        theirs.close()
        self._socket = ours
        self._outbox: SimpleQueue[tuple[int, Request] | None] = SimpleQueue()
        self._waiting: dict[int, tuple[Request, Callable[[Exchange], None]]] = {}
        self._next = 0
        # Indexes that asked for credentials: what is found out later is known here alone.
        self._guarded: set[str] = set()
        self._broken = self._closed = False
        for target, name in ((self._send, "mirror-pages-out"), (self._receive, "mirror-pages-in")):
            threading.Thread(target=target, name=name, daemon=True).start()
        self._here = make()
        self.name = self._here.name

    def submit(self, request: Request, done: Callable[[Exchange], None]) -> None:
        """Start the request; never raises for network conditions."""
        if request.page is None or self._broken or self._closed or _place(request.url) in self._guarded:
            self._here.submit(request, done)
            return
        self._next += 1
        self._waiting[self._next] = (request, done)
        self._outbox.put((self._next, request))
        if self._broken:  # it died just now, and whoever carried its work on may have missed this one
            self._carry_on()

    def close(self) -> None:
        """Abort what is under way and end the process; safe to call twice."""
        self._here.close()
        if self._closed:
            return
        self._closed = True
        self._outbox.put(None)
        with suppress(OSError):  # it is gone already
            self._socket.shutdown(socket.SHUT_RDWR)
        with suppress(ChildProcessError):  # somebody else collected it
            os.waitpid(self._child, 0)
        self._fail_rest()

    def _send(self) -> None:
        while (item := self._outbox.get()) is not None:
            number, request = item
            wish = request.page or PageWish("")
            about = [request.url, request.headers, request.cache_key, request.limit, *wish]
            try:
                _send_message(self._socket, number, json.dumps(about).encode(), b"", b"")
            except OSError:  # the process is gone: _receive notices as well, and sees to the rest
                return

    def _receive(self) -> None:
        try:
            while (message := _read_message(self._socket)) is not None:
                number, (about, view, files) = message
                request, done = self._waiting.pop(number)
                status, headers, url, problem, kind, size, error = json.loads(about)
                views = Views(view, files, error) if view or error else None
                if status in _ASKED_WHO:
                    self._guarded.add(_place(request.url))
                answer = Exchange(request, status, headers, b"", PublicUrl(url), problem, kind=ProblemKind(kind))
                done(answer._replace(views=views, size=size))
        except OSError:  # as good as a hang-up
            pass
        self._broken = True
        self._socket.close()  # nobody is at its other end any more
        if self._closed:
            self._fail_rest()
        else:
            self._carry_on()

    def _carry_on(self) -> None:
        """Fetch here what is left, and all to come: the process died (killed, out of memory)."""
        while self._waiting:
            try:
                _, (request, done) = self._waiting.popitem()
            except KeyError:  # another thread took the last one
                return
            self._here.submit(request, done)

    def _fail_rest(self) -> None:
        while self._waiting:
            try:
                _, (request, done) = self._waiting.popitem()
            except KeyError:  # likewise
                return
            done(Exchange.failed(request, *CANCELLED))


def _place(url: str) -> str:
    """Return scheme and host of a URL."""
    return "/".join(url.split("/", 3)[:3])


def _send_message(connection: socket.socket, number: int, *parts: bytes) -> None:
    connection.sendall(_HEAD.pack(number, *map(len, parts)) + b"".join(parts))


def _read_message(connection: socket.socket) -> tuple[int, list[bytes]] | None:
    """Return a job's number and three parts, or None where the other side hung up."""
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


def _serve(connection: socket.socket, make: Callable[[], Transport]) -> None:
    """Be the forked process: fetch pages, answer views, until the other side hangs up. Never returns.

    It leaves by ``os._exit``: nothing that the parent had open (its store above all) may be flushed or closed from here.
    """
    code = 0
    try:
        import gc  # both are the forked process's alone
        import signal

        gc.disable()
        for number in (signal.SIGINT, signal.SIGTERM):  # the parent's to handle; it hangs up
            signal.signal(number, signal.SIG_IGN)
        _answer_pages(connection, make())
    except BaseException:  # noqa: BLE001 - whatever it is, it must not run the parent's handlers
        code = 1
    finally:
        os._exit(code)


def _answer_pages(connection: socket.socket, transport: Transport) -> None:
    """Send out what comes in; read each page as it arrives, in this thread, while others are still on their way."""
    arrived: SimpleQueue[tuple[int, Exchange] | None] = SimpleQueue()

    def take_in() -> None:
        try:
            while (message := _read_message(connection)) is not None:
                number, (about, _, _) = message
                url, headers, cache_key, limit, name, whole, classified, admits = json.loads(about)
                pairs = tuple([(key, value) for key, value in headers])
                wish = PageWish(name, whole, classified, tuple([tuple(map(tuple, intervals)) for intervals in admits]))
                request = Request(url, pairs, cache_key=cache_key, limit=limit, page=wish)
                transport.submit(request, _put_into(arrived, number))
        except OSError:  # as good as a hang-up
            pass
        arrived.put(None)

    threading.Thread(target=take_in, name="mirror-pages-asked", daemon=True).start()
    from mirror.records import page_views  # noqa: F401 - while the first page is still on its way

    # The smallest page that is here goes first: many short pages, each with projects behind it that are asked for next, then
    # do not wait for the few of several megabytes.
    heap: list[tuple[int, int, Exchange]] = []
    while True:
        while not heap or not arrived.empty():
            item = arrived.get()
            if item is None:
                return
            heapq.heappush(heap, (len(item[1].body), *item))
        _, number, exchange = heapq.heappop(heap)
        _send_message(connection, number, *_told(exchange))


def _put_into(arrived: SimpleQueue[tuple[int, Exchange] | None], number: int) -> Callable[[Exchange], None]:
    return lambda exchange: arrived.put((number, exchange))


def _told(exchange: Exchange) -> tuple[bytes, bytes, bytes]:
    """Return an answer as three parts: what there is to say of it, and the two views where it is a page."""
    from mirror.records.page_views import views_of  # the parent needs the reader only where it falls back

    views = Views(b"", b"")
    if exchange.status == 200 and exchange.problem is None and exchange.request.page is not None:
        views = views_of(exchange, exchange.request.page)
    about: list[Any] = [
        exchange.status, dict(exchange.headers), exchange.url, exchange.problem, exchange.kind.value,
        len(exchange.body), views.error,
    ]  # fmt: skip
    return json.dumps(about).encode(), views.view, views.files
