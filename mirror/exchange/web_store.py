"""A mirror on the web as a store: a published folder, or a server. Read-only; only requested records are fetched.

Each record of a published folder takes one request, sent in parallel. A server sends a snapshot of the requested records and
their dependency closure, so a whole lock takes a few requests. The records of a folder are verified against the digests in its
index.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from mirror.errors import Integrity, Malformed, StoreError
from mirror.exchange.dependency_closure import dependency_closure
from mirror.exchange.record_iterator import split_key
from mirror.exchange.snapshot import BUNDLE, read_snapshot
from mirror.exchange.snapshot_store import SnapshotStore
from mirror.exchange.validation import checked
from mirror.exchange.web_index import WebIndex, read_key_sizes, read_web_index, record_urls
from mirror.exchange.web_requests import WebRequests
from mirror.http.credentials import Credentials
from mirror.keys import ADDRESSES, FACTS, FILES, TEXTS, VIEWS, address_key, facts_key, view_key, view_key_of
from mirror.ports import Request, Store
from mirror.records.file_view import holds, with_digest
from mirror.records.release_view import READABLE, SCHEMA, Absence, ReleaseView
from mirror.settings import MirrorSettings
from mirror.urls import shown, split_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_LARGEST_INDEX = 256 * 1024 * 1024
_LARGEST = 1 << 30


class WebStore(Store):
    """``mirror.ports.Store`` over HTTP. Derived values are discarded and computed again, which takes time."""

    repacks = True

    def __init__(self, url: str, settings: MirrorSettings | None = None) -> None:
        """Store the parts; no request is sent yet. ``settings`` has proxy, certificates and credentials."""
        plain, secret = split_url(url)
        self._url = plain.rstrip("/")
        self._shown = shown(url).rstrip("/")  # for messages
        settings = settings or MirrorSettings(plain, ())
        if secret is not None:
            settings = settings._replace(credentials=Credentials([url]))
        self._requests = WebRequests(self._shown, settings, self)
        self._head: WebIndex | None = None
        self._sizes: dict[str, int] | None = None  # size by key of every record, once they were listed
        self._held: dict[str, bytes | None] = {}
        self._bundle: SnapshotStore | None = None

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the stored values.

        Raises:
            StoreError: The mirror cannot be reached.
            Integrity: A record does not match its digest.
        """
        wanted = list(keys)
        absent = [key for key in wanted if key not in self._held and _fetched(key)]
        if absent:
            if self._bulk:
                self._fetch_views([key for key in absent if VIEWS.owns(key)])
                self._fetch_files({key: "" for key in absent if FILES.owns(key)})
                self._fetch_texts([key for key in absent if TEXTS.owns(key)])
            else:
                self._fetch_closure([key for key in absent if VIEWS.owns(key)])
                self._fetch_each([key for key in absent if FILES.owns(key)])
        values = {}
        for key in wanted:
            value = self._held.get(key) if _fetched(key) else self._small(key)
            if value is not None:
                values[key] = value
        return values

    def prefetch_files(self, rows: Iterable[tuple[str, str]]) -> None:
        """Fetch the files of each (key of a file view, version) in few requests, for a later ``get_many``."""
        wanted = {key: version for key, version in rows if key not in self._held}
        if self._bulk:
            self._fetch_files(wanted)
        else:
            self._fetch_each([key for key, version in wanted.items() if not self._hold_of_bundle(key, version)])

    # --- the mirror's index -------------------------------------------------------------------------------------------

    def _index(self) -> WebIndex:
        if self._head is None:
            (exchange,) = self._requests.fetch([Request(f"{self._url}/index.json", limit=_LARGEST_INDEX)])
            try:
                head = read_web_index(exchange.body)
            except (ValueError, RecursionError) as error:
                raise StoreError(f"{self._shown} is not a mirror: its index.json cannot be read: {error}") from error
            if head.schema not in READABLE:
                raise StoreError(f"{self._shown} holds records of schema {head.schema}, this program reads {SCHEMA}")
            self._head = head
        return self._head

    @property
    def _bulk(self) -> bool:
        return self._index().bulk

    def _small(self, key: str) -> bytes | None:
        head = self._index()
        if FACTS.owns(key) and FACTS.name(key) in head.facts:
            return json.dumps(head.facts[FACTS.name(key)]).encode()
        url = head.indexes.get(ADDRESSES.name(key)) if ADDRESSES.owns(key) else None
        return None if url is None else url.encode()

    # --- a published folder -------------------------------------------------------------------------------------------

    def _bundled(self) -> SnapshotStore | None:
        """Return the bundle of the folder, fetched on first use; None if it has none."""
        digests = self._index().files
        if self._bundle is None and BUNDLE in digests:
            (exchange,) = self._requests.fetch([Request(f"{self._url}/{BUNDLE}", limit=_LARGEST)])
            self._check(BUNDLE, exchange.body, digests)
            self._bundle = SnapshotStore(read_snapshot(exchange.body))
        return self._bundle

    def _hold_of_bundle(self, key: str, version: str) -> bool:
        """Cache the files of a release if the bundle has them; return whether it has."""
        bundle = self._bundled()
        view = bundle.view(view_key_of(key)) if bundle is not None else None
        if bundle is None or not isinstance(view, ReleaseView) or version not in view.versions:
            return False
        packed = bundle.get_many((key,)).get(key)
        if packed is None or not holds(packed, list(view.versions).index(version)):
            return False
        self._held[key] = packed
        return True

    def _check(self, path: str, body: bytes, digests: Mapping[str, str]) -> None:
        if hashlib.sha256(body).hexdigest() != digests[path]:
            raise Integrity(f"{self._shown}/{path}: its SHA-256 differs from the one in the mirror's index")

    def _fetch_closure(self, keys: list[str]) -> None:
        """Fetch release views and their dependency closure, level by level: a resolve needs nearly all of them."""
        by_index: dict[str, list[str]] = {}
        for key in keys:
            index_id, name = split_key(key)
            by_index.setdefault(index_id, []).append(name)
        for index_id, names in by_index.items():

            def load(wave: list[str], index_id: str = index_id) -> dict[str, ReleaseView | Absence]:
                wanted = {view_key(index_id, name): name for name in wave}
                self._fetch_each([key for key in wanted if key not in self._held])
                return {
                    name: checked(key, value)
                    for key, name in wanted.items()
                    if (value := self._held.get(key)) is not None
                }

            dependency_closure(names, load)

    def _fetch_each(self, keys: list[str]) -> None:
        digests = self._index().files
        bundle = self._bundled()
        if bundle is not None:  # it has only the chosen files, which ``_hold_of_bundle`` reads
            self._held |= bundle.get_many([key for key in keys if VIEWS.owns(key)])
            keys = [key for key in keys if key not in self._held]
        paths = {key: f"{key}.json" if VIEWS.owns(key) else f"{key}.ppf" for key in keys}
        published = [key for key in keys if paths[key] in digests]
        self._held.update(dict.fromkeys(keys))
        exchanges = self._requests.fetch([Request(f"{self._url}/{paths[key]}", limit=_LARGEST) for key in published])
        for key, exchange in zip(published, exchanges, strict=True):
            self._check(paths[key], exchange.body, digests)
            self._held[key] = exchange.body

    # --- a server -----------------------------------------------------------------------------------------------------

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

    def _snapshots(self, part: str, rows: list[tuple[str, str]]) -> Iterator[SnapshotStore]:
        urls = record_urls(self._url, part, rows)
        for exchange in self._requests.fetch([Request(url, limit=_LARGEST) for url in urls]):
            try:
                yield SnapshotStore(read_snapshot(exchange.body))
            except Integrity as error:
                raise Integrity(f"{self._shown}: {error}") from error

    # --- the rest of a store ------------------------------------------------------------------------------------------

    def put_many(self, items: Mapping[str, bytes]) -> None:
        """Discard the items."""

    def update(self, changes: Mapping[str, Callable[[bytes | None], bytes | None]]) -> None:
        """Discard the changes."""

    def delete_many(self, keys: Iterable[str]) -> int:  # noqa: ARG002 - the port's signature
        """Delete nothing."""
        return 0

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size in bytes) sorted by key; a published folder does not say sizes: they are 0."""
        head = self._index()
        sizes = {facts_key(index): 0 for index in head.facts} | {address_key(index): 0 for index in head.indexes}
        if not prefix or _fetched(prefix):
            sizes |= self._listed()
        yield from sorted((key, size) for key, size in sizes.items() if key.startswith(prefix))

    def _listed(self) -> dict[str, int]:
        """Return the size of every record that is fetched by its key."""
        if self._sizes is None:
            sizes = {path.rpartition(".")[0]: 0 for path in self._index().files if _fetched(path)}
            if self._bulk:
                (exchange,) = self._requests.fetch([Request(f"{self._url}/keys.json", limit=_LARGEST_INDEX)])
                try:
                    sizes = read_key_sizes(exchange.body)
                except (ValueError, RecursionError) as error:
                    raise StoreError(f"{self._shown}/keys.json cannot be read: {error}") from error
            self._sizes = {key: size for key, size in sizes.items() if _fetched(key)}
        return self._sizes

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._requests.close()


def _fetched(key: str) -> bool:
    """Return whether a record is fetched by its key; the others are in the index."""
    return VIEWS.owns(key) or FILES.owns(key) or TEXTS.owns(key)


def _digest(view: bytes) -> str:
    """Return the digest of a release view's files."""
    try:
        digest = str(json.loads(view)["digest"])
        return digest if len(bytes.fromhex(digest)) == 16 else "00" * 16
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed("a release view without a digest") from error
