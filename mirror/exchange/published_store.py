"""A published mirror as a store: read-only; the index or its delta, and then the shards of a lock in two ranged reads.

The index names each project's dependencies, so that all shards that a lock may need are known before the first is fetched.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mirror.errors import Integrity, Malformed, StoreError, Unreachable
from mirror.exchange.published_index import DELTA, INDEX, Delta, PublishedIndex, digest_of, needed_names, table_of
from mirror.exchange.published_ranges import spans
from mirror.exchange.published_shard import Shard, files_path
from mirror.exchange.published_source import Part
from mirror.exchange.record_iterator import split_key
from mirror.exchange.validation import checked
from mirror.keys import (
    ADDRESSES,
    FACTS,
    FILES,
    VIEWS,
    address_key,
    facts_key,
    files_key,
    project_of,
    view_key,
    view_key_of,
)
from mirror.ports import Store
from mirror.records.file_view import holds
from mirror.records.release_view import READABLE, SCHEMA, ReleaseView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mirror.exchange.published_cache import PublishedCache
    from mirror.exchange.published_index import Row
    from mirror.exchange.published_source import Source
    from mirror.records.release_view import Absence
    from mirror.records.tables import Table

_FAST = 1  # Zstandard level of an index in the cache: 5 ms for 10,000 projects; as published 45 ms


def read_index(source: Source, cache: PublishedCache) -> PublishedIndex | Table:
    """Return the present index of a published mirror, by its delta if an older index is in the cache.

    A table is the head of a server instead. Raises ``StoreError`` if there is no mirror.
    """
    older = cache.index()
    if older is not None:
        (body,) = source.fetch([Part(DELTA)])
        try:
            index = None if body is None else Delta.read(body).applied(older)
        except (ValueError, RecursionError):
            index = None  # damaged, or of another format: the index itself says so
        if index is not None:
            if index.serial != older.serial:
                cache.save_index(index.to_bytes(_FAST))
            return index
    (body,) = source.fetch([Part(INDEX)])
    if body is None:
        raise StoreError(
            f"{source.label} is not a mirror: it has no {INDEX}; one of an older version must be published again"
        )
    try:
        table = table_of(body)
        if "bulk" in table and table.flag("bulk"):
            return table
        index = PublishedIndex.of_table(table)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{source.label} is not a mirror: its {INDEX} cannot be read: {error}") from error
    if index.schema not in READABLE:
        raise StoreError(f"{source.label} holds records of schema {index.schema}, this program reads {SCHEMA}")
    cache.save_index(body)
    return index


class PublishedStore(Store):
    """``mirror.ports.Store`` over a published mirror. Every shard is verified against the index, every record validated."""

    repacks = True
    discards = True

    def __init__(self, source: Source, index: PublishedIndex, cache: PublishedCache) -> None:
        """Read no shard yet."""
        self._source = source
        self._index = index
        self._cache = cache
        self._kept: dict[str, memoryview] | None = None
        self._used: dict[str, bytes | memoryview] = {}  # shards of this run by digest
        self._fetched = False
        self._extras: dict[str, tuple[str, ...]] = {}  # by project: those that the input names
        self._shards: dict[str, Shard | None] = {}  # by key of a release view
        self._views: dict[str, ReleaseView | Absence] = {}  # decoded to be verified, and not yet given to a caller
        self._releases: dict[str, tuple[str, list[str]]] = {}  # digest of the file view, and the versions; by key, too
        self._files: dict[str, bytes | None] = {}  # by key of a file view

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the stored values.

        Raises:
            StoreError: The mirror cannot be reached.
            Integrity: A record does not match its digest.
        """
        wanted = list(keys)
        views = [key for key in wanted if VIEWS.owns(key)]
        files = [key for key in wanted if FILES.owns(key)]
        self._load(views + [view_key_of(key) for key in files], closure=bool(views))
        self._load_files([key for key in files if key not in self._files])
        values = {}
        for key in wanted:
            value = self._value(key)
            if value is not None:
                values[key] = value
        return values

    def decoded(self, key: str) -> ReleaseView | Absence | None:
        """Return a view that was decoded to be verified, once: the caller owns it, and may change it."""
        return self._views.pop(key, None)

    def expect(self, extras: Mapping[str, tuple[str, ...]]) -> None:
        """Take note of the extras of projects that will be asked for: what they need is read with their projects."""
        self._extras.update(extras)

    def prefetch_files(self, rows: Iterable[tuple[str, str]]) -> None:
        """Read the files of each (key of a file view, version), for a later ``get_many``: most are in the shards."""
        wanted = [(key, version) for key, version in rows if key not in self._files]
        self._load([view_key_of(key) for key, _ in wanted], closure=False)
        self._load_files([key for key, version in wanted if not self._take_files(key, version)])

    def _value(self, key: str) -> bytes | None:
        if VIEWS.owns(key):
            shard = self._shards.get(key)
            return None if shard is None else shard.view
        if FILES.owns(key):
            return self._files.get(key)
        if FACTS.owns(key) and FACTS.name(key) in self._index.facts:
            return json.dumps(self._index.facts[FACTS.name(key)]).encode()
        url = self._index.indexes.get(ADDRESSES.name(key)) if ADDRESSES.owns(key) else None
        return None if url is None else url.encode()

    # --- shards -------------------------------------------------------------------------------------------------------

    def _load(self, keys: list[str], *, closure: bool) -> None:
        """Read the shards of some release views, with those of their dependencies: a resolve needs nearly all of them."""
        absent = [key for key in keys if key not in self._shards]
        if not absent:
            return
        try:
            rows = self._rows(absent, closure=closure)
        except Malformed as error:
            raise Integrity(f"{self._source.label}: {error}") from error
        self._shards.update(dict.fromkeys(absent))
        if self._kept is None:
            self._kept = self._cache.shards()
        missing = []
        for row in rows.values():
            if row.digest in self._kept:
                self._used[row.digest] = self._kept[row.digest]
            elif row.digest not in self._used:
                missing.append(row)
        self._fetch(missing)
        for key, row in rows.items():
            self._shards[key], view = self._checked(key, self._used[row.digest])
            self._views[key] = view
            if isinstance(view, ReleaseView):
                self._releases[key] = view.digest, list(view.versions)

    def _rows(self, keys: list[str], *, closure: bool) -> dict[str, Row]:
        names = [project_of(key) for key in keys]
        wanted = set(keys)
        if closure:
            needed = needed_names(self._index, {name: self._extras.get(name, ()) for name in names})
            wanted |= {view_key(index_id, name) for index_id in self._index.projects for name in needed}
        rows = {}
        for key in sorted(wanted):
            row = self._index.row(*split_key(key))
            if row is not None and self._shards.get(key) is None:
                rows[key] = row
        return rows

    def _fetch(self, rows: list[Row]) -> None:
        sizes = [pack.size for pack in self._index.packs]
        plan = spans(rows, sizes, several=self._source.several_ranges)
        parts = [Part(self._index.packs[span.pack].path, span.start, span.end) for span in plan]
        for span, part, body in zip(plan, parts, self._source.fetch(parts) if parts else [], strict=True):
            if body is None:
                raise Unreachable(
                    f"{self._source.label}/{part.path} does not exist any more; run again, and if this stays, publish again"
                )
            self._fetched = True
            for row in span.rows:
                shard = body[row.offset - span.start : row.offset - span.start + row.length]
                if digest_of(shard) != row.digest:
                    raise Integrity(f"{self._source.label}/{part.path}: a shard differs from its digest in the index")
                self._used[row.digest] = shard

    def _checked(self, key: str, data: bytes | memoryview) -> tuple[Shard, ReleaseView | Absence]:
        try:
            shard = Shard.read(data)
        except Malformed as error:
            raise Integrity(f"{self._source.label}: {key}: {error}") from error
        return shard, checked(key, shard.view)

    # --- file views ---------------------------------------------------------------------------------------------------

    def _take_files(self, key: str, version: str) -> bool:
        """Use the files of a shard if it has those of this release; return whether it has."""
        shard = self._shards.get(view_key_of(key))
        digest, versions = self._releases.get(view_key_of(key), ("", []))
        if shard is None or version not in versions:
            return False
        try:
            packed = shard.file_view(digest)
        except Malformed as error:
            raise Integrity(f"{self._source.label}: {key}: {error}") from error
        if packed is None or not holds(packed, versions.index(version)):
            return False
        self._files[key] = packed
        return True

    def _load_files(self, keys: list[str]) -> None:
        """Read complete file views, one request each."""
        digests = {}
        for key in keys:
            shard = self._shards.get(view_key_of(key))
            self._files[key] = None
            if shard is not None and shard.files:
                digests[key] = shard.files
        bodies = self._source.fetch([Part(files_path(digest)) for digest in digests.values()]) if digests else []
        for (key, digest), body in zip(digests.items(), bodies, strict=True):
            path = files_path(digest)
            if body is None:
                raise Unreachable(f"{self._source.label}/{path} does not exist any more; run again, or publish again")
            if digest_of(body) != digest:
                raise Integrity(f"{self._source.label}/{path}: its SHA-256 differs from its name")
            self._files[key] = body

    # --- the rest of a store ------------------------------------------------------------------------------------------

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size in bytes) sorted by key: of release views the size of their shards."""
        sizes = {facts_key(index_id): 0 for index_id in self._index.facts}
        sizes |= {address_key(index_id): len(url) for index_id, url in self._index.indexes.items()}
        for index_id, names in self._index.projects.items():
            for name in names:
                row = self._index.row(index_id, name)
                if row is not None:
                    sizes[view_key(index_id, name)] = row.length
                    if row.files:
                        sizes[files_key(index_id, name)] = row.files
        yield from sorted((key, size) for key, size in sizes.items() if key.startswith(prefix))

    def close(self) -> None:
        """Keep the shards of this run and close the connections; safe to call twice."""
        if self._fetched:
            self._cache.save_shards(self._used, self._kept or {})
            self._fetched = False
        self._source.close()
