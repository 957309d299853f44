"""Runs the server in this process. The only file that names the server library."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from mirror.server.connections import ConnectionLimit, bounded

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from mirror.server.app import Server

_CONNECTIONS = 4000
_OTHER_FILES = 200  # file descriptors for the store and the process's own requests
_IDLE = 30  # seconds that a connection is kept open for another request
_GRACE = 5  # seconds for requests under way when the server stops


def serve(application: Server, listening: socket.socket, until: Sequence[Callable[[], object]] = ()) -> None:
    """Serve until interrupted.

    Args:
        application: Answers the requests.
        listening: The socket, which other processes may share.
        until: Each is called in a thread; the server stops when one returns.
    """
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        http=bounded(AutoHTTPProtocol, ConnectionLimit(_most_connections())),
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=_GRACE,
    )
    server = uvicorn.Server(config)
    for event in until:
        threading.Thread(target=_stop_after, args=(event, server), daemon=True).start()
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        return
    finally:
        listening.close()


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
