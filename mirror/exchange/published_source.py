"""Where a published mirror is read from: the protocol, and the folder of a web server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mirror.equality import NamedTuple
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

    def fetch(self, parts: Sequence[Part]) -> list[bytes | None]:
        """Return the bytes of each part, in order; None for a file that does not exist."""
        ...

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        ...


class WebSource(Source):
    """``Source`` over HTTP. A server without ranged reads sends the whole file."""

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
        requests = []
        for part in parts:
            span = (("Range", f"bytes={part.start}-{part.end - 1}"),) if part.end else ()
            requests.append(Request(f"{self._url}/{part.path}", span, limit=_LARGEST))
        return [_body(part, exchange) for part, exchange in zip(parts, self._requests.fetch(requests), strict=True)]

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._requests.close()


def _body(part: Part, exchange: Exchange) -> bytes | None:
    """Return the bytes of a part; of a whole file that answers a range, that range."""
    if exchange.status == 404:
        return None
    return exchange.body[part.start : part.end] if part.end and exchange.status == 200 else exchange.body
