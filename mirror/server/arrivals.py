"""Where the connections of a server come from: the process that receives them, or a socket that this process listens on.

Each is passed to the server library, and so is what it sends: a few at each turn of the event loop (``Turns``).
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.server.answers import Answer

MESSAGE = 4096  # bytes of one message between the processes
REPORT_SECONDS = 0.5  # between two reports of one process to the other
_WORKS = 8  # works in one turn: 3 ms
_TAKEN = 8  # connections taken in one turn of the event loop


class Turns:
    """Runs works in order, a few at each turn of the event loop."""

    def __init__(self) -> None:
        """Wait for works."""
        self._waiting: deque[Callable[[], object]] = deque()
        self._left = _WORKS
        self._is_due = False

    def run(self, work: Callable[[], object]) -> bool:
        """Run a work now if this turn has room for it, else in a later one; return whether it has run."""
        self._renew()
        if self._waiting or not self._left:
            self._waiting.append(work)
            return False
        self._left -= 1
        work()
        return True

    def _renew(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self._is_due, self._left = False, _WORKS
        try:
            while self._waiting and self._left:
                self._left -= 1
                self._waiting.popleft()()
        finally:
            if self._waiting:
                self._renew()


class Admission:
    """Passes connections to the server library."""

    def __init__(self, turns: Turns, protocol: Callable[[], asyncio.Protocol]) -> None:
        """``protocol`` makes the library's protocol of a connection."""
        self._turns = turns
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[Any]] = set()

    def admit(self, connection: socket.socket) -> None:
        """Pass a connection on, when it is its turn."""

        def start() -> None:
            task = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, connection))
            self._tasks.add(task)
            task.add_done_callback(self._started)

        self._turns.run(start)

    def _started(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # a client that has gone: nobody to tell


class Arrivals:
    """The connections that the receiving process passes on, and what each process tells the other about /healthz."""

    def __init__(
        self,
        passed: socket.socket,
        admit: Callable[[socket.socket], None],
        report: Callable[[], tuple[str, Answer]],
        answered: Callable[[int, int], None],
        ended: Callable[[], None],
    ) -> None:
        """Take nothing yet.

        Args:
            passed: The socket over which connections come.
            admit: Takes a connection.
            report: Returns the name of this server among those that share the socket, and its answer to /healthz.
            answered: Gets a status, and how many requests for /healthz were answered with it.
            ended: Called when the receiving process has ended.
        """
        self._passed = passed
        self._admit = admit
        self._report = report
        self._answered = answered
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begin to take connections."""
        self._passed.settimeout(0.0)
        self._loop.add_reader(self._passed, self._take)
        self._tell()

    def close(self) -> None:
        """Take nothing more."""
        self._loop.remove_reader(self._passed)
        if self._timer is not None:
            self._timer.cancel()

    def _take(self) -> None:
        for _ in range(_TAKEN):
            try:
                data, numbers, _, _ = socket.recv_fds(self._passed, MESSAGE, 1)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                data, numbers = b"", []
            for number in numbers:
                self._admit(socket.socket(fileno=number))
            if not data:
                self.close()
                self._ended()
                return
            if not numbers:
                self._answered(*map(int, data.split()))

    def _tell(self) -> None:
        name, answer = self._report()
        with suppress(OSError):  # it has ended, or there is no room: the next report comes soon
            self._passed.send(f"{name}\n{answer.status}\n".encode() + answer.body[: MESSAGE // 2])
        self._timer = self._loop.call_later(REPORT_SECONDS, self._tell)
