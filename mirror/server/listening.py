"""The socket that a server listens on, and over which it gets connections; worker processes share both."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import msgspec

from mirror.errors import AddressUnavailable

if TYPE_CHECKING:
    from typing import Self

# Connections that wait to be accepted, as far as the system allows: a lost one is tried again after a second.
_BACKLOG = 8192
_CONNECTIONS = 4000
_OTHER_FILES = 200  # file descriptors for the store and the process's own requests


class Entrance(msgspec.Struct, frozen=True):
    """Where a server's connections come from. Used as a context it is closed at the end."""

    listening: socket.socket
    # Over which the process that accepts connections passes them on, one for each process that answers; none without it.
    passed: tuple[socket.socket, ...] = ()

    def dup(self) -> Entrance:
        """Return a copy that is closed by itself; nothing that is done with it waits."""
        # ``dup`` sets the mode of the original, for the copies in all processes.
        for original in (self.listening, *self.passed):
            original.settimeout(0)
        return Entrance(self.listening.dup(), tuple(channel.dup() for channel in self.passed))

    def of(self, number: int) -> Entrance:
        """Return what one of the processes that answer uses; what the others use is closed."""
        for channel in (*self.passed[:number], *self.passed[number + 1 :]):
            channel.close()
        return Entrance(self.listening, self.passed[number : number + 1])

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the sockets of this process."""
        for channel in (self.listening, *self.passed):
            channel.close()


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


def most_connections() -> int:
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
