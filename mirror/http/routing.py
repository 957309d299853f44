"""Routes a request to a file of this machine or to HTTP; the latter with credentials.

The HTTP transport is made on first use: an offline run over a folder of wheels loads no HTTP stack.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mirror.urls import split_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.ports import CredentialSource, Exchange, Request, Transport

_UNAUTHORIZED = 401


class RoutedTransport:
    """``mirror.ports.Transport`` for ``file:`` URLs and, through another transport, HTTP."""

    name = "routed"

    def __init__(
        self,
        http: Callable[[], Transport],
        credentials: CredentialSource | None = None,
    ) -> None:
        """Make no transport yet.

        Args:
            http: Makes the HTTP transport when the first request needs it.
            credentials: Asked after a 401 whether there are other credentials to try, for the host that sent it.
        """
        self._make_http = http
        self._http: Transport | None = None
        self._credentials = credentials

    def submit(self, request: Request, done: Callable[[Exchange], None]) -> None:
        """Start the request; never raises."""
        if request.url.startswith("file:"):
            from mirror.http.local_files import answer  # only for local files

            done(answer(request))
        else:
            if self._http is None:
                self._http = self._make_http()
            self._http.submit(request, self._retrying_401(self._http, request, done))

    def close(self) -> None:
        """Abort what is under way; safe to call twice."""
        if self._http is not None:
            self._http.close()

    def _retrying_401(
        self, http: Transport, request: Request, done: Callable[[Exchange], None]
    ) -> Callable[[Exchange], None]:
        """Return a callback that asks for credentials after a 401 and retries once; ``done`` if there are no credentials.

        A redirect may have led to another host: as with pip, that host's own credentials are tried there.
        """
        credentials = self._credentials
        if credentials is None:
            return done

        def ask(exchange: Exchange) -> None:
            moved = split_url(exchange.url)[0].split("/")[:3] != request.url.split("/")[:3]
            asked = request._replace(url=exchange.url) if moved else request

            def finish(answer: Exchange) -> None:
                rejected = answer.status == _UNAUTHORIZED and credentials(asked.url) is not None
                done(answer._replace(request=request, rejected=rejected))

            # A keyring may run a program or prompt the user: not in the transport's thread.
            if (moved and credentials(asked.url) is not None) or credentials.challenged(asked.url):
                http.submit(asked, finish)
            else:
                finish(exchange)

        def look(exchange: Exchange) -> None:
            if exchange.status == _UNAUTHORIZED:
                threading.Thread(target=ask, args=(exchange,), name="mirror-credentials", daemon=True).start()
            else:
                done(exchange)

        return look
