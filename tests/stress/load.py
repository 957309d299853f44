"""A load client in a process of its own: ``python -m tests.stress.load URL CLIENTS SECONDS [PAUSE]`` prints figures as JSON.

Each client keeps one connection open and asks for the same page again ``PAUSE`` seconds after it was answered (0: at once). One
thread and epoll, so that the client takes a tenth of the server's CPU time and not as much as it (Linux).
"""

from __future__ import annotations

import heapq
import json
import select
import socket
import sys
import time
from urllib.parse import urlsplit

_PIECE = 1 << 18


class Client:
    """A connection; ``size`` is that of one whole response, which is the same each time."""

    def __init__(self, address: tuple[str, int], request: bytes) -> None:
        """Connect, and ask once to learn the size."""
        self.connection = socket.create_connection(address, 60)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request = request
        self.received = 0
        self.sent = 0.0

    def ask(self) -> None:
        """Send the request."""
        self.received = 0
        self.sent = time.perf_counter()
        self.connection.sendall(self.request)

    def first(self) -> int:
        """Ask once and return the size of the response. Raises ``ValueError`` unless its status is 200."""
        self.ask()
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.connection.recv(_PIECE)
        if not head.startswith(b"HTTP/1.1 200"):
            raise ValueError(head[:40])
        fields = head.partition(b"\r\n\r\n")[0]
        length = next(int(line[15:]) for line in fields.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        received, size = len(head), len(fields) + 4 + length
        while received < size:
            received += len(self.connection.recv(_PIECE))
        return size


def load(url: str, clients: int, seconds: float, pause: float = 0.0) -> dict[str, float]:
    """Return the requests, requests per second, median and 99th percentile in seconds, and the connections that were closed."""
    parts = urlsplit(url)
    address = parts.hostname or "127.0.0.1", parts.port or 80
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {address[0]}\r\nAccept-Encoding: gzip\r\n\r\n".encode()
    rows = [Client(address, request) for _ in range(clients)]
    size = rows[0].first()
    poll, by_number = select.epoll(), {row.connection.fileno(): row for row in rows}
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    begun = time.perf_counter()
    due = [(begun + pause * number / clients, number) for number in range(clients)]  # spread over the pause
    order = {row.connection.fileno(): number for number, row in enumerate(rows)}
    taken: list[float] = []
    closed = 0
    while (now := time.perf_counter()) < begun + seconds:
        while due and due[0][0] <= now:
            rows[heapq.heappop(due)[1]].ask()
        for number, _ in poll.poll(max(0.0, min(0.1, due[0][0] - now)) if due else 0.1):
            row = by_number[number]
            data = row.connection.recv(_PIECE)
            row.received += len(data)
            if not data:
                closed += 1
                poll.unregister(number)
            elif row.received >= size:
                taken.append(time.perf_counter() - row.sent)
                if pause:
                    heapq.heappush(due, (time.perf_counter() + pause, order[number]))
                else:
                    row.ask()
    taken.sort()
    median, p99 = taken[len(taken) // 2], taken[len(taken) * 99 // 100]
    return {"requests": len(taken), "per_second": len(taken) / seconds, "median": median, "p99": p99, "closed": closed}


if __name__ == "__main__":
    pause = float(sys.argv[4]) if len(sys.argv) > 4 else 0.0
    print(json.dumps(load(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), pause)))  # noqa: T201 - its output
