"""A store as a policy lets it be seen: release views and file views hold only what is admitted. Read-only.

Of a release whose files are not held, nothing is known that could admit it: it is left out, and so is a project without files.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import Malformed
from mirror.exchange.record_iterator import addresses, named_view
from mirror.keys import FILES, TEXTS, VIEWS, files_key_of, view_key_of
from mirror.policy.page_filter import ListedRelease
from mirror.ports import Store
from mirror.records.file_view import digest_of, pack, read_all
from mirror.records.listing_views import build_views, classify
from mirror.records.metadata_texts import pack_texts, unpack_texts
from mirror.records.release_view import Absence, ReleaseView, encode
from mirror.records.simple_parse import parse_listing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mirror.policy.page_filter import Filtered, PageFilter

_MOST = 2000  # projects kept filtered


class _Records(NamedTuple):
    """The filtered records of a project, what they were made of, and until when they hold."""

    source: tuple[bytes, bytes]  # the beginning of the release view (its digest), and the digest of the file view
    until: float
    view: bytes
    files: bytes
    names: frozenset[str]  # of the files that are admitted


class PolicyStore(Store):
    """``mirror.ports.Store`` that shows what a policy admits of another store, and writes nothing."""

    def __init__(self, store: Store, page_filter: PageFilter, clock: Callable[[], float]) -> None:
        """Lend a store; ``clock`` gives epoch seconds."""
        self._store = store
        self._filter = page_filter
        self._clock = clock
        self._known: dict[str, _Records] = {}
        self._until = float("inf")
        self._turns = 0
        self._urls: dict[str, str] | None = None

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values there are, filtered."""
        wanted = list(keys)
        values = self._store.get_many(wanted)
        for key in wanted:
            if key not in values:
                continue
            if VIEWS.owns(key):
                values[key] = self._filtered(key, values[key]).view
            elif FILES.owns(key) or TEXTS.owns(key):
                view_key = view_key_of(key) if FILES.owns(key) else VIEWS.key(TEXTS.name(key))
                view = self._store.get_many((view_key,)).get(view_key)
                records = None if view is None else self._filtered(view_key, view)
                if records is None or not records.files:
                    del values[key]
                else:
                    values[key] = records.files if FILES.owns(key) else _texts(values[key], records.names)
        return values

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size before filtering) sorted by key."""
        return self._store.scan(prefix)

    def version(self) -> object | None:
        """Return what differs once anything stored, or a decision, has changed."""
        if self._clock() >= self._until:
            self._turns, self._until = self._turns + 1, float("inf")
            self._known.clear()
        version = self._store.version()
        return None if version is None else (version, self._turns)

    def close(self) -> None:
        """Leave the store open."""

    def _filtered(self, key: str, stored: bytes) -> _Records:
        files_key = files_key_of(key)
        packed = self._store.get_many((files_key,)).get(files_key, b"")
        source = (stored[:24], packed[:36])
        cached = self._known.get(key)
        if cached is not None and cached.source == source and self._clock() < cached.until:
            return cached
        records = self._made(key, stored, packed, source)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = records
        self._until = min(self._until, records.until)
        return records

    def _made(self, key: str, stored: bytes, packed: bytes, source: tuple[bytes, bytes]) -> _Records:
        view = named_view(stored, key)
        if isinstance(view, Absence):
            return _Records(source, float("inf"), stored, b"", frozenset())
        url = self._url(key)
        releases = _releases(view, packed, url)
        filtered = self._filter.decide(view, releases, self._clock())
        new, files = _filtered_views(view, releases, filtered, url)
        names = frozenset(name for name, decision in filtered.decisions.items() if decision.admitted)
        return _Records(source, filtered.until, encode(new), files if names else b"", names)

    def _url(self, key: str) -> str:
        if self._urls is None:
            self._urls = addresses(self._store)
        return self._urls.get(VIEWS.name(key).partition("/")[0], "")


def _releases(view: ReleaseView, packed: bytes, url: str) -> list[ListedRelease]:
    """Return the releases whose files are held; none if the file view is damaged or of another listing."""
    try:
        if not packed or digest_of(packed) != view.digest:
            return []
        slices = read_all(packed)
    except Malformed:
        return []
    rows = zip(view.versions, slices, strict=True)
    return [ListedRelease(version, url, json.loads(b"[" + piece + b"]")) for version, piece in rows if piece]


def _filtered_views(
    view: ReleaseView, releases: list[ListedRelease], filtered: Filtered, url: str
) -> tuple[ReleaseView, bytes]:
    """Return the release view and file view of the files that are admitted, with what is known of dependencies."""
    entries = [entry for release in releases for entry in release.entries if filtered.admits(entry["filename"])]
    page_url = view.page_url or f"{url}/{view.name}/"
    listing = parse_listing(json.dumps({"files": entries}, separators=(",", ":")).encode(), None, page_url)
    new, positions = build_views(listing, view.name, view.freshness)
    classify(new, 0, [[listing.files[position] for position in row] for row in positions[: new.classified]])
    packed = pack([[bytes(listing.raws[position]) for position in row] for row in positions])
    new.digest = digest_of(packed)
    new.status, new.status_reason = view.status, view.status_reason
    new.page_url, new.withdrawn, new.skipped = view.page_url, view.withdrawn, view.skipped
    new.absorb(view)
    return new, packed


def _texts(record: bytes, names: frozenset[str]) -> bytes:
    """Return METADATA of admitted files alone."""
    return pack_texts({name: text for name, text in unpack_texts(record).items() if name in names})
