"""A snapshot as a store: resolve from the file without an import. Nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import Integrity, StoreError
from mirror.exchange.snapshot import LARGEST, Snapshot, read_snapshot
from mirror.exchange.validation import checked
from mirror.keys import (
    ADDRESSES,
    ADVISORIES,
    FACTS,
    FILES,
    TEXTS,
    VIEWS,
    address_key,
    facts_key,
    files_key_of,
    view_key_of,
)
from mirror.ports import Store
from mirror.records.file_view import with_digest
from mirror.records.release_view import ReleaseView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mirror.records.release_view import Absence


def load_snapshot(path: str) -> Snapshot:
    """Read a snapshot file, "-" for standard input. Raises ``StoreError`` if it cannot be read, ``Integrity`` if it is invalid."""
    try:
        with open(0 if path == "-" else path, "rb", closefd=path != "-") as file:  # pathlib takes 9 ms to load
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise StoreError(f"cannot read the snapshot {path}: {error.strerror or error}") from error
    if len(data) > LARGEST:
        raise Integrity(f"{path}: larger than {LARGEST} bytes, the limit of a snapshot")
    try:
        return read_snapshot(data)
    except Integrity as error:
        raise Integrity(f"{path}: {error}") from error


class SnapshotStore(Store):
    """``mirror.ports.Store`` over a snapshot."""

    repacks = True
    discards = True

    def __init__(self, snapshot: Snapshot) -> None:
        """Serve the records of a verified snapshot; each record is validated on first use."""
        self.snapshot = snapshot
        self._seen: dict[str, ReleaseView | Absence] = {}

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the stored values. A file view is packed when it is requested."""
        values = {}
        for key in keys:
            value = self._get(key)
            if value is not None:
                values[key] = value
        return values

    def _get(self, key: str) -> bytes | None:
        snapshot = self.snapshot
        if VIEWS.owns(key):
            return snapshot.views.get(key) if self.view(key) is not None else None
        if FILES.owns(key):
            return self._files(view_key_of(key))
        if TEXTS.owns(key):
            return snapshot.texts.get(key)
        if ADVISORIES.owns(key):
            return snapshot.advisories.get(key)
        if FACTS.owns(key):
            return snapshot.facts.get(FACTS.name(key))
        url = snapshot.addresses.get(ADDRESSES.name(key)) if ADDRESSES.owns(key) else None
        return None if url is None else url.encode()

    def _files(self, key: str) -> bytes | None:
        """Return a file view with the digest that its release view has."""
        packed, view = self.snapshot.file_view(key), self.view(key)
        if packed is None or not isinstance(view, ReleaseView):
            return None
        return with_digest(packed, view.digest)

    def view(self, key: str) -> ReleaseView | Absence | None:
        """Return a validated release view. Raises ``Integrity``."""
        data = self.snapshot.views.get(key)
        if data is None:
            return None
        if key not in self._seen:
            self._seen[key] = checked(key, data)
        return self._seen[key]

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size in bytes) sorted by key; the size of a file view is its packed size in the snapshot."""
        snapshot = self.snapshot
        sizes = {key: len(value) for key, value in snapshot.views.items()}
        sizes |= {files_key_of(key): len(text) + len(digests) for key, (_, text, digests) in snapshot.blocks.items()}
        sizes |= {facts_key(index): len(value) for index, value in snapshot.facts.items()}
        sizes |= {address_key(index): len(url) for index, url in snapshot.addresses.items()}
        sizes |= {key: len(record) for key, record in (*snapshot.texts.items(), *snapshot.advisories.items())}
        yield from sorted((key, size) for key, size in sizes.items() if key.startswith(prefix))

    def close(self) -> None:
        """Do nothing: no file is open."""
