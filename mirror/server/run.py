"""Runs the server in this process. The only file that names the server library."""

from __future__ import annotations

import gc
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from mirror.server.arrivals import Admission, Arrivals, Turns
from mirror.server.connections import IDLE_SECONDS, ConnectionLimit, bounded
from mirror.server.listening import most_connections
from mirror.server.reception import Reception, is_kept

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable, Sequence

    from mirror.server.app import Server
    from mirror.server.listening import Entrance

# Seconds until another thread may run: with Python's 5 ms a thread that builds a page delays every answer.
_SWITCH = 0.001
_GRACE = 5  # seconds for requests under way when the server stops


def serve(application: Server, entrance: Entrance, until: Sequence[Callable[[], object]] = ()) -> None:
    """Serve until interrupted.

    Args:
        application: Answers the requests.
        entrance: Where connections come from; other processes may share it. It is closed at the end.
        until: Each is called in a thread; the server stops when one returns.
    """
    limit, turns = ConnectionLimit(most_connections()), Turns()
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        http=bounded(AutoHTTPProtocol, limit, turns.run, lambda data: application.health() if is_kept(data) else None),
        timeout_keep_alive=int(IDLE_SECONDS),
        timeout_graceful_shutdown=_GRACE,
    )
    server = _Server(config, application, entrance, limit, turns)
    sys.setswitchinterval(_SWITCH)
    gc.freeze()  # what was loaded stays: a collection of all objects would stop every answer for 30 ms
    for event in until:
        threading.Thread(target=_stop_after, args=(event, server), daemon=True).start()
    with entrance, suppress(KeyboardInterrupt):
        server.run(sockets=[entrance.listening])


class _Server(uvicorn.Server):
    """The library's server with connections of ours, where the event loop can watch sockets (not on Windows)."""

    def __init__(
        self, config: uvicorn.Config, application: Server, entrance: Entrance, limit: ConnectionLimit, turns: Turns
    ) -> None:
        super().__init__(config)
        self._application, self._entrance, self._limit, self._turns = application, entrance, limit, turns
        self._source: Arrivals | Reception | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if os.name != "posix":
            await super().startup(sockets)
            return
        await super().startup([])
        application, passed = self._application, self._entrance.passed
        if not passed:
            self._accept()
            return
        admit = Admission(self._turns, self._protocol).admit
        self._source = Arrivals(passed[0], admit, application.report, application.health_was_answered, self._accept)
        self._source.open()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._source is not None:
            self._source.close()
        await super().shutdown(sockets)

    def _accept(self) -> None:
        """Accept connections in this process."""
        admit = Admission(self._turns, self._protocol).admit
        self._source = Reception(self._entrance.listening, self._limit, self._application.health, admit)
        self._source.open()

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]  # as the library makes it
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


def _stop_after(until: Callable[[], object], server: uvicorn.Server) -> None:
    until()
    server.should_exit = True
