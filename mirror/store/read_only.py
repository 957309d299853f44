"""The embedded store where nothing may be written: a mirror on a read-only disk, in an image's layer, of another user.

Reads the table of ``disk_store`` and nothing else of it: opening that one writes. Like a snapshot such a mirror answers from
what it holds alone, and derived values are forgotten.
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
    from collections.abc import Callable, Iterable, Iterator, Mapping

_DATABASE = "cache.db"  # what diskcache calls its file; pathlib costs 9 ms to load
_PLAIN = "raw = 1 AND mode = 1 AND filename IS NULL AND typeof(value) = 'blob' AND typeof(key) = 'text'"
_VALUE = f"SELECT value FROM Cache WHERE key = ? AND {_PLAIN}"  # noqa: S608 - a constant of this file
_SIZES = f"SELECT key, length(value) FROM Cache WHERE {_PLAIN} ORDER BY key"  # noqa: S608 - likewise


class ReadOnlyStore(Store):
    """``mirror.ports.Store`` over a mirror's folder as it is."""

    def __init__(self, folder: str) -> None:
        """Open it. Raises ``StoreError`` where that fails."""
        self._folder = folder
        path = os.path.abspath(os.path.join(folder, _DATABASE))
        log = f"{path}-wal"
        # What is in the write-ahead log is part of the mirror; without one SQLite need not look for any, nor lock.
        immutable = not os.path.exists(log) or not os.path.getsize(log)
        place = "".join(
            chr(byte) if 32 < byte < 127 and byte not in b"%?#" else f"%{byte:02x}" for byte in os.fsencode(path)
        )
        with self._reported():
            self._database = sqlite3.connect(
                f"file:{place}?mode=ro{'&immutable=1' * immutable}", uri=True, check_same_thread=False
            )

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values there are; a row that is no plain bytes, or damaged, counts as absent."""
        with self._reported():
            rows = ((key, self._database.execute(_VALUE, (key,)).fetchone()) for key in keys)
            read = [(key, unseal(key, bytes(row[0]))) for key, row in rows if row is not None]
            return {key: value for key, value in read if value is not None}

    def put_many(self, items: Mapping[str, bytes]) -> None:
        """Keep nothing."""

    def update(self, changes: Mapping[str, Callable[[bytes | None], bytes | None]]) -> None:
        """Keep nothing."""

    def delete_many(self, keys: Iterable[str]) -> int:  # noqa: ARG002 - the port's signature
        """Delete nothing."""
        return 0

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size in bytes) of every key with that prefix, sorted by key."""
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
