"""Signed URLs of files, kept in memory for one run: records, locks and messages have the URL without its signature.

A page with signed URLs is stale at once, so each run that goes online fetches it and has signatures that are valid now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mirror.ports import Exchange, Request, Transport

_MOST = 200_000  # URLs: a server runs for weeks


class Signatures:
    """The signed URLs that pages of this run have named, by the URL without signature."""

    def __init__(self) -> None:
        """Know none yet."""
        self._signed: dict[str, str] = {}

    def add(self, signed: Mapping[str, str]) -> None:
        """Take the signed URLs of a page; they replace older ones."""
        if len(self._signed) > _MOST:
            self._signed.clear()
        self._signed.update(signed)

    def url_of(self, url: str) -> str:
        """Return the URL to send for a URL without signature: itself if none is known."""
        return self._signed.get(url, url)


class SigningTransport:
    """``mirror.ports.Transport`` that adds the signatures; the exchange has the request as it was given."""

    def __init__(self, inner: Transport, signatures: Signatures) -> None:
        """Send through ``inner``."""
        self._inner = inner
        self._signatures = signatures
        self.name = inner.name

    def submit(self, request: Request, done: Callable[[Exchange], None]) -> None:
        """Start the request; never raises for network conditions."""
        url = self._signatures.url_of(request.url)
        if url == request.url:
            self._inner.submit(request, done)
        else:
            self._inner.submit(request._replace(url=url), lambda exchange: done(exchange._replace(request=request)))

    def close(self) -> None:
        """Abort what is under way; safe to call twice."""
        self._inner.close()
