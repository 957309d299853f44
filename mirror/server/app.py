"""The mirror over HTTP, as an ASGI application without a framework: Simple API, records in bulk, and routes of the caller.

Routes: ``/simple/`` and ``/simple/NAME/`` (PEP 503, 691, 700, 792), ``/files/NAME/FILE`` (a redirect to the index's own file)
and ``/files/NAME/FILE.metadata`` (PEP 658, 714), ``/index.zst`` and ``/records`` (mirror.web_store), ``/healthz``,
``/metrics``, and ``/`` and ``/ui/`` for people; more in ``Options.routes``.
Every route but ``/healthz`` requires the token if one is set.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

from mirror.errors import MirrorError
from mirror.names import is_project_name
from mirror.server.answers import Answer, problem, text
from mirror.server.metrics import Gauges, Metrics
from mirror.server.negotiation import accepts_gzip, matches, page_type
from mirror.server.reception import health_response
from mirror.server.responses import Pages
from mirror.server.sent_file import send_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mirror.server.site import Site

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]
    Route = Callable[["Call"], Answer]

_MOST_FIELDS = 32  # of a query
_SMALL_BODY = 64 * 1024  # bytes that are compressed at once, in less time than a thread takes to start
_LOG_LENGTH = 200  # characters of a path that a log line shows


class Call(msgspec.Struct, frozen=True):
    """A request for a route of ``Options.routes``; it runs in a thread."""

    body: bytes
    query: Mapping[str, str]
    deadline: float  # time.monotonic() by which the route must return


class Options(msgspec.Struct, frozen=True):
    """Limits, token and routes of the server."""

    token: str | None = None
    largest_body: int = 1024 * 1024  # bytes
    longest: float = 60.0  # seconds for one request
    concurrent: int = 2  # calls of ``routes`` that run at once; more wait
    requests: int = 500  # requests under way at once; more get a 503 with Retry-After, except /healthz and /metrics
    longest_body: float = 20.0  # seconds in which a body must be received
    waiting: int = 64  # calls of ``routes`` that may wait; more get a 503 with Retry-After
    routes: Mapping[str, Route] = msgspec.field(default_factory=dict)  # POST path -> function that answers
    # POST path -> function that answers without waiting, or returns None if it cannot
    ready: Mapping[str, Callable[[Call], Answer | None]] = msgspec.field(default_factory=dict)
    site: Site | None = None  # the pages for people; a form of theirs uses the route /lock
    log: Callable[[str], None] | None = None
    worker: str = ""  # label of this process in the metrics, if there are several


class Server:
    """The application: ``await server(scope, receive, send)``."""

    def __init__(self, pages: Pages, options: Options) -> None:
        """Take the pages and the options."""
        self._pages = pages
        self._options = options
        self._slots: asyncio.Semaphore | None = None
        self._waiting = 0
        self._active = 0
        self._solving = 0
        self._metrics = Metrics(options.worker)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        start = time.monotonic()
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        method, path = scope["method"], scope["path"]
        route = self._route_name(path)
        self._active += 1
        try:
            answer = await self._answered(method, path, scope, headers, receive)
            with contextlib.suppress(TimeoutError):  # a client that does not read: the library closes the connection
                async with asyncio.timeout(self._options.longest):
                    await self._send(answer, method, headers, send)
        finally:
            self._active -= 1
        taken = time.monotonic() - start
        self._metrics.answered(route, answer.status, taken)
        # Without query and headers: they may hold secrets.
        shown = "".join(character if character.isprintable() else "?" for character in path[:_LOG_LENGTH])
        self._log(f"{method} {shown} {answer.status} {taken * 1000:.0f} ms")

    def health(self) -> bytes:
        """Return a whole response to GET /healthz, for a connection that stays open."""
        answer = self._pages.health()
        self.health_was_answered(answer.status, 1)
        return health_response(answer.status, answer.body)

    def report(self) -> tuple[str, Answer]:
        """Return the label of this process and its answer to /healthz."""
        return self._options.worker, self._pages.health()

    def health_was_answered(self, status: int, count: int) -> None:
        """Count and log requests for /healthz that were answered before they reached this application."""
        for _ in range(count):
            self._metrics.answered("healthz", status, 0.0)
            self._log(f"GET /healthz {status} 0 ms")

    async def _answered(
        self, method: str, path: str, scope: Mapping[str, Any], headers: Mapping[str, str], receive: Receive
    ) -> Answer:
        """Return the answer to a request, an error included; /healthz and /metrics are never refused for load."""
        if self._active > self._options.requests and path not in ("/healthz", "/metrics"):
            return problem(503, "too many requests at once").with_header("retry-after", "1")
        try:
            async with asyncio.timeout(self._options.longest):  # unlike wait_for it makes no task
                return await self._answer(method, path, scope, headers, receive)
        except TimeoutError:
            return problem(504, "it took longer than this server allows")
        except MirrorError as error:  # a project that cannot be read; the message names it
            return problem(503, str(error))
        except Exception as error:  # noqa: BLE001 - the client gets a 500, the log the error
            self._log(f"internal error: {type(error).__name__}: {error}")
            return problem(500, "internal error")

    async def _answer(  # noqa: PLR0911 - one return per outcome
        self, method: str, path: str, scope: Mapping[str, Any], headers: Mapping[str, str], receive: Receive
    ) -> Answer:
        if path == "/healthz":
            return self._pages.health()
        if not self._is_authorized(headers.get("authorization", "")):
            return problem(401, "a token is needed").with_header("www-authenticate", "Bearer, Basic realm=mirror")
        try:
            raw = scope["query_string"].decode("latin-1")
            fields = parse_qs(raw, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            return problem(400, f"a query has at most {_MOST_FIELDS} parameters")
        query = {key: values[-1] for key, values in fields.items()}
        if path in self._options.routes:
            if method != "POST":
                return problem(405, "POST a requirements file").with_header("allow", "POST")
            call = await self._call(headers, query, receive)
            return call if isinstance(call, Answer) else await self._run(path, call)
        if path == "/ui/lock" and method == "POST" and self._options.site is not None:
            return await self._form(self._options.site, headers, receive)
        if method not in {"GET", "HEAD"}:
            return problem(405, "only GET and HEAD here").with_header("allow", "GET, HEAD")
        return await self._get(path, query, headers)

    async def _get(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:  # noqa: PLR0911 - one return per route
        pages = self._pages
        parts = path.split("/")[1:]  # decoded by the server library; decoding twice would let %25 hide a character
        match parts:
            case ["simple"] | ["simple", _]:
                kind = page_type(headers.get("accept"))
                if parts == ["simple", ""] and kind is not None:
                    return await asyncio.to_thread(pages.index, kind)
                if kind is None:
                    return problem(406, "only JSON and HTML are available")
                if is_project_name(parts[-1]):
                    return _moved(parts[-1] + "/")
                return problem(404, "no project has such a name")
            case ["simple", name, ""]:
                kind = page_type(headers.get("accept"))
                served = None if kind is None else await pages.project(name, kind)
                return served or problem(406, "only JSON and HTML are available")
            case ["files", name, filename]:
                return await pages.file(name, filename)
            case ["index.zst" | "keys.json" | "records"]:
                return await asyncio.to_thread(pages.bulk.answer, parts[0], query)
            case ["metrics"]:
                gauges = Gauges(self._active, self._waiting, self._solving, pages.health().status == 200)
                return text(200, self._metrics.text(gauges, pages.lookups()))
            case [""] | ["ui", *_] if self._options.site is not None:
                return await self._options.site.get(parts, query, headers)
        return problem(404, "not found; the Simple API is at /simple/")

    async def _call(self, headers: Mapping[str, str], query: Mapping[str, str], receive: Receive) -> Call | Answer:
        """Return the request for a route, or the answer that its body is too large or too slow."""
        try:
            body = await asyncio.wait_for(self._body(headers, receive), self._options.longest_body)
        except TimeoutError:
            return problem(408, "the body did not come in time")
        return body if isinstance(body, Answer) else Call(body, query, time.monotonic() + self._options.longest)

    async def _form(self, site: Site, headers: Mapping[str, str], receive: Receive) -> Answer:
        """Answer a form of the pages for people: its fields are the request for the route /lock."""
        call = await self._call(headers, {}, receive)
        if isinstance(call, Answer):
            return call

        async def lock(requirements: bytes, query: Mapping[str, str]) -> Answer:
            return await self._run("/lock", Call(requirements, query, call.deadline))

        return await site.lock(call.body, headers, lock)

    async def _run(self, path: str, call: Call) -> Answer:
        """Answer without waiting if possible, else run the route in a thread, a bounded number at once."""
        ready = self._options.ready.get(path)
        answer = ready(call) if ready is not None else None
        if answer is not None:
            self._metrics.locks["memory"] += 1
            return answer
        if self._slots is None:
            self._slots = asyncio.Semaphore(self._options.concurrent)
        if self._waiting >= self._options.waiting:
            return problem(503, "too many are waiting").with_header("retry-after", "1")
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        # The slot is released when the thread ends: after a timeout here the thread still runs, so no other may start.
        task = asyncio.ensure_future(asyncio.to_thread(self._options.routes[path], call))
        self._solving += 1
        self._metrics.locks["solved"] += 1
        task.add_done_callback(lambda _: self._solved())
        return await asyncio.shield(task)

    def _solved(self) -> None:
        self._solving -= 1
        if self._slots is not None:
            self._slots.release()

    async def _body(self, headers: Mapping[str, str], receive: Receive) -> bytes | Answer:
        """Return the body, or a 413 if it is larger than the limit; never buffers more than the limit."""
        claimed = headers.get("content-length", "0")
        if not claimed.isdecimal() or int(claimed) > self._options.largest_body:
            return problem(413, f"at most {self._options.largest_body} bytes")
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._options.largest_body:
                return problem(413, f"at most {self._options.largest_body} bytes")
            if not message.get("more_body") or message["type"] == "http.disconnect":
                return bytes(body)

    async def _send(self, answer: Answer, method: str, headers: Mapping[str, str], send: Send) -> None:
        fields = [("content-type", answer.kind), ("vary", "Accept, Accept-Encoding"), *answer.headers]
        status, body = answer.status, answer.body
        if answer.etag is not None:
            fields.append(("etag", answer.etag))
            readers = "public" if self._options.token is None else "private"
            fields.append(("cache-control", f"max-age=60, {readers}"))
            if matches(headers.get("if-none-match"), answer.etag):
                status, body = 304, b""
        if status == 200 and answer.zipped is not None and accepts_gzip(headers.get("accept-encoding")):
            small = len(body) <= _SMALL_BODY
            body = answer.zipped() if small else await asyncio.to_thread(answer.zipped)
            fields.append(("content-encoding", "gzip"))
        if status != 304:
            fields.append(("content-length", str(answer.size if answer.path else len(body))))
        raw = [(key.encode("latin-1"), value.encode("latin-1", "replace")) for key, value in fields]
        with contextlib.suppress(OSError):  # the client went away
            await send({"type": "http.response.start", "status": status, "headers": raw})
            await send_body(answer, body, send, headers_only=method == "HEAD")

    def _is_authorized(self, header: str) -> bool:
        """Return whether a request has the token: as a Bearer token, or as the password of Basic, which pip supports."""
        token = self._options.token
        if token is None:
            return True
        kind, _, value = header.partition(" ")
        shown = value.strip()
        if kind.lower() == "basic":
            try:
                user, _, password = base64.b64decode(shown).decode().partition(":")
            except ValueError:
                return False
            shown = password or user
        return hmac.compare_digest(shown.encode(), token.encode())

    def _route_name(self, path: str) -> str:
        first = path.split("/")[1] if path.count("/") else ""
        routes = ("simple", "files", "records", "index.zst", "keys.json", "healthz", "metrics", "ui", "")
        return (first or "home") if first in routes or path in self._options.routes else "other"

    def _log(self, line: str) -> None:
        if self._options.log is not None:
            self._options.log(line)


def _moved(path: str) -> Answer:
    return problem(301, "moved permanently").with_header("location", path)
