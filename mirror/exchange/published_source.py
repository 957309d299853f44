"""Where a published mirror is read from: the protocol, and the folder of a web server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mirror.equality import NamedTuple
from mirror.errors import Unreachable
from mirror.exchange.byte_ranges import pieces_of, range_header
from mirror.exchange.web_requests import WebRequests
from mirror.http.credentials import Credentials
from mirror.ports import Request
from mirror.settings import MirrorSettings
from mirror.urls import shown, split_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirror.ports import Exchange, Store

_LARGEST = 1 << 30  # bytes of one response


class Part(NamedTuple):
    """A file of a published mirror, or a range of it."""

    path: str
    start: int = 0
    end: int = 0  # 0: to its end


class Source(Protocol):
    """Reads files of a published mirror, several at once. May raise ``StoreError`` or ``Unreachable``."""

    label: str  # for messages, without secrets
    several_ranges: bool = False  # whether ranges of one file that are asked for together are one request

    def fetch(self, parts: Sequence[Part]) -> list[bytes | None]:
        """Return the bytes of each part, in order; None for a file that does not exist."""
        ...

    def accept(self) -> None:
        """Take note that the index that was read last is used."""
        return

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        ...


class WebSource(Source):
    """``Source`` over HTTP. A server without ranged reads sends the whole file, one with single ranges gets a second request."""

    several_ranges = True

    def __init__(self, url: str, settings: MirrorSettings | None, store: Store) -> None:
        """Store the parts; no request is sent yet.

        Args:
            url: The address of the mirror.
            settings: Proxy, certificates and credentials.
            store: Where a transport may store validators.
        """
        plain, secret = split_url(url)
        self._url = plain.rstrip("/")
        self.label = shown(url).rstrip("/")
        settings = settings or MirrorSettings(plain, ())
        if secret is not None:
            settings = settings._replace(credentials=Credentials([url]))
        self._requests = WebRequests(self.label, settings, store)

    def fetch(self, parts: Sequence[Part]) -> list[bytes | None]:
        """Return the bytes of each part, in order; None for a file that does not exist."""
        groups = _by_file(parts)
        exchanges = self._requests.fetch([self._request(group) for group in groups])
        return [
            body
            for group, exchange in zip(groups, exchanges, strict=True)
            for body in (self._pieces(group, exchange) if group[0].end else [_body(exchange)])
        ]

    def _request(self, group: Sequence[Part]) -> Request:
        """Return the request for a file, or for ranges of it."""
        headers = (range_header((part.start, part.end) for part in group),) if group[0].end else ()
        return Request(f"{self._url}/{group[0].path}", headers, limit=_LARGEST)

    def _pieces(self, group: Sequence[Part], exchange: Exchange) -> Sequence[bytes | None]:
        """Return the bytes of ranges; if the response lacks some, all between the first and the last is asked for."""
        if exchange.status == 404:
            return [None] * len(group)
        ranges = [(part.start, part.end) for part in group]
        pieces = pieces_of(exchange, ranges)
        if pieces is not None:
            return pieces
        if len(group) > 1:
            between = group[0]._replace(end=group[-1].end)
            (exchange,) = self._requests.fetch([self._request([between])])
            pieces = pieces_of(exchange, ranges)
        if pieces is None:
            raise Unreachable(f"{self.label}/{group[0].path}: the server does not send the range that was asked for")
        return pieces

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._requests.close()


def _body(exchange: Exchange) -> bytes | None:
    return None if exchange.status == 404 else exchange.body


def _by_file(parts: Sequence[Part]) -> list[list[Part]]:
    """Return the parts in groups, each for one request: a file, or the ranges of one file that follow each other."""
    groups: list[list[Part]] = []
    for part in parts:
        if part.end and groups and groups[-1][0].path == part.path:
            groups[-1].append(part)
        else:
            groups.append([part])
    return groups
