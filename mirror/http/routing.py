"""Where a request goes: to a file of this machine, to a thread that does work here, or over HTTP; the last with credentials.

What needs no network makes no transport: an offline run over a folder of wheels loads no HTTP stack.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.ports import Exchange, ProblemKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.http.worker_pool import WorkerPool
    from mirror.ports import Builder, Request, Transport

WORK_FAILED = 422  # the status of work that ended in an error of ours; the body is its message
_ASKED_WHO = 401


class RoutedTransport:
    """``mirror.ports.Transport`` over others. ``http`` is made when the first request needs it."""

    name = "routed"

    def __init__(
        self,
        http: Callable[[], Transport],
        credentials: Callable[[str], tuple[str, str] | None] | None = None,
        builder: Builder | None = None,
    ) -> None:
        """``credentials`` may have a method ``challenged(url)``: asked once a 401 comes, it says whether to try again."""
        self._make_http = http
        self._http: Transport | None = None
        self._pool: WorkerPool | None = None
        self._challenged: Callable[[str], bool] | None = getattr(credentials, "challenged", None)
        self._builder = builder

    def submit(self, request: Request, done: Callable[[Exchange], None]) -> None:
        """Start the request; never raises."""
        if request.work is not None:
            self._work(request, done)
        elif request.url.startswith("file:"):
            from mirror.http.local_files import answer  # only where something is local

            done(answer(request))
        else:
            if self._http is None:
                self._http = self._make_http()
            self._http.submit(request, self._minding_401(self._http, request, done))

    def close(self) -> None:
        """Abort what is under way; safe to call twice."""
        if self._builder is not None:
            self._builder.close()
        for one in (self._http, self._pool):
            if one is not None:
                one.close()

    def _work(self, request: Request, done: Callable[[Exchange], None]) -> None:
        if self._pool is None:
            from mirror.http.worker_pool import WorkerPool  # only where something is built or cloned

            self._pool = WorkerPool(max(2, os.cpu_count() or 1), _perform)
        self._pool.submit(request, done)

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


def _perform(request: Request) -> Exchange:
    """Do a request's work; an error of ours becomes an answer that is not tried again."""
    if request.work is None:
        return Exchange.failed(request, "cannot be sent: there is nothing to do", ProblemKind.UNSENDABLE)
    try:
        return Exchange(request, 200, {}, request.work(), request.url)
    except MirrorError as error:
        return Exchange(request, WORK_FAILED, {"error": type(error).__name__}, str(error).encode(), request.url)
    except Exception as error:  # noqa: BLE001 - a worker must not die: its job would never be answered
        text = f"{type(error).__name__}: {error}"
        return Exchange(request, WORK_FAILED, {"error": "MirrorError"}, text.encode(), request.url)
