"""The embedded store: bytes in diskcache (SQLite), safe for several processes, holding nothing that is ever unpickled.

The only file that names diskcache. Its 5.6.3 unpickles values it reads (CVE-2025-69872), so ``_PlainDisk`` replaces the
part that turns values into rows: bytes go in, bytes come out, and a row of any other kind is refused unread. Every value
stays inside SQLite (no side files), so that a transaction covers it and a killed process leaves nothing half written.
"""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import diskcache

from mirror.errors import StoreError
from mirror.ports import Store
from mirror.store.proof import seal, size_of, unseal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_NEVER_A_FILE = 1 << 40  # bytes: larger than any value, so diskcache keeps all of them in its table
_PATIENCE = 60  # seconds to wait for another process's transaction
_DAMAGE = re.compile(r"malformed|not a database|Could not decode")  # what SQLite says of a broken file
_MODE_RAW = 1  # diskcache's mark of a plain value; every other mode is refused


class _ForeignRowError(Exception):
    """A row that this program did not write. No ``OSError``, which diskcache would take for a value that is gone."""


class _PlainDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache ships no types
    """Keys are str, values are bytes; everything else is refused."""

    def put(self, key: object) -> tuple[str, bool]:
        if not isinstance(key, str):
            raise StoreError(f"a mirror key is text, not {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: bool) -> str:  # noqa: FBT001 - diskcache's signature
        if not raw or not isinstance(key, str):
            raise _ForeignRowError("the mirror holds a key that this program did not write; run `mirror doctor`")
        return key

    def store(self, value: object, read: bool, key: object = None) -> tuple[int, int, None, sqlite3.Binary]:  # noqa: ARG002, FBT001 - diskcache's signature
        if not isinstance(value, bytes):
            raise StoreError(f"a mirror value is bytes, not {type(value).__name__}")
        return 0, _MODE_RAW, None, sqlite3.Binary(value)

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> bytes:  # noqa: ARG002, FBT001 - likewise
        if mode != _MODE_RAW or filename is not None or not isinstance(value, bytes):
            raise _ForeignRowError(
                "the mirror holds a value that is not plain bytes (pickled?): refused; run `mirror doctor`"
            )
        return value


class DiskStore(Store):
    """``mirror.ports.Store`` in a folder of its own (mode 0700)."""

    def __init__(self, folder: str) -> None:
        """Open or create the store. Raises ``StoreError`` where that fails."""
        self.folder = folder
        self._watch: sqlite3.Connection | None = None
        with self._reported():
            os.makedirs(folder, mode=0o700, exist_ok=True)  # pathlib costs 8 ms of a warm lock
            if os.name == "posix" and os.stat(folder).st_mode & 0o077:
                os.chmod(folder, 0o700)
            self._cache = self._open(folder)

    def _open(self, folder: str) -> Any:
        try:
            return diskcache.Cache(
                folder,
                timeout=_PATIENCE,
                disk=_PlainDisk,
                disk_min_file_size=_NEVER_A_FILE,
                eviction_policy="none",
                cull_limit=0,
                size_limit=_NEVER_A_FILE,
            )
        except (TypeError, ValueError, LookupError, AttributeError) as error:  # a damaged table of its settings
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> StoreError:
        return StoreError(f"the mirror in {self.folder} is damaged ({error}); delete the folder and warm it again")

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values there are; keys that are absent are left out."""
        found: dict[str, bytes] = {}
        with self._reported():
            get = self._cache.get
            for key in keys:
                value = unseal(key, get(key, retry=True))
                if value is not None:
                    found[key] = value
        return found

    def put_many(self, items: Mapping[str, bytes]) -> None:
        """Write all items in one transaction."""
        with self._changing():
            for key, value in items.items():
                self._set(key, value)

    def update(self, changes: Mapping[str, Callable[[bytes | None], bytes | None]]) -> None:
        """Read, change and write each key inside one transaction; None from a change leaves the key as it is."""
        with self._changing():
            for key, change in changes.items():
                value = change(unseal(key, self._cache.get(key, retry=True)))
                if value is not None:
                    self._set(key, value)

    def _set(self, key: str, value: bytes) -> None:
        if not isinstance(value, bytes):
            raise StoreError(f"a mirror value is bytes, not {type(value).__name__}")
        self._cache.set(key, seal(key, value), retry=True)

    def delete_many(self, keys: Iterable[str]) -> int:
        """Remove the keys that are there; return how many were."""
        with self._changing():
            return sum([bool(self._cache.delete(key, retry=True)) for key in keys])

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size in bytes) of every key with that prefix, sorted by key."""
        with self._reported():
            for key in self._cache.iterkeys():
                if key.startswith(prefix):
                    value = self._cache.get(key, retry=True)
                    if value is not None:
                        yield key, size_of(key, len(value))

    def version(self) -> int:
        """Return what differs after every commit of whatever thread or process: 10 µs, where comparing records takes ms."""
        with self._reported():
            # A connection that never writes: SQLite tells each only of what the others did. It may be asked from any thread.
            if self._watch is None:
                self._watch = sqlite3.connect(os.path.join(self.folder, "cache.db"), check_same_thread=False)
            return int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Release the storage; safe to call twice."""
        self._cache.close()
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Run the block in one transaction."""
        with self._reported(), self._cache.transact(retry=True):
            yield

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Turn what SQLite, diskcache and the file system raise into one ``StoreError`` with a remedy."""
        try:
            yield
        except StoreError:
            raise
        except _ForeignRowError as error:
            raise StoreError(str(error)) from error
        except UnicodeDecodeError as error:  # a key that is no text any more
            raise self._damaged(error) from error
        except (sqlite3.Error, diskcache.Timeout, OSError) as error:
            if isinstance(error, sqlite3.DatabaseError) and _DAMAGE.search(str(error)):
                raise self._damaged(error) from error
            raise StoreError(
                f"cannot use the mirror in {self.folder}: {error or type(error).__name__}; "
                "check space and permissions, or name another with --mirror"
            ) from error
