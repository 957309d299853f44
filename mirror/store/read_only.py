"""The embedded store without write access: a mirror on a read-only disk, in a layer of an image, or of another user.

It reads the table of ``mirror.store.disk`` directly, because opening a ``DiskStore`` writes. As with a snapshot, only the stored
records are served, and derived values are discarded.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mirror.errors import StoreError
from mirror.ports import Store
from mirror.store.proof import size_of, unseal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DATABASE = "cache.db"  # the file name that diskcache uses
_PLAIN = "raw = 1 AND mode = 1 AND filename IS NULL AND typeof(value) = 'blob' AND typeof(key) = 'text'"
_VALUE = f"SELECT value FROM Cache WHERE key = ? AND {_PLAIN}"  # noqa: S608 - a constant of this file
_SIZES = f"SELECT key, length(value) FROM Cache WHERE {_PLAIN} ORDER BY key"  # noqa: S608 - a constant of this file


class ReadOnlyStore(Store):
    """``mirror.ports.Store`` that reads a mirror's folder and changes nothing in it."""

    discards = True

    def __init__(self, folder: str) -> None:
        """Open the database. Raises ``StoreError``."""
        self._folder = folder
        path = os.path.abspath(os.path.join(folder, _DATABASE))
        log = f"{path}-wal"
        # The write-ahead log is part of the mirror. Without a log, SQLite need not search for it or take locks.
        immutable = not os.path.exists(log) or not os.path.getsize(log)
        uri_path = "".join(
            chr(byte) if 32 < byte < 127 and byte not in b"%?#" else f"%{byte:02x}" for byte in os.fsencode(path)
        )
        with self._reported():
            self._database = sqlite3.connect(
                f"file:{uri_path}?mode=ro{'&immutable=1' * immutable}", uri=True, check_same_thread=False
            )

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the stored values; a row that is not plain bytes, or is damaged, counts as absent."""
        with self._reported():
            rows = ((key, self._database.execute(_VALUE, (key,)).fetchone()) for key in keys)
            read = [(key, unseal(key, bytes(row[0]))) for key, row in rows if row is not None]
            return {key: value for key, value in read if value is not None}

    def heads(self, keys: Iterable[str], size: int) -> dict[str, bytes]:
        """Return the first bytes of stored values."""
        return {key: value[:size] for key, value in self.get_many(keys).items()}

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size in bytes) of every key with the prefix, sorted by key."""
        with self._reported():
            for key, size in self._database.execute(_SIZES):
                if key.startswith(prefix):
                    yield key, size_of(key, size)

    def close(self) -> None:
        """Release the storage; safe to call twice."""
        self._database.close()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            raise StoreError(f"cannot read the mirror in {self._folder}: {error}") from error
