"""A mirror on the web as a store: a published folder, or a server. Read-only; only what is asked for is fetched.

Of a published folder each record is one request (side by side); a server sends a snapshot of all that a question can lead to,
so a whole lock takes a handful of requests. Every record is checked against the digest that the index of the mirror names.
"""

from __future__ import annotations

import hashlib
import json
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from mirror.errors import Integrity, Malformed, StoreError, Unreachable
from mirror.exchange.dependency_closure import dependency_closure
from mirror.exchange.record_iterator import split_key
from mirror.exchange.snapshot import BUNDLE, read_snapshot
from mirror.exchange.snapshot_store import SnapshotStore
from mirror.exchange.validation import checked
from mirror.exchange.web_index import WebIndex, name_chunks, read_web_index
from mirror.http.credentials import Credentials
from mirror.keys import ADDRESSES, FACTS, FILES, VIEWS, address_key, facts_key, view_key, view_key_of
from mirror.ports import Request, Store
from mirror.records.file_view import holds, with_digest
from mirror.records.release_view import SCHEMA, Absence, ReleaseView
from mirror.settings import MirrorSettings
from mirror.urls import shown, split_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mirror.ports import Exchange, Transport

_LARGEST_INDEX = 256 * 1024 * 1024
_LARGEST = 1 << 30
_ATTEMPTS = 3
_SILENCE = 120.0  # seconds without any answer after which a mirror is given up


class WebStore(Store):
    """``mirror.ports.Store`` over HTTP. Derived values are forgotten, which costs time and nothing else."""

    repacks = True

    def __init__(self, url: str, settings: MirrorSettings | None = None) -> None:
        """Ask nothing yet; ``settings`` say how to reach it (proxy, certificates, credentials)."""
        plain, secret = split_url(url)
        self._url = plain.rstrip("/")
        self._shown = shown(url).rstrip("/")  # in messages
        self._settings = settings or MirrorSettings(plain, ())
        if secret is not None:
            self._settings = self._settings._replace(credentials=Credentials([url]))
        self._transport: Transport | None = None
        self._head: WebIndex | None = None
        self._held: dict[str, bytes | None] = {}
        self._bundle: SnapshotStore | None = None
        self.requests = 0

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values there are. Raises ``StoreError`` where the mirror cannot be reached, ``Integrity``."""
        wanted = list(keys)
        absent = [key for key in wanted if key not in self._held and _fetched(key)]
        if absent:
            if self._bulk:
                self._ask_in_bulk([key for key in absent if VIEWS.owns(key)])
                self._ask_files({key: "" for key in absent if FILES.owns(key)})
            else:
                self._ask_ahead([key for key in absent if VIEWS.owns(key)])
                self._ask_each([key for key in absent if FILES.owns(key)])
        found = {}
        for key in wanted:
            value = self._held.get(key) if _fetched(key) else self._small(key)
            if value is not None:
                found[key] = value
        return found

    def prefetch_files(self, rows: Iterable[tuple[str, str]]) -> None:
        """Fetch in one go the files of (key of a file view, version): a later ``get_many`` finds them here."""
        wanted = {key: version for key, version in rows if key not in self._held}
        if self._bulk:
            self._ask_files(wanted)
        else:
            self._ask_each([key for key, version in wanted.items() if not self._hold_of_bundle(key, version)])

    # --- the mirror's index -------------------------------------------------------------------------------------------

    def _index(self) -> WebIndex:
        if self._head is None:
            (exchange,) = self._fetch([Request(f"{self._url}/index.json", limit=_LARGEST_INDEX)])
            try:
                head = read_web_index(exchange.body)
            except (ValueError, RecursionError) as error:
                raise StoreError(f"{self._shown} is no mirror: its index.json cannot be read: {error}") from error
            if head.schema != SCHEMA:
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
        """Return what the folder gives in one go, fetched when it is first wanted; None where it has no such thing."""
        digests = self._index().files
        if self._bundle is None and BUNDLE in digests:
            (exchange,) = self._fetch([Request(f"{self._url}/{BUNDLE}", limit=_LARGEST)])
            self._check(BUNDLE, exchange.body, digests)
            self._bundle = SnapshotStore(read_snapshot(exchange.body))
        return self._bundle

    def _hold_of_bundle(self, key: str, version: str) -> bool:
        """Hold the files of a release where the bundle has them; return whether it does."""
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
            raise Integrity(f"{self._shown}/{path}: its SHA-256 is not the one the mirror's index names")

    def _ask_ahead(self, keys: list[str]) -> None:
        """Fetch release views, and those that they lead to, a wave at a time: the resolve will ask for nearly all of them."""
        by_index: dict[str, list[str]] = {}
        for key in keys:
            index_id, name = split_key(key)
            by_index.setdefault(index_id, []).append(name)
        for index_id, names in by_index.items():

            def load(wave: list[str], index_id: str = index_id) -> dict[str, ReleaseView | Absence]:
                wanted = {view_key(index_id, name): name for name in wave}
                self._ask_each([key for key in wanted if key not in self._held])
                return {
                    name: checked(key, value)
                    for key, name in wanted.items()
                    if (value := self._held.get(key)) is not None
                }

            dependency_closure(names, load)

    def _ask_each(self, keys: list[str]) -> None:
        digests = self._index().files
        bundle = self._bundled()
        if bundle is not None:  # of files it has the chosen alone: ``_hold_of_bundle``
            self._held |= bundle.get_many([key for key in keys if VIEWS.owns(key)])
            keys = [key for key in keys if key not in self._held]
        paths = {key: f"{key}.json" if VIEWS.owns(key) else f"{key}.ppf" for key in keys}
        there = [key for key in keys if paths[key] in digests]
        self._held.update(dict.fromkeys(keys))
        answers = self._fetch([Request(f"{self._url}/{paths[key]}", limit=_LARGEST) for key in there])
        for key, exchange in zip(there, answers, strict=True):
            self._check(paths[key], exchange.body, digests)
            self._held[key] = exchange.body

    # --- a server -----------------------------------------------------------------------------------------------------

    def _ask_in_bulk(self, keys: list[str]) -> None:
        """Fetch release views, and with them those that they can lead to."""
        self._held.update(dict.fromkeys(keys))
        by_index: dict[str, list[str]] = {}
        for key in keys:
            index_id, name = split_key(key)
            by_index.setdefault(index_id, []).append(name)
        urls = [
            f"{self._url}/records?reach=1&index={index_id}&names={','.join(chunk)}"
            for index_id, names in by_index.items()
            for chunk in name_chunks(names)
        ]
        for store in self._snapshots(urls):
            self._held |= store.get_many([key for key in store.snapshot.views if self._held.get(key) is None])

    def _ask_files(self, wanted: Mapping[str, str]) -> None:
        """Fetch files: of the release named, or of all where none is."""
        by_index: dict[str, list[str]] = {}
        for key, version in wanted.items():
            index_id, name = split_key(view_key_of(key))
            by_index.setdefault(index_id, []).append(f"{name}:{version.replace('+', '%2B')}" if version else name)
        self._held.update(dict.fromkeys(wanted))
        urls = [
            f"{self._url}/records?files=1&index={index_id}&names={','.join(chunk)}"
            for index_id, names in by_index.items()
            for chunk in name_chunks(names)
        ]
        for store in self._snapshots(urls):
            for key in store.snapshot.blocks:
                packed = store.snapshot.file_view(key)
                view = self._held.get(key)
                if packed is not None and view is not None:
                    self._held["f" + key[1:]] = with_digest(packed, _digest(view))

    def _snapshots(self, urls: list[str]) -> Iterator[SnapshotStore]:
        for exchange in self._fetch([Request(url, limit=_LARGEST) for url in urls]):
            try:
                yield SnapshotStore(read_snapshot(exchange.body))
            except Integrity as error:
                raise Integrity(f"{self._shown}: {error}") from error

    # --- requests -----------------------------------------------------------------------------------------------------

    def _fetch(self, requests: list[Request]) -> list[Exchange]:
        """Return the answers, in order; a request that fails is tried again. Raises ``StoreError``."""
        if self._transport is None:
            from mirror.http.transports import make_transport  # an HTTP stack, not before something is asked

            self._transport = make_transport(self._settings._replace(workers=self._settings.workers or 16), self)
        answers: list[Exchange | None] = [None] * len(requests)
        done: SimpleQueue[tuple[int, Exchange]] = SimpleQueue()

        def submit(at: int) -> None:
            self.requests += 1
            self._transport.submit(requests[at], lambda exchange: done.put((at, exchange)))  # type: ignore[union-attr]  # it is open

        attempts = [1] * len(requests)
        for at in range(len(requests)):
            submit(at)
        for _ in range(len(requests) * _ATTEMPTS):
            if all(answer is not None for answer in answers):
                break
            try:
                at, exchange = done.get(timeout=_SILENCE)
            except Empty:
                raise StoreError(f"the mirror at {self._shown} does not answer") from None
            if exchange.status == 200 and exchange.problem is None:
                answers[at] = exchange
            elif attempts[at] < _ATTEMPTS and (exchange.status == 0 or exchange.status >= 500):
                attempts[at] += 1
                submit(at)
            else:
                reason = exchange.problem or f"it answered {exchange.status}"
                raise Unreachable(f"the mirror at {self._shown} cannot be used: {reason}")
        return [answer for answer in answers if answer is not None]

    # --- the rest of a store ------------------------------------------------------------------------------------------

    def put_many(self, items: Mapping[str, bytes]) -> None:
        """Keep nothing."""

    def update(self, changes: Mapping[str, Callable[[bytes | None], bytes | None]]) -> None:
        """Keep nothing."""

    def delete_many(self, keys: Iterable[str]) -> int:  # noqa: ARG002 - the port's signature
        """Delete nothing."""
        return 0

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, 0) sorted by key: sizes are not known without fetching."""
        head = self._index()
        keys = [path.rpartition(".")[0] for path in head.files if _fetched(path)]
        keys += [facts_key(index) for index in head.facts] + [address_key(index) for index in head.indexes]
        for key in sorted(keys):
            if key.startswith(prefix):
                yield key, 0

    def close(self) -> None:
        """Drop the connections; safe to call twice."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None


def _fetched(key: str) -> bool:
    """Return whether a record is asked for by itself; the small ones are in the index."""
    return VIEWS.owns(key) or FILES.owns(key)


def _digest(view: bytes) -> str:
    """Return the name by which a release view calls its files."""
    try:
        digest = str(json.loads(view)["digest"])
        return digest if len(bytes.fromhex(digest)) == 16 else "00" * 16
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed("a release view without a digest") from error
