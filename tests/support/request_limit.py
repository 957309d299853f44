"""No run of a command asks an index for one URL over and over: counted by the loopback indexes that are being served.

An index cannot tell which command a request comes from. So if several run at the same time, each may add its own limit.
"""

from __future__ import annotations

import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.index_http import Seen
from tests.support.index_server import LoopbackIndex

MOST_REQUESTS = 5  # for one URL, and one range of it, in one run


class Watch:
    """Watches the indexes that are being served from its creation to ``end``."""

    _active: list[Watch] = []  # noqa: RUF012 - shared on purpose: every watch of this process
    _lock = threading.Lock()

    def __init__(self, most: int = MOST_REQUESTS) -> None:
        """Start to count: at most ``most`` requests for one URL, and those of the runs that are going on meanwhile."""
        self._most = self._allowed = most
        self._before = {index: len(index.requests_seen) for index in LoopbackIndex.serving}
        with self._lock:
            self._allowed += sum(other._most for other in self._active)
            for other in self._active:
                other._allowed += most
            self._active.append(self)

    def end(self, more: int = 0) -> None:
        """Fail if an index was asked more often, ``more`` apart; a second call does nothing."""
        with self._lock:
            if self not in self._active:
                return
            self._active.remove(self)
        for index, seen in self._before.items():
            assert asked_too_often(index.requests_seen[seen:], self._allowed + more) == {}


@contextmanager
def limited_requests(most: int = MOST_REQUESTS) -> Iterator[None]:
    """Fail where any index is asked more than ``most`` times for one URL by what runs in the block."""
    watch = Watch(most)
    try:
        yield
    finally:
        watch.end()


class LimitedProcess(subprocess.Popen[str]):
    """A command that runs beside the test. Waiting for its end fails if it asked too often."""

    def __init__(self, command: list[str], most: int, **options: Any) -> None:  # Popen's options
        """Start it."""
        self._watch = Watch(most)
        super().__init__(command, text=True, **options)

    def wait(self, timeout: float | None = None) -> int:
        """Wait as ``subprocess.Popen.wait``, and fail where an index was asked too often."""
        code = super().wait(timeout)
        self._watch.end()
        return code


def asked_too_often(requests: list[Seen], most: int = MOST_REQUESTS) -> dict[tuple[str, str], int]:
    """Return how often each URL (path, range) was asked for, of those asked for more than ``most`` times."""
    counts = Counter((seen.path, seen.headers.get("range", "")) for seen in requests)
    return {url: count for url, count in counts.items() if count > most}
