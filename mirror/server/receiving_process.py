"""The process that receives the connections of a server: it answers /healthz, and passes every other connection on.

The processes that answer may be busy for long: with a large page, with a collection of garbage, or because other programs use the
processor. This one has next to nothing to do, so that the system runs it at once. It ends with the last process that answers; if it
is killed, they accept connections by themselves. On systems that cannot pass connections this way there is no such process.
"""

from __future__ import annotations

import asyncio
import gc
import math
import os
import socket
import sys
import time
from collections import Counter, deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from mirror.http.forked import forked
from mirror.server.arrivals import MESSAGE, REPORT_SECONDS
from mirror.server.connections import ConnectionLimit
from mirror.server.listening import Entrance, most_connections
from mirror.server.reception import Reception, health_response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_LATE = 2.0  # seconds without a report after which other processes get the connections, if there are others
_SILENCE = 10.0  # seconds without a report after which a process counts as not answering
_MOST_WAITING = 1000  # connections that wait to be taken; more are closed
_CAN_PASS = sys.platform == "linux"  # elsewhere: no packets in order between processes, or no fork


@contextmanager
def received(listening: socket.socket, count: int = 1) -> Iterator[Entrance]:
    """Start the process, and give what ``count`` others take its connections from; to be called before there are threads."""
    if not _CAN_PASS:
        with Entrance(listening) as entrance:
            yield entrance
        return
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(count)]
    passing, passed = [pair[0] for pair in pairs], tuple(pair[1] for pair in pairs)
    gc.freeze()  # the memory of what was loaded stays shared

    def receive() -> None:
        for channel in passed:
            channel.close()
        asyncio.run(_received(listening, passing))

    child = forked(receive)
    for channel in passing:
        channel.close()
    try:
        with Entrance(listening, passed) as entrance:
            try:
                yield entrance
            finally:
                for channel in passed:
                    with suppress(OSError):  # it has ended already
                        channel.shutdown(socket.SHUT_RDWR)  # whoever else has a copy
    finally:
        os.waitpid(child, 0)  # it listens too: another server can listen at this address only when it has ended


async def _received(listening: socket.socket, passing: Sequence[socket.socket]) -> None:
    ended = asyncio.Event()
    handover = Handover(passing, ended.set)
    reception = Reception(listening, ConnectionLimit(most_connections()), handover.health, handover.admit)
    handover.open()
    reception.open()
    await ended.wait()


class Handover:
    """Passes connections to the processes that answer, to each in turn, and knows what they report."""

    def __init__(
        self,
        passing: Sequence[socket.socket],
        ended: Callable[[], object],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Pass nothing yet; ``ended`` is called when nobody takes connections any more."""
        self._ended = ended
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[socket.socket] = deque()
        # One for each process, the next to get a connection first; and when it reported last.
        self._passing: dict[socket.socket, float] = dict.fromkeys(passing, -math.inf)
        # Of a process: when, status and text. The store could be used a moment ago, and who connects now is answered soon.
        self._reports: dict[bytes, tuple[float, int, bytes]] = {b"": (clock(), 200, b"ok\n")}
        self._answered: Counter[int] = Counter()  # requests for /healthz by status, not yet reported
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begin to listen to reports."""
        for channel in self._passing:
            channel.settimeout(0.0)
            self._loop.add_reader(channel, self._hear, channel)
        self._tell()

    def close(self) -> None:
        """Close what nobody has taken."""
        for channel in self._passing:
            self._loop.remove_reader(channel)
            self._loop.remove_writer(channel)
        if self._timer is not None:
            self._timer.cancel()
        for connection in self._waiting:
            connection.close()

    def health(self) -> bytes:
        """Return the response to GET /healthz: of a process whose store cannot be used, if there is one."""
        since = self._clock() - _SILENCE
        fresh = [(status, body) for when, status, body in self._reports.values() if when >= since]
        status, body = max(fresh, default=(503, b"the server does not answer\n"))
        self._answered[status] += 1
        return health_response(status, body)

    def admit(self, connection: socket.socket) -> None:
        """Pass a connection on."""
        if len(self._waiting) >= _MOST_WAITING:
            connection.close()
            return
        self._waiting.append(connection)
        self._pass()

    def _pass(self) -> None:
        """Pass on what waits, until there is no room."""
        while self._waiting:
            if not self._pass_one(self._waiting[0]):
                for channel in self._passing:
                    self._loop.add_writer(channel, self._pass)
                return
            self._waiting.popleft().close()
        for channel in self._passing:
            self._loop.remove_writer(channel)

    def _pass_one(self, connection: socket.socket) -> bool:
        """Pass a connection to the process whose turn it is, of those that reported lately if possible."""
        since = self._clock() - _LATE
        for channel in sorted(self._passing, key=lambda channel: self._passing[channel] < since):
            try:
                socket.send_fds(channel, [b"c"], [connection.fileno()])
            except OSError:  # no room; or it has ended: ``_hear`` notices
                continue
            self._passing[channel] = self._passing.pop(channel)
            return True
        return False

    def _hear(self, channel: socket.socket) -> None:
        try:
            data = channel.recv(MESSAGE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(channel)
            self._loop.remove_writer(channel)
            del self._passing[channel]
            if not self._passing:
                self._ended()
            return
        name, status, body = data.split(b"\n", 2)
        self._passing[channel] = self._clock()
        self._reports[name] = (self._passing[channel], int(status), body)

    def _tell(self) -> None:
        """Report what was answered, for the figures and the log of the server: to one process, all share them."""
        for status, count in list(self._answered.items()):
            for channel in self._passing:
                with suppress(OSError):  # no room, or it has ended
                    channel.send(f"{status} {count}".encode())
                    del self._answered[status]
                    break
        self._timer = self._loop.call_later(REPORT_SECONDS, self._tell)
