"""A list of work that many processes share through Redis: each item goes to one of them, and to another if that one dies.

The list is a stream with one consumer group, so the server itself keeps who has what (XREADGROUP, XAUTOCLAIM, XACK). Every process
writes the list: the item's number is its id, and Redis refuses an id that it has, so each item is there once.
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import redis

from mirror.errors import StoreError
from mirror.store.redis_client import AWAY, client_of
from mirror.urls import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_GROUP = "workers"
_LIFETIME = 600  # seconds for which a finished list stays: a process that starts late finds that nothing is left
_BATCH = 1000  # commands at once
_NAP = 0.2  # seconds between two looks at what others are doing
_PATIENCE = 60.0  # seconds for which the servers may be away, as in a failover


class SharedWork:
    """A shared list. Every method but ``close`` raises ``StoreError`` if the servers stay away."""

    def __init__(self, url: str, items: Sequence[str], *, takeover: float) -> None:
        """Connect, and write what of the list is not there yet.

        Args:
            url: The URL of the server.
            items: The list: equal in all processes.
            takeover: Seconds after which an item that is not done is given to another process.
        """
        self._url = url
        self._client: Any = None
        self._items = list(items)
        self._takeover = int(takeover * 1000)
        digest = hashlib.blake2s("\n".join(items).encode(), digest_size=16).hexdigest()
        self._key = f"{{pipx-parallel}}-work:{digest}"
        self._name = uuid.uuid4().hex
        self._patiently(self._write)

    def batches(self, size: int) -> Iterator[list[tuple[str, str]]]:
        """Yield (id, item) of up to ``size`` items to be done now, until every item of the list is done by somebody."""
        while True:
            batch = self._patiently(lambda: self._next(size))
            if batch:
                with self._claimed(batch):
                    yield batch
            elif self._patiently(self._is_finished):
                return
            else:
                time.sleep(_NAP)

    def done(self, batch: Sequence[tuple[str, str]]) -> None:
        """Take items as done: what came of them is stored."""
        self._patiently(lambda: self._client.xack(self._key, _GROUP, *[number for number, _ in batch]))

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    @contextmanager
    def _claimed(self, batch: Sequence[tuple[str, str]]) -> Iterator[None]:
        """Say from time to time that this process still works on a batch, so that no other takes it over."""
        ended = threading.Event()

        def keep() -> None:
            while not ended.wait(self._takeover / 4000):
                with suppress(redis.exceptions.RedisError):
                    ids = [number for number, _ in batch]
                    self._client.xclaim(self._key, _GROUP, self._name, 0, ids, justid=True)

        thread = threading.Thread(target=keep, name="shared-work", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _write(self) -> None:
        with suppress(redis.exceptions.ResponseError):  # another process was first; any other fault is met below
            self._client.xgroup_create(self._key, _GROUP, id="0", mkstream=True)
        for start in range(self._last(), len(self._items), _BATCH):
            end = min(start + _BATCH, len(self._items))
            with self._client.pipeline(transaction=False) as pipe:
                for number in range(start, end):
                    pipe.xadd(self._key, {"item": self._items[number]}, id=f"{number + 1}-0")
                replies = pipe.execute(raise_on_error=False)
            # Redis refuses an id that is not above the last one: then another process has added the item.
            if self._last() < end:
                raise next(reply for reply in replies if isinstance(reply, Exception))

    def _last(self) -> int:
        """Return how many items the list has."""
        return int(self._client.xinfo_stream(self._key)["last-generated-id"].partition(b"-")[0])

    def _next(self, size: int) -> list[tuple[str, str]]:
        self._write_lost()
        left = self._client.xautoclaim(self._key, _GROUP, self._name, self._takeover, "0-0", count=size)[1]
        if not left:
            left = [
                row
                for _, rows in self._client.xreadgroup(_GROUP, self._name, {self._key: ">"}, count=size)
                for row in rows
            ]
        return [(number.decode(), fields[b"item"].decode()) for number, fields in left if fields]

    def _write_lost(self) -> None:
        """Write again what a server does not have that became the master: a failover may lose what was written last."""
        if (
            not self._client.exists(self._key)
            or not self._client.xinfo_groups(self._key)
            or self._last() < len(self._items)
        ):
            self._write()

    def _is_finished(self) -> bool:
        group = self._client.xinfo_groups(self._key)[0]
        finished = not group["pending"] and group["last-delivered-id"] == f"{len(self._items)}-0".encode()
        if finished:
            self._client.expire(self._key, _LIFETIME)
        return finished

    def _patiently(self, work: Callable[[], Any]) -> Any:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                if self._client is None:
                    self._client = client_of(self._url)
                return work()
            except AWAY as error:
                if isinstance(error, redis.exceptions.AuthenticationError) or time.monotonic() > until:
                    raise StoreError(f"cannot use the Redis server of {shown(self._url)}: {error}") from error
                time.sleep(_NAP)
            except redis.exceptions.RedisError as error:
                raise StoreError(f"cannot use the Redis server of {shown(self._url)}: {error}") from error
