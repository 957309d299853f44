"""The shared store: bytes in Redis, for any number of machines.

A batch is one transaction: its keys are watched, and if another client writes one of them, the batch is retried. If the server
is away, the store waits, so that a restart only takes time. The server must persist confirmed writes (``appendonly yes``) and
must not evict keys (``maxmemory-policy noeviction``): docs/mirror-format.md. In a cluster all keys have one hash slot, so that a
batch stays a transaction: a mirror is on one of its nodes.
"""

from __future__ import annotations

import random
import re
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import redis

from mirror.errors import StoreError
from mirror.ports import Store
from mirror.store.proof import seal, size_of, unseal
from mirror.store.redis_client import AWAY, client_of, is_cluster
from mirror.urls import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Result = TypeVar("Result")
    Change = Callable[[bytes | None], bytes | None]

_PREFIX, _CLUSTER_PREFIX = "pipx-parallel:", "{pipx-parallel}:"
_PATIENCE = 60.0  # seconds for which a server may be away, or a batch is retried
_FIRST_PATIENCE = 10.0  # seconds at the start: most faults there are in the URL, and nothing is said meanwhile
_FIRST_NAP = 0.02  # seconds
_LONGEST_NAP = 1.0
_BATCH = 500  # keys in one command
_PASSING = (redis.exceptions.WatchError, *AWAY)
_CONFLICTS = 3  # attempts to write before a client takes turns with others
_LONGEST_TURN = 5  # times the patience
_LOCK = "pipx-parallel-turn"  # outside the prefix: no record


class RedisStore(Store):
    """``mirror.ports.Store`` in a Redis database; every key begins with ``pipx-parallel:``."""

    def __init__(self, url: str, *, patience: float = _PATIENCE) -> None:
        """Connect. Raises ``StoreError`` if the URL is invalid or no server answers in time."""
        self._label = shown(url)  # for messages
        self._patience = patience
        self._prefix = _CLUSTER_PREFIX if is_cluster(url) else _PREFIX
        try:
            # The client of a cluster connects at once. One attempt for each command: whole batches are retried here.
            self._client = self._patiently(partial(client_of, url), min(patience, _FIRST_PATIENCE))
            self._patiently(self._client.ping, min(patience, _FIRST_PATIENCE))
        except (ValueError, TypeError, AttributeError) as error:  # its message may have a part of the password
            raise StoreError(
                f"{self._label} is not the URL of a Redis database: check port, number and options; "
                "quote /, ?, # and @ in a password"
            ) from error

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the stored values; absent keys are left out."""
        wanted = list(keys)
        values: dict[str, bytes] = {}
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            replies = self._patiently(partial(self._client.mget, [self._prefix + key for key in batch]))
            read = [
                (key, unseal(key, value)) for key, value in zip(batch, replies, strict=True) if isinstance(value, bytes)
            ]
            values.update({key: value for key, value in read if value is not None})
        return values

    def heads(self, keys: Iterable[str], size: int) -> dict[str, bytes]:
        """Return the first bytes of stored values."""
        wanted = list(keys)
        replies = self._patiently(partial(self._ranges, wanted, size)) if wanted else []
        return {key: reply for key, reply in zip(wanted, replies, strict=True) if isinstance(reply, bytes) and reply}

    def _ranges(self, keys: list[str], size: int) -> list[object]:
        with self._client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.getrange(self._prefix + key, 0, size - 1)
            return _replies(pipe.execute(raise_on_error=False))

    def put_many(self, items: Mapping[str, bytes]) -> None:
        """Write all items in one transaction."""
        for value in items.values():
            if not isinstance(value, bytes):
                raise StoreError(f"a mirror value is bytes, not {type(value).__name__}")
        if items:
            self._patiently(
                lambda: self._client.mset({self._prefix + key: seal(key, value) for key, value in items.items()})
            )

    def update(self, changes: Mapping[str, Change]) -> None:
        """Read, change and write each key in one transaction; a change that returns None leaves its key as it is."""
        for _ in range(_CONFLICTS if changes else 0):
            try:
                self._patiently(partial(self._update, changes), self._patience, AWAY)
            except redis.exceptions.WatchError:
                time.sleep(_FIRST_NAP * random.random())  # noqa: S311 - jitter, not secret
            else:
                return
        if changes:  # many write the same keys: those that have lost several times take turns
            with self._turn():
                self._patiently(partial(self._update, changes), _LONGEST_TURN * self._patience)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Hold the lock of those that have lost; go on without it if it is not available: a transaction is right by itself."""
        lock = self._client.lock(_LOCK, timeout=self._patience, blocking_timeout=self._patience)
        with suppress(redis.exceptions.RedisError):
            lock.acquire()
        try:
            yield
        finally:
            with suppress(redis.exceptions.RedisError):
                lock.release()

    def _update(self, changes: Mapping[str, Change]) -> None:
        names = [self._prefix + key for key in changes]
        with self._client.pipeline(transaction=True) as pipe:
            pipe.watch(*names)
            # After WATCH a pipeline returns values at once. The client of a cluster has no method for commands of many keys.
            stored = pipe.execute_command("MGET", *names)
            written = {}
            for name, (key, change), value in zip(names, changes.items(), stored, strict=True):
                new = change(unseal(key, value))
                if new is not None:
                    written[name] = seal(key, new)
            pipe.multi()
            if written:
                pipe.execute_command("MSET", *[part for item in written.items() for part in item])
            pipe.execute()

    def delete_many(self, keys: Iterable[str]) -> int:
        """Remove the keys that exist, in one transaction; return their number."""
        names = [self._prefix + key for key in keys]
        return self._patiently(partial(self._delete, names)) if names else 0

    def _delete(self, names: list[str]) -> int:
        with self._client.pipeline(transaction=True) as pipe:
            for start in range(0, len(names), _BATCH):
                pipe.execute_command("DEL", *names[start : start + _BATCH])
            return sum(pipe.execute())

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size in bytes) of every key with the prefix, sorted by key."""
        pattern = re.sub(r"([\\*?\[\]^])", r"\\\1", self._prefix + prefix) + "*"
        present = self._patiently(lambda: list(self._client.scan_iter(match=pattern, count=1000)))
        names = sorted(name for name in set(present) if _is_text(name))  # no key of this program is anything else
        for start in range(0, len(names), _BATCH):
            batch = names[start : start + _BATCH]
            for name, size in zip(batch, self._patiently(partial(self._sizes, batch)), strict=True):
                if size != 0:  # 0: deleted since the scan; no record is empty
                    key = name.decode().removeprefix(self._prefix)
                    yield key, size_of(key, size or 0)

    def _sizes(self, names: list[bytes]) -> list[int | None]:
        """Return the sizes of values; None for a value that is not a string, which this program does not write."""
        with self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.strlen(name)
            sizes = _replies(pipe.execute(raise_on_error=False))
        return [size if isinstance(size, int) else None for size in sizes]

    def warning(self) -> str:
        """Return what to tell the user if the server may evict records; "" if not, or if it does not say."""
        try:
            policy = self._client.info("memory").get("maxmemory_policy", "")
        except (redis.exceptions.RedisError, AttributeError):  # an ACL may forbid INFO; a cluster has several answers
            return ""
        if not str(policy).startswith("allkeys"):  # other policies evict only keys that expire, and no record does
            return ""
        return (
            f"the Redis server of {self._label} evicts records when its memory is full (maxmemory-policy {policy}): "
            "set maxmemory-policy noeviction"
        )

    def check(self) -> bool:
        """Return True. Raises ``StoreError`` if the server does not answer now."""
        try:
            self._client.ping()
        except redis.exceptions.RedisError as error:
            raise StoreError(f"cannot use the mirror in {self._label}: {error}") from error
        return True

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._client.close()

    def _patiently(
        self, work: Callable[[], Result], patience: float | None = None, passing: tuple[type[Exception], ...] = _PASSING
    ) -> Result:
        """Run ``work``; retry it after an error that passes, until the time limit. Raises ``StoreError``; or ``WatchError``."""
        until = time.monotonic() + (self._patience if patience is None else patience)
        nap = _FIRST_NAP
        while True:
            try:
                return work()
            except passing as error:
                if isinstance(error, redis.exceptions.AuthenticationError) or time.monotonic() + nap > until:
                    raise StoreError(f"cannot use the mirror in {self._label}: {error}") from error
                time.sleep(nap * random.random())  # noqa: S311 - jitter, not secret
                nap = min(nap * 1.5, _LONGEST_NAP)
            except redis.exceptions.WatchError:
                raise
            except redis.exceptions.RedisError as error:
                raise StoreError(f"cannot use the mirror in {self._label}: {error}") from error


def _replies(replies: list[object]) -> list[object]:
    """Return the replies of a pipeline; a value of another type than bytes has an error in its place. Other errors are raised."""
    for reply in replies:
        if isinstance(reply, Exception) and not isinstance(reply, redis.exceptions.ResponseError):
            raise reply
    return replies


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True
