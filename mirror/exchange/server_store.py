"""A mirror server as a store: read-only. It sends snapshots of the requested records and their dependency closure.

So a whole lock takes a few requests.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mirror.errors import Integrity, Malformed, StoreError, Unreachable
from mirror.exchange.published_source import Part
from mirror.exchange.record_iterator import split_key
from mirror.exchange.snapshot import read_snapshot
from mirror.exchange.snapshot_store import SnapshotStore
from mirror.keys import ADDRESSES, FACTS, FILES, TEXTS, VIEWS, address_key, facts_key, view_key_of
from mirror.ports import Store
from mirror.records.file_view import with_digest
from mirror.records.release_view import READABLE, SCHEMA
from mirror.records.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mirror.exchange.published_source import Source

_LISTED = (VIEWS, FILES, TEXTS)
_QUERY = 5000  # characters of names in a bulk request: a URL that every server and proxy accepts


class ServerStore(Store):
    """``mirror.ports.Store`` of a mirror server, which answers for many records at once."""

    repacks = True
    discards = True

    def __init__(self, source: Source, head: Table) -> None:
        """Take the head of the server. Raises ``StoreError`` if this program cannot read its records."""
        self._source = source
        try:
            schema = head.integer("schema")
            self._indexes = head.text_by_name("indexes")
            self._facts = head.values("facts")
        except ValueError as error:
            raise StoreError(f"{source.label} is not a mirror: its index cannot be read: {error}") from error
        if schema not in READABLE:
            raise StoreError(f"{source.label} holds records of schema {schema}, this program reads {SCHEMA}")
        self._sizes: dict[str, int] | None = None  # size by key of every record, once they were listed
        self._held: dict[str, bytes | None] = {}

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the stored values.

        Raises:
            StoreError: The mirror cannot be reached.
            Integrity: A record does not match its digest.
        """
        wanted = list(keys)
        absent = [key for key in wanted if key not in self._held]
        self._fetch_views([key for key in absent if VIEWS.owns(key)])
        self._fetch_files({key: "" for key in absent if FILES.owns(key)})
        self._fetch_texts([key for key in absent if TEXTS.owns(key)])
        values = {key: self._held[key] if key in self._held else self._small(key) for key in wanted}
        return {key: value for key, value in values.items() if value is not None}

    def prefetch_files(self, rows: Iterable[tuple[str, str]]) -> None:
        """Fetch the files of each (key of a file view, version) in few requests, for a later ``get_many``."""
        self._fetch_files({key: version for key, version in rows if key not in self._held})

    def _small(self, key: str) -> bytes | None:
        if FACTS.owns(key) and FACTS.name(key) in self._facts:
            return json.dumps(self._facts[FACTS.name(key)]).encode()
        url = self._indexes.get(ADDRESSES.name(key)) if ADDRESSES.owns(key) else None
        return None if url is None else url.encode()

    def _fetch_views(self, keys: list[str]) -> None:
        """Fetch release views, with their dependency closure unless all records are listed: then all are being read."""
        self._held.update(dict.fromkeys(keys))
        rows = [split_key(key) for key in keys]
        for store in self._snapshots("reach" if self._sizes is None else "views", rows):
            self._held |= store.get_many([key for key in store.snapshot.views if self._held.get(key) is None])

    def _fetch_files(self, wanted: Mapping[str, str]) -> None:
        """Fetch files by key: of the given version, or of all releases if it is ""."""
        rows = []
        for key, version in wanted.items():
            index_id, name = split_key(view_key_of(key))
            rows.append((index_id, f"{name}:{version.replace('+', '%2B')}" if version else name))
        self._held.update(dict.fromkeys(wanted))
        for store in self._snapshots("files", rows):
            for key in store.snapshot.blocks:
                packed = store.snapshot.file_view(key)
                view = self._held.get(key)
                if packed is not None and view is not None:
                    self._held["f" + key[1:]] = with_digest(packed, _digest(view))

    def _fetch_texts(self, keys: list[str]) -> None:
        """Fetch METADATA of projects."""
        self._held.update(dict.fromkeys(keys))
        for store in self._snapshots("texts", [split_key(VIEWS.key(TEXTS.name(key))) for key in keys]):
            self._held |= store.snapshot.texts

    def _snapshots(self, query: str, rows: list[tuple[str, str]]) -> Iterator[SnapshotStore]:
        parts = [Part(path) for path in record_paths(query, rows)]
        for body in self._source.fetch(parts) if parts else []:
            if body is None:
                raise Unreachable(f"the mirror at {self._source.label} cannot be used: it answered 404")
            try:
                yield SnapshotStore(read_snapshot(body))
            except Integrity as error:
                raise Integrity(f"{self._source.label}: {error}") from error

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size in bytes) sorted by key."""
        sizes = {facts_key(index): 0 for index in self._facts} | {address_key(index): 0 for index in self._indexes}
        if not prefix or any(kind.owns(prefix) for kind in _LISTED):
            sizes |= self._listed()
        yield from sorted((key, size) for key, size in sizes.items() if key.startswith(prefix))

    def _listed(self) -> dict[str, int]:
        """Return the size of every record that is fetched by its key."""
        if self._sizes is None:
            (body,) = self._source.fetch([Part("keys.json")])
            try:
                sizes = dict(Table(json.loads(body or b"")).rows("keys", str, int))
            except (ValueError, RecursionError) as error:
                raise StoreError(f"{self._source.label}/keys.json cannot be read: {error}") from error
            self._sizes = {key: size for key, size in sizes.items() if any(kind.owns(key) for kind in _LISTED)}
        return self._sizes

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._source.close()


def record_paths(query: str, rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return what to ask a server for ``query`` of records (``files``, …); rows are (index id, project or project:version)."""
    by_index: dict[str, list[str]] = {}
    for index_id, name in rows:
        by_index.setdefault(index_id, []).append(name)
    return [
        f"records?{query}=1&index={index_id}&names={','.join(chunk)}"
        for index_id, names in by_index.items()
        for chunk in _name_chunks(names)
    ]


def _name_chunks(names: list[str]) -> Iterator[list[str]]:
    """Yield the names in chunks that fit into a request."""
    chunk: list[str] = []
    size = 0
    for name in names:
        if chunk and size + len(name) > _QUERY:
            yield chunk
            chunk, size = [], 0
        chunk.append(name)
        size += len(name) + 1
    if chunk:
        yield chunk


def _digest(view: bytes) -> str:
    """Return the digest of a release view's files."""
    try:
        digest = str(json.loads(view)["digest"])
        return digest if len(bytes.fromhex(digest)) == 16 else "00" * 16
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed("a release view without a digest") from error
