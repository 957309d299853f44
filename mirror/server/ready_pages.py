"""Whole responses to requests for pages that were checked a moment ago, by the bytes of the request: 10 µs each, not 300.

Only what is one whole, plain GET of a page is taken here. Everything else, and a page whose check is due, is left to the server
library and the application, which give the same response.
"""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.names import is_project_name, normalize_name
from mirror.server.negotiation import accepts_gzip, matches, page_type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mirror.server.answers import Answer, Page
    from mirror.server.responses import Pages

SMALL_BODY = 64 * 1024  # bytes: compressed at once, in less time than a thread takes to start; sent at once, too
_LONGEST = 2048  # bytes of a request
_MOST = 1024  # requests that are known
_START, _END = b"GET /simple/", b"\r\n\r\n"
# Headers of a request that is more than its headers.
_OTHER = frozenset(("content-length", "transfer-encoding", "expect", "upgrade"))


class _Ready(NamedTuple):
    """A known request, and the response to it."""

    name: str
    kind: str
    etag: str = ""  # of the page that the response was made of
    status: int = 0
    start: bytes = b""  # before the date
    rest: bytes = b""  # behind it


class ReadyPages:
    """The known requests. All calls come from the event loop's thread."""

    def __init__(
        self,
        pages: Pages,
        sent: Callable[[str, int], None],
        is_authorized: Callable[[str], bool],
        *,
        private: bool,
    ) -> None:
        """Know none yet.

        Args:
            pages: Makes the pages, and knows when each was checked.
            sent: Gets the project and the status of each response.
            is_authorized: Returns whether an Authorization header may see pages.
            private: Whether one is needed.
        """
        self._pages = pages
        self._sent = sent
        self._is_authorized = is_authorized
        self._private = private
        self._known: dict[bytes, _Ready] = {}

    def response(self, data: bytes) -> bytes | None:
        """Return the whole response to one request; None if it is left to the application."""
        ready = self._known.get(data)
        if ready is None:
            ready = self._read(data)
            if ready is None:
                return None
        page = self._pages.ready(ready.name, ready.kind, SMALL_BODY)
        if page is None:
            return None
        if ready.etag != page.etag:
            request = read_request(data)
            if request is None:
                return None
            ready = self._keep(data, _made(ready, page, request.headers, private=self._private))
        self._sent(ready.name, ready.status)
        return b"".join((ready.start, formatdate(usegmt=True).encode("ascii"), ready.rest))

    def _read(self, data: bytes) -> _Ready | None:
        """Return a request that is not known yet, without a response."""
        if not data.startswith(_START) or len(data) > _LONGEST:
            return None
        request = read_request(data)
        if request is None or not self._is_authorized(request.headers.get("authorization", "")):
            return None
        kind = page_type(request.headers.get("accept"))
        return None if kind is None else _Ready(request.name, kind)

    def _keep(self, data: bytes, ready: _Ready) -> _Ready:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[data] = ready
        return ready


def _made(ready: _Ready, page: Page, headers: Mapping[str, str], *, private: bool) -> _Ready:
    """Return a request with its response."""
    status, fields, zips = head_of(page.answer(), headers, private=private)
    body = b"" if status == 304 else page.zipped() if zips else page.body
    if status != 304:
        fields.append(("content-length", str(len(body))))
    start = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ndate: ".encode("ascii")
    rest = "".join(["\r\n", *[f"{key}: {value}\r\n" for key, value in fields], "\r\n"]).encode("latin-1")
    return _Ready(ready.name, ready.kind, page.etag, status, start, rest + body)


class PageRequest(NamedTuple):
    """A plain request for a page: the project, and the headers by their names in lower case."""

    name: str
    headers: Mapping[str, str]


def read_request(data: bytes) -> PageRequest | None:
    """Return the request that these bytes are, if they are one plain GET of a page, with each header once; else None."""
    if data.find(_END) != len(data) - len(_END) or not data.isascii():
        return None
    first, *lines = data[: -len(_END)].decode("ascii").split("\r\n")
    name = first.removeprefix("GET /simple/").removesuffix("/ HTTP/1.1")
    if first != f"GET /simple/{name}/ HTTP/1.1" or not is_project_name(name) or normalize_name(name) != name:
        return None
    headers: dict[str, str] = {}
    for line in lines:
        key, colon, value = line.partition(":")
        key = key.lower()
        if not colon or not line.isprintable() or not key.replace("-", "a").isalnum() or key in headers:
            return None
        headers[key] = value.strip()
    if _OTHER & headers.keys() or headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    return PageRequest(name, headers)


def head_of(answer: Answer, headers: Mapping[str, str], *, private: bool) -> tuple[int, list[tuple[str, str]], bool]:
    """Return the status and the headers of a response, its length apart, and whether its body is to be compressed."""
    fields = [("content-type", answer.kind), ("vary", "Accept, Accept-Encoding"), *answer.headers]
    status = answer.status
    if answer.etag is not None:
        fields.append(("etag", answer.etag))
        fields.append(("cache-control", f"max-age=60, {'private' if private else 'public'}"))
        if matches(headers.get("if-none-match"), answer.etag):
            status = 304
    zips = status == 200 and answer.zipped is not None and accepts_gzip(headers.get("accept-encoding"))
    if zips:
        fields.append(("content-encoding", "gzip"))
    return status, fields, zips
