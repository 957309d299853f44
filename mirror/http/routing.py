"""Where a request goes: to a file of this machine, or over HTTP; the latter with credentials.

What needs no network makes no transport: an offline run over a folder of wheels loads no HTTP stack.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.ports import CredentialSource, Exchange, Request, Transport

_ASKED_WHO = 401


class RoutedTransport:
    """``mirror.ports.Transport`` over others. ``http`` is made when the first request needs it."""

    name = "routed"

    def __init__(
        self,
        http: Callable[[], Transport],
        credentials: CredentialSource | None = None,
    ) -> None:
        """Make no transport yet; once a 401 comes, ``credentials`` are asked whether there is something else to try."""
        self._make_http = http
        self._http: Transport | None = None
        self._challenged = credentials.challenged if credentials is not None else None

    def submit(self, request: Request, done: Callable[[Exchange], None]) -> None:
        """Start the request; never raises."""
        if request.url.startswith("file:"):
            from mirror.http.local_files import answer  # only where something is local

            done(answer(request))
        else:
            if self._http is None:
                self._http = self._make_http()
            self._http.submit(request, self._minding_401(self._http, request, done))

    def close(self) -> None:
        """Abort what is under way; safe to call twice."""
        if self._http is not None:
            self._http.close()

    def _minding_401(
        self, http: Transport, request: Request, done: Callable[[Exchange], None]
    ) -> Callable[[Exchange], None]:
        """Return ``done``, or something that first asks further for credentials where the index wants some."""
        challenged = self._challenged
        if challenged is None:
            return done

        def ask(exchange: Exchange) -> None:
            if challenged(request.url):  # may run a program or ask a keyring: not in the transport's thread
                http.submit(request, done)
            else:
                done(exchange)

        def look(exchange: Exchange) -> None:
            if exchange.status == _ASKED_WHO:
                threading.Thread(target=ask, args=(exchange,), name="mirror-credentials", daemon=True).start()
            else:
                done(exchange)

        return look
