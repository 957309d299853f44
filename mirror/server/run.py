"""Runs the server in this process. The only file that names the server library."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from mirror.server.connections import IDLE_SECONDS, ConnectionLimit, bounded
from mirror.server.reception import Reception, Turns, is_kept

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable, Sequence

    from mirror.server.app import Server

_CONNECTIONS = 4000
_OTHER_FILES = 200  # file descriptors for the store and the process's own requests
_SWITCH = (
    0.001  # seconds until another thread may run: with Python's 5 ms a thread that builds a page delays every answer
)
_GRACE = 5  # seconds for requests under way when the server stops


def serve(application: Server, listening: socket.socket, until: Sequence[Callable[[], object]] = ()) -> None:
    """Serve until interrupted.

    Args:
        application: Answers the requests.
        listening: The socket, which other processes may share.
        until: Each is called in a thread; the server stops when one returns.
    """
    limit, turns = ConnectionLimit(_most_connections()), Turns()
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
    server = _Server(config, application, limit, turns)
    sys.setswitchinterval(_SWITCH)
    for event in until:
        threading.Thread(target=_stop_after, args=(event, server), daemon=True).start()
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        return
    finally:
        listening.close()


class _Server(uvicorn.Server):
    """The library's server with a reception of ours, where the event loop can watch sockets (not on Windows)."""

    def __init__(self, config: uvicorn.Config, application: Server, limit: ConnectionLimit, turns: Turns) -> None:
        super().__init__(config)
        self._application, self._limit, self._turns = application, limit, turns
        self._receptions: list[Reception] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if os.name != "posix":
            await super().startup(sockets)
            return
        await super().startup([])
        for listening in sockets or ():
            reception = Reception(listening, self._limit, self._turns, self._application.health, self._protocol)
            self._receptions.append(reception)
            reception.open()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for reception in self._receptions:
            reception.close()
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]  # as the library makes it
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


def _stop_after(until: Callable[[], object], server: uvicorn.Server) -> None:
    until()
    server.should_exit = True


def _most_connections() -> int:
    """Raise the limit of open files of this process; return how many connections may be open at once."""
    try:
        import resource  # not on Windows
    except ImportError:
        return _CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(1, soft - _OTHER_FILES)
    return _CONNECTIONS
