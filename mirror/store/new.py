"""A store in a folder without a database: it is empty, and its database is created on first write.

Creating it (loading diskcache, creating the database) takes 25 ms, which a first lock can do while it waits for its first
requests.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from mirror.errors import StoreError
from mirror.ports import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mirror.store.disk import DiskStore


class NewStore(Store):
    """``mirror.ports.Store`` in a folder without a database. Records of other processes are visible after the first write."""

    def __init__(self, folder: str) -> None:
        """Create only the folder. Raises ``StoreError`` if it cannot be created or written to."""
        self.folder = folder
        self._made: DiskStore | None = None
        self._lock = threading.Lock()  # the writer thread may be the first that writes
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot make the mirror's folder {folder}: {error}; name another with --mirror"
            ) from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise StoreError(
                f"cannot write to the mirror's folder {folder}; check its permissions, or name another with --mirror"
            )

    def prepare(self) -> None:
        """Create the database now. Raises ``StoreError``."""
        self._made_store()

    def _made_store(self) -> DiskStore:
        from mirror.store.disk import DiskStore  # loaded late: that is the purpose of this module

        with self._lock:
            if self._made is None:
                self._made = DiskStore(self.folder)
            return self._made

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the stored values: none before the first write."""
        return {} if self._made is None else self._made.get_many(keys)

    def heads(self, keys: Iterable[str], size: int) -> dict[str, bytes]:
        """Return the first bytes of stored values: none before the first write."""
        return {} if self._made is None else self._made.heads(keys, size)

    def put_many(self, items: Mapping[str, bytes]) -> None:
        """Write all items in one transaction."""
        self._made_store().put_many(items)

    def update(self, changes: Mapping[str, Callable[[bytes | None], bytes | None]]) -> None:
        """Read, change and write each key in one transaction."""
        self._made_store().update(changes)

    def delete_many(self, keys: Iterable[str]) -> int:
        """Remove the keys that exist; return their number."""
        return self._made_store().delete_many(keys)

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size in bytes) of every key with the prefix, sorted by key."""
        return self._made_store().scan(prefix)

    def check(self) -> bool:
        """Return whether the database is still the one that was created here."""
        return self._made is None or self._made.check()

    def version(self) -> int | None:
        """Return a number that changes with every commit, or None before the database is created."""
        return None if self._made is None else self._made.version()

    def end_thread(self) -> None:
        """Release what only the calling thread has open."""
        if self._made is not None:
            self._made.end_thread()

    def close(self) -> None:
        """Release the storage; safe to call twice."""
        if self._made is not None:
            self._made.close()
