"""A store lent to many mirrors of one process: closing it is the owner's business."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mirror.keys import VIEWS
from mirror.ports import Store
from mirror.records.release_view import Absence, ReleaseView, decode

HEAD = 24  # bytes of a stored release view that hold its digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class SharedStore(Store):
    """``mirror.ports.Store`` that passes everything on but ``close``."""

    def __init__(self, store: Store) -> None:
        """Lend a store."""
        self._store = store

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values there are."""
        return self._store.get_many(keys)

    def put_many(self, items: Mapping[str, bytes]) -> None:
        """Write all items in one transaction."""
        self._store.put_many(items)

    def update(self, changes: Mapping[str, Callable[[bytes | None], bytes | None]]) -> None:
        """Read, change and write each key inside one transaction."""
        self._store.update(changes)

    def delete_many(self, keys: Iterable[str]) -> int:
        """Remove the keys that are there."""
        return self._store.delete_many(keys)

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size) sorted by key."""
        return self._store.scan(prefix)

    def version(self) -> object | None:
        """Return what differs once anything stored has changed, or None where the store cannot tell."""
        return self._store.version()

    def prepare(self) -> None:
        """Make now what the first write would make."""
        self._store.prepare()

    def prefetch_files(self, rows: Iterable[tuple[str, str]]) -> None:
        """Expect that these files will be read."""
        self._store.prefetch_files(rows)

    def close(self) -> None:
        """Leave the store open."""


class NotingStore(SharedStore):
    """Also notes which release views were read, and what each began with: its digest, which names what it said.

    What is written through it over a record that it read is noted in its place: who wrote it knows what it says.
    """

    def __init__(self, store: Store) -> None:
        """Lend a store; ``noted`` fills as it is read."""
        super().__init__(store)
        self.noted: dict[str, bytes] = {}

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values there are."""
        wanted = list(keys)
        found = self._store.get_many(wanted)
        self.noted.update({key: found.get(key, b"")[:HEAD] for key in wanted if VIEWS.owns(key)})
        return found

    def update(self, changes: Mapping[str, Callable[[bytes | None], bytes | None]]) -> None:
        """Read, change and write each key inside one transaction."""
        written: dict[str, bytes] = {}
        self._store.update({key: self._noting(key, change, written) for key, change in changes.items()})
        self.noted.update(written)

    def _noting(
        self, key: str, change: Callable[[bytes | None], bytes | None], written: dict[str, bytes]
    ) -> Callable[[bytes | None], bytes | None]:
        def noted(stored: bytes | None) -> bytes | None:
            new = change(stored)
            # Where somebody else wrote meanwhile, what was read stays noted: it is not what is stored any more.
            if new is not None and self.noted.get(key) == (stored or b"")[:HEAD]:
                written[key] = new[:HEAD]
            return new

        return noted


class DecodedViews:
    """Release views decoded once and used again while their stored bytes are the same. One for each thread."""

    def __init__(self, most: int = 5000) -> None:
        """Keep at most so many."""
        self._most = most
        self._views: dict[str, tuple[bytes, ReleaseView | Absence]] = {}
        self._lock = threading.Lock()

    def decode(self, key: str, data: bytes) -> ReleaseView | Absence:
        """Return the view of a stored record; raises ``Malformed``."""
        known = self._views.get(key)
        if known is not None and known[0] == data:
            return known[1]
        view = decode(data)
        with self._lock:
            if len(self._views) >= self._most:
                self._views.clear()
            self._views[key] = (data, view)
        return view
