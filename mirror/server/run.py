"""Runs the server. The only file that names the server library."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from mirror.errors import AddressUnavailable
from mirror.server.connections import ConnectionLimit, bounded

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.server.app import Server

_CONNECTIONS = 4000
_OTHER_FILES = 200  # file descriptors for the store and the process's own requests
_IDLE = 30  # seconds that a connection is kept open for another request
_GRACE = 5  # seconds for requests under way when the server stops


def serve(application: Server, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve until interrupted; ``say`` gets the address. Raises ``AddressUnavailable``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is given because asyncio sets TCP_NODELAY only then; without it pip waits 40 ms per request.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(2048)  # from here on clients wait and are not refused
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or error
        raise AddressUnavailable(
            f"cannot listen at {host} port {port}: {reason}; use another --port (0: any that is free) or --host"
        ) from error
    shown = f"[{host}]" if ":" in host else host
    say(f"serving at http://{shown}:{listening.getsockname()[1]}/ (Simple API: /simple/); stop with Ctrl-C")
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
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        return
    finally:
        listening.close()


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
