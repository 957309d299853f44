"""Send signed URLs of files: records, locks and messages have the URL without its signature (``mirror.session.page_loader``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.ports import Exchange, Request, Transport


class SigningTransport:
    """``mirror.ports.Transport`` that adds the signatures; the exchange has the request as it was given."""

    def __init__(self, inner: Transport, url_of: Callable[[str], str]) -> None:
        """Send through ``inner``; ``url_of`` gives the URL to send for a URL without signature."""
        self._inner = inner
        self._url_of = url_of
        self.name = inner.name

    def submit(self, request: Request, done: Callable[[Exchange], None]) -> None:
        """Start the request; never raises for network conditions."""
        url = self._url_of(request.url)
        if url == request.url:
            self._inner.submit(request, done)
        else:
            self._inner.submit(request._replace(url=url), lambda exchange: done(exchange._replace(request=request)))

    def close(self) -> None:
        """Abort what is under way; safe to call twice."""
        self._inner.close()
