"""The socket that a server listens on; worker processes share it."""

from __future__ import annotations

import socket

from mirror.errors import AddressUnavailable

_BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens: from here on clients wait and are not refused. Raises ``AddressUnavailable``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is given because asyncio sets TCP_NODELAY only then; without it pip waits 40 ms per request.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or error
        raise AddressUnavailable(f"cannot listen at {host} port {port}: {reason}") from error
    return listening


def address(listening: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
