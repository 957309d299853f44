"""The embedded store: bytes in diskcache (SQLite), safe for several processes, holding nothing that is ever unpickled.

Records are read here with SQLite alone, many in one statement. diskcache writes (``disk_cache``): loading and opening it costs
a warm lock, which writes nothing, 3 % of its instructions.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mirror.errors import StoreError
from mirror.ports import Store
from mirror.store.proof import PATIENCE, ForeignRowError, plain_value, seal, size_of, unseal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_DATABASE = "cache.db"  # what diskcache calls its file
_DAMAGE = re.compile(r"malformed|not a database|Could not decode")  # what SQLite says of a broken file
_IS_MADE = "SELECT 1 FROM sqlite_master WHERE name = 'Cache'"
_ROWS = "SELECT key, mode, filename, value FROM Cache WHERE raw = 1 AND key IN (?{})"
_CHUNK = 500  # keys in one statement: old SQLite takes 999


class DiskStore(Store):
    """``mirror.ports.Store`` in a folder of its own (mode 0700)."""

    def __init__(self, folder: str) -> None:
        """Open or create the store. Raises ``StoreError`` where that fails."""
        self.folder = folder
        self._opened: Any = None
        self._lock = threading.Lock()  # the writer's thread may be the first that writes
        with self._reported():
            os.makedirs(folder, mode=0o700, exist_ok=True)  # pathlib costs 8 ms of a warm lock
            if os.name == "posix" and os.stat(folder).st_mode & 0o077:
                os.chmod(folder, 0o700)
            path = os.path.join(folder, _DATABASE)
            if not os.path.exists(path):
                self._cache  # noqa: B018 - makes the database
            # A connection that never writes. It may be used from any thread.
            self._reader = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
            if not self._reader.execute(_IS_MADE).fetchone():  # another process is just making it
                self._cache  # noqa: B018 - as above

    @property
    def _cache(self) -> Any:
        """Return what writes, opened when it is first needed."""
        from mirror.store.disk_cache import open_cache  # only a run that writes

        with self._lock:
            if self._opened is None:
                try:
                    self._opened = open_cache(self.folder)
                except (TypeError, ValueError, LookupError, AttributeError) as error:  # a damaged table of its settings
                    raise self._damaged(error) from error
            return self._opened

    def _damaged(self, error: Exception) -> StoreError:
        return StoreError(f"the mirror in {self.folder} is damaged ({error}); delete the folder and warm it again")

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values there are; keys that are absent are left out."""
        wanted = list(keys)
        found: dict[str, bytes] = {}
        with self._reported():
            for start in range(0, len(wanted), _CHUNK):
                chunk = wanted[start : start + _CHUNK]
                for key, mode, filename, stored in self._reader.execute(_ROWS.format(",?" * (len(chunk) - 1)), chunk):
                    value = unseal(key, plain_value(mode, filename, stored))
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
            # SQLite tells a connection only of what the others did, and this one never writes.
            return int(self._reader.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Release the storage; safe to call twice."""
        if self._opened is not None:
            self._opened.close()
        self._reader.close()

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
        except ForeignRowError as error:
            raise StoreError(str(error)) from error
        except UnicodeDecodeError as error:  # a key that is no text any more
            raise self._damaged(error) from error
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, sqlite3.DatabaseError) and _DAMAGE.search(str(error)):
                raise self._damaged(error) from error
            raise StoreError(
                f"cannot use the mirror in {self.folder}: {error or type(error).__name__}; "
                "check space and permissions, or name another with --mirror"
            ) from error
