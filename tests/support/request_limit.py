"""No run of a command asks an index for one URL over and over: counted by the loopback indexes that are being served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.index_http import Seen
from tests.support.index_server import LoopbackIndex

MOST_REQUESTS = 5  # for one URL, and one range of it, in one run


@contextmanager
def limited_requests(most: int = MOST_REQUESTS) -> Iterator[None]:
    """Fail where any index is asked more than ``most`` times for one URL by what runs in the block."""
    before = {index: len(index.requests_seen) for index in LoopbackIndex.serving}
    yield
    for index, seen in before.items():
        assert asked_too_often(index.requests_seen[seen:], most) == {}


def asked_too_often(requests: list[Seen], most: int = MOST_REQUESTS) -> dict[tuple[str, str], int]:
    """Return how often each URL (path, range) was asked for, of those asked for more than ``most`` times."""
    counts = Counter((seen.path, seen.headers.get("range", "")) for seen in requests)
    return {url: count for url, count in counts.items() if count > most}
