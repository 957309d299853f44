"""A store shared by many mirrors of one process, and caches over it. Only the owner closes the store."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mirror.keys import VIEWS
from mirror.ports import Store
from mirror.records.release_view import Absence, ReleaseView, decode

_MOST_VIEWS = 5000  # decoded views kept in memory
HEAD = 24  # bytes of a stored release view that hold its digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class SharedStore(Store):
    """``mirror.ports.Store`` that delegates every method but ``close``."""

    def __init__(self, store: Store) -> None:
        """Wrap a store."""
        self._store = store
        self.discards = store.discards

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the stored values."""
        return self._store.get_many(keys)

    def heads(self, keys: Iterable[str], size: int) -> dict[str, bytes]:
        """Return the first bytes of stored values."""
        return self._store.heads(keys, size)

    def put_many(self, items: Mapping[str, bytes]) -> None:
        """Write all items in one transaction."""
        self._store.put_many(items)

    def update(self, changes: Mapping[str, Callable[[bytes | None], bytes | None]]) -> None:
        """Read, change and write each key in one transaction."""
        self._store.update(changes)

    def delete_many(self, keys: Iterable[str]) -> int:
        """Remove the keys that exist; return their number."""
        return self._store.delete_many(keys)

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size) sorted by key."""
        return self._store.scan(prefix)

    def version(self) -> object | None:
        """Return a value that changes when anything stored changes, or None if the store has no such value."""
        return self._store.version()

    def check(self) -> bool:
        """Return whether the storage is still the one that was opened."""
        return self._store.check()

    def prepare(self) -> None:
        """Create now what the first write would create."""
        self._store.prepare()

    def end_thread(self) -> None:
        """Release what only the calling thread has open."""
        self._store.end_thread()

    def expect(self, extras: Mapping[str, tuple[str, ...]]) -> None:
        """Take note of the extras of projects that will be asked for."""
        self._store.expect(extras)

    def prefetch_files(self, rows: Iterable[tuple[str, str]]) -> None:
        """Fetch the files of each (key of a file view, version) ahead."""
        self._store.prefetch_files(rows)

    def close(self) -> None:
        """Leave the store open."""


class NotingStore(SharedStore):
    """A shared store that also records which release views were read, each with its first bytes, which have its digest.

    If a record that was read is then written through this store, the new record is recorded instead.
    """

    def __init__(self, store: Store) -> None:
        """Wrap a store; ``noted`` has the first bytes of each release view that was read, by key."""
        super().__init__(store)
        self.noted: dict[str, bytes] = {}

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the stored values."""
        wanted = list(keys)
        values = self._store.get_many(wanted)
        self.noted.update({key: values.get(key, b"")[:HEAD] for key in wanted if VIEWS.owns(key)})
        return values

    def update(self, changes: Mapping[str, Callable[[bytes | None], bytes | None]]) -> None:
        """Read, change and write each key in one transaction."""
        written: dict[str, bytes] = {}
        self._store.update({key: self._noting(key, change, written) for key, change in changes.items()})
        self.noted.update(written)

    def _noting(
        self, key: str, change: Callable[[bytes | None], bytes | None], written: dict[str, bytes]
    ) -> Callable[[bytes | None], bytes | None]:
        def noted(stored: bytes | None) -> bytes | None:
            new = change(stored)
            # If another process has written since, the record that was read stays noted: it differs from the stored one.
            if new is not None and self.noted.get(key) == (stored or b"")[:HEAD]:
                written[key] = new[:HEAD]
            return new

        return noted


class DecodedViews:
    """A cache of decoded release views, each valid while its stored bytes are the same. Use one for each thread."""

    def __init__(self) -> None:
        """Create an empty cache."""
        self._views: dict[str, tuple[bytes, ReleaseView | Absence]] = {}
        self._lock = threading.Lock()

    def decode(self, key: str, data: bytes) -> ReleaseView | Absence:
        """Return the view of a stored record. Raises ``Malformed``."""
        cached = self._views.get(key)
        if cached is not None and cached[0] == data:
            return cached[1]
        view = decode(data)
        with self._lock:
            if len(self._views) >= _MOST_VIEWS:
                self._views.clear()
            self._views[key] = (data, view)
        return view
