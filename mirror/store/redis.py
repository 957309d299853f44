"""The store of a fleet: bytes in Redis, shared by any number of machines. The only file that names redis.

A batch is one transaction: what it reads is watched, and where somebody else wrote meanwhile it is done again. A server that
goes away is waited for, so that a restart costs time and nothing else; what it had confirmed it must itself have kept
(``appendonly yes``), and it must not evict (``maxmemory-policy noeviction``): docs/mirror-format.md.
"""

from __future__ import annotations

import random
import re
import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import redis

from mirror.errors import StoreError
from mirror.ports import Store
from mirror.store.proof import seal, size_of, unseal
from mirror.urls import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Result = TypeVar("Result")
    Change = Callable[[bytes | None], bytes | None]

_PREFIX = "pipx-parallel:"
_PATIENCE = 60.0  # seconds that a server may be away, or a batch be overtaken by others
_FIRST_NAP = 0.02  # seconds
_LONGEST_NAP = 1.0
_BATCH = 500  # keys in one command
_AWAY = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, redis.exceptions.BusyLoadingError)


class RedisStore(Store):
    """``mirror.ports.Store`` in a Redis database; every key begins with ``pipx-parallel:``."""

    def __init__(self, url: str, *, patience: float = _PATIENCE) -> None:
        """Connect. Raises ``StoreError`` where the URL cannot be used or no server answers in time."""
        self._place = shown(url)  # in messages
        self._patience = patience
        try:
            # One attempt a command: waiting is done here, around whole batches.
            self._client = redis.Redis.from_url(
                url, socket_timeout=30, socket_connect_timeout=5, retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0)
            )
            self._patiently(self._client.ping)
        except (ValueError, TypeError, AttributeError) as error:  # what it says may quote a part of the password
            raise StoreError(
                f"{self._place} is no address of a Redis database: check port, number and options; "
                "quote /, ?, # and @ in a password"
            ) from error

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values there are; keys that are absent are left out."""
        wanted = list(keys)
        found: dict[str, bytes] = {}
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            values = self._patiently(partial(self._client.mget, [_PREFIX + key for key in batch]))
            read = [
                (key, unseal(key, value)) for key, value in zip(batch, values, strict=True) if isinstance(value, bytes)
            ]
            found.update({key: value for key, value in read if value is not None})
        return found

    def put_many(self, items: Mapping[str, bytes]) -> None:
        """Write all items in one transaction."""
        for value in items.values():
            if not isinstance(value, bytes):
                raise StoreError(f"a mirror value is bytes, not {type(value).__name__}")
        if items:
            self._patiently(
                lambda: self._client.mset({_PREFIX + key: seal(key, value) for key, value in items.items()})
            )

    def update(self, changes: Mapping[str, Change]) -> None:
        """Read, change and write each key inside one transaction; None from a change leaves the key as it is."""
        if changes:
            self._patiently(lambda: self._update(changes))

    def _update(self, changes: Mapping[str, Change]) -> None:
        names = [_PREFIX + key for key in changes]
        with self._client.pipeline(transaction=True) as pipe:
            pipe.watch(*names)  # type: ignore[no-untyped-call]  # redis types most of itself, not this
            stored: Any = pipe.mget(names)  # after WATCH a pipeline answers at once, which its types do not know
            written = {}
            for name, (key, change), value in zip(names, changes.items(), stored, strict=True):
                new = change(unseal(key, value))
                if new is not None:
                    written[name] = seal(key, new)
            pipe.multi()
            if written:
                pipe.mset(written)
            pipe.execute()

    def delete_many(self, keys: Iterable[str]) -> int:
        """Remove the keys that are there, in one transaction; return how many were."""
        names = [_PREFIX + key for key in keys]
        return self._patiently(partial(self._delete, names)) if names else 0

    def _delete(self, names: list[str]) -> int:
        with self._client.pipeline(transaction=True) as pipe:
            for start in range(0, len(names), _BATCH):
                pipe.delete(*names[start : start + _BATCH])
            return sum(pipe.execute())

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size in bytes) of every key with that prefix, sorted by key."""
        pattern = re.sub(r"([\\*?\[\]^])", r"\\\1", _PREFIX + prefix) + "*"
        names = sorted(set(self._patiently(lambda: list(self._client.scan_iter(match=pattern, count=1000)))))
        for start in range(0, len(names), _BATCH):
            batch = names[start : start + _BATCH]
            for name, size in zip(batch, self._patiently(partial(self._sizes, batch)), strict=True):
                if size:  # 0: deleted meanwhile; no record is empty
                    key = name.decode().removeprefix(_PREFIX)
                    yield key, size_of(key, size)

    def _sizes(self, names: list[bytes]) -> list[int]:
        with self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.strlen(name)
            return list(pipe.execute())

    def close(self) -> None:
        """Drop the connections; safe to call twice."""
        self._client.close()

    def _patiently(self, work: Callable[[], Result]) -> Result:
        """Do the work again while others overtake it or the server is away, for as long as there is patience."""
        until = time.monotonic() + self._patience
        nap = _FIRST_NAP
        while True:
            try:
                return work()
            except (redis.exceptions.WatchError, *_AWAY) as error:
                if isinstance(error, redis.exceptions.AuthenticationError) or time.monotonic() + nap > until:
                    raise StoreError(f"cannot use the mirror in {self._place}: {error}") from error
                time.sleep(nap * random.random())  # noqa: S311 - apart from one another is all they need to be
                nap = min(nap * 1.5, _LONGEST_NAP)
            except redis.exceptions.RedisError as error:
                raise StoreError(f"cannot use the mirror in {self._place}: {error}") from error
