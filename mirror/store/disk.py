"""The embedded store: bytes in diskcache (SQLite), safe for several processes. Nothing in it is ever unpickled.

Records are read with SQLite only, many in one statement. diskcache is used only to write (``disk_cache``): loading and opening
it takes 3 % of the instructions of a warm lock, which writes nothing.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from mirror.errors import StoreError
from mirror.ports import Store
from mirror.store.proof import PATIENCE, ForeignRowError, plain_key, plain_value, seal, size_of, unseal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_DATABASE = "cache.db"  # the file name that diskcache uses
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)  # of SQLite, for a damaged file
FOREIGN = (sqlite3.SQLITE_ERROR,)  # of a statement that names a column or table that is not there
_IS_MADE = "SELECT 1 FROM sqlite_master WHERE name = 'Cache'"
_COLUMNS = (
    "SELECT rowid, key, raw, store_time, expire_time, access_time, access_count, tag, size, mode, filename, value "
    "FROM Cache LIMIT 0"
)
_NUMBERS = "SELECT key, rowid FROM Cache WHERE raw = 1 AND key IN (?{})"  # from the index alone
_ROWS = "SELECT key, mode, filename, value FROM Cache WHERE raw = 1 AND key IN (?{})"
_SIZES = "SELECT key, raw, mode, filename, typeof(value), length(value) FROM Cache"  # reads no value
_BETWEEN = " WHERE key >= ? AND key < ?"
_LEAST_FREE = 1 << 20  # bytes of free space below which a disk counts as full
_CHUNK = 500  # keys in one statement: the limit of old SQLite is 999


class DiskStore(Store):
    """``mirror.ports.Store`` in a folder of its own (mode 0700)."""

    def __init__(self, folder: str) -> None:
        """Open or create the store. Raises ``StoreError``."""
        self.folder = folder
        self._opened: Any = None
        self._lock = threading.Lock()  # the writer thread may be the first that writes
        with self._reported():
            os.makedirs(folder, mode=0o700, exist_ok=True)  # pathlib takes 8 ms of a warm lock
            if os.name == "posix" and os.stat(folder).st_mode & 0o077:
                os.chmod(folder, 0o700)
            path = os.path.join(folder, _DATABASE)
            if os.path.lexists(path) and not os.path.isfile(path):
                raise self._damaged(f"{_DATABASE} is not a file")
            if not os.path.exists(path):
                self._cache  # noqa: B018 - creates the database
            # A connection that never writes. Any thread may use it.
            self._reader = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
            status = os.stat(path)
            self._file = status.st_dev, status.st_ino
            if not self._reader.execute(_IS_MADE).fetchone():  # another process is just creating it
                self._cache  # noqa: B018 - creates the database
            try:
                self._reader.execute(_COLUMNS)
            except sqlite3.OperationalError as error:
                if is_damage(error, FOREIGN):
                    raise self._damaged(error) from error
                raise

    @property
    def _cache(self) -> Any:
        """Return the diskcache object, opened on first use."""
        from mirror.store.disk_cache import open_cache  # only needed to write

        with self._lock:
            if self._opened is None:
                try:
                    self._opened = open_cache(self.folder)
                except (TypeError, ValueError, LookupError, AttributeError) as error:  # a damaged table of its settings
                    raise self._damaged(error) from error
            return self._opened

    def _damaged(self, error: Exception | str) -> StoreError:
        return StoreError(f"the mirror in {self.folder} is damaged ({error}); delete the folder and warm it again")

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the stored values; absent keys are left out."""
        wanted = list(keys)
        asked = set(wanted)
        values: dict[str, bytes] = {}
        with self._reported():
            for start in range(0, len(wanted), _CHUNK):
                chunk = wanted[start : start + _CHUNK]
                for key, mode, filename, stored in self._reader.execute(_ROWS.format(",?" * (len(chunk) - 1)), chunk):
                    if key not in asked:  # the index of the database is damaged, and leads to the row of another key
                        continue
                    value = unseal(key, plain_value(mode, filename, stored))
                    if value is not None:
                        values[key] = value
        return values

    def heads(self, keys: Iterable[str], size: int) -> dict[str, bytes]:
        """Return the first bytes of stored values; their other pages are not read."""
        wanted, values = list(keys), dict[str, bytes]()
        with self._reported():
            for start in range(0, len(wanted), _CHUNK):
                chunk = wanted[start : start + _CHUNK]
                for key, number in self._reader.execute(_NUMBERS.format(",?" * (len(chunk) - 1)), chunk).fetchall():
                    with suppress(sqlite3.OperationalError):  # deleted since, or no bytes
                        values[key] = self._reader.blobopen("Cache", "value", number, readonly=True).read(size)
        return values

    def put_many(self, items: Mapping[str, bytes]) -> None:
        """Write all items in one transaction."""
        with self._changing():
            for key, value in items.items():
                self._set(key, value)

    def update(self, changes: Mapping[str, Callable[[bytes | None], bytes | None]]) -> None:
        """Read, change and write each key in one transaction; a change that returns None leaves its key as it is."""
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
        """Remove the keys that exist; return their number."""
        with self._changing():
            return sum([bool(self._cache.delete(key, retry=True)) for key in keys])

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size in bytes) of every key with the prefix, sorted by key."""
        bounds = (prefix, prefix + "\U0010ffff") if prefix else ()
        sizes: dict[str, int] = {}  # a damaged index has a key twice, and in any order
        with self._reported():
            for key, raw, mode, filename, kind, size in self._reader.execute(_SIZES + _BETWEEN * bool(prefix), bounds):
                plain_value(mode, filename, b"" if kind == "blob" else None)
                sizes[key] = size_of(plain_key(key, raw), size)
            yield from sorted(sizes.items())

    def check(self) -> bool:
        """Return whether the database is still the one that was opened: else this store goes on with the old file, unseen.

        Raises ``StoreError`` if it cannot be read, or if the disk is full.
        """
        import shutil  # only a server asks

        with self._reported():
            try:
                status = os.stat(os.path.join(self.folder, _DATABASE))
            except FileNotFoundError:
                return False
            if (status.st_dev, status.st_ino) != self._file:
                return False
            self._reader.execute("SELECT 1 FROM Cache LIMIT 1").fetchone()
            if shutil.disk_usage(self.folder).free < _LEAST_FREE:
                raise StoreError(f"the disk of the mirror in {self.folder} is full")
        return True

    def version(self) -> int:
        """Return a number that changes with every commit of any thread or process. Takes 10 µs; comparing records takes ms."""
        with self._reported():
            # The number changes only for commits of other connections, and this connection never writes.
            return int(self._reader.execute("PRAGMA data_version").fetchone()[0])

    def end_thread(self) -> None:
        """Close the connection in which this thread has written: it has a page cache of 32 MB, and no other thread can use it."""
        if self._opened is not None:
            with suppress(sqlite3.Error):
                self._opened.close()

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
        """Turn exceptions of SQLite, diskcache and the file system into a ``StoreError`` with a remedy."""
        try:
            yield
        except StoreError:
            raise
        except ForeignRowError as error:
            raise StoreError(str(error)) from error
        except UnicodeDecodeError as error:  # a damaged key
            raise self._damaged(error) from error
        except (sqlite3.Error, OSError) as error:
            if is_damage(error):
                raise self._damaged(error) from error
            raise StoreError(
                f"cannot use the mirror in {self.folder}: {error or type(error).__name__}; "
                "check space and permissions, or name another with --mirror"
            ) from error


def is_damage(error: Exception, codes: tuple[int, ...] = _DAMAGE) -> bool:
    """Return whether a file is no sound database. A text that is not UTF-8 is reported by Python, without SQLite's code."""
    if not isinstance(error, sqlite3.DatabaseError):
        return False
    try:
        return error.sqlite_errorcode & 0xFF in codes
    except AttributeError:
        return isinstance(error, sqlite3.OperationalError)
