"""A mirror at an address as a store: a published folder or a mirror server; its first answer tells which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.exchange.fixed_store import FixedStore
from mirror.exchange.published_cache import PublishedCache
from mirror.exchange.published_index import PublishedIndex
from mirror.exchange.published_source import WebSource
from mirror.exchange.published_store import PublishedStore, read_index
from mirror.exchange.server_store import ServerStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mirror.exchange.published_source import Source
    from mirror.settings import MirrorSettings


class WebStore(FixedStore):
    """``mirror.ports.Store`` over HTTP. Nothing is sent before the first read."""

    def __init__(self, url: str, settings: MirrorSettings | None = None) -> None:
        """Store the parts. ``settings`` has proxy, certificates, credentials and the folder for caches."""
        self._source: Source = WebSource(url, settings, self)
        self._cache = PublishedCache(settings.cache if settings is not None else "", self._source.label)
        self._opened: PublishedStore | ServerStore | None = None

    def _store(self) -> PublishedStore | ServerStore:
        if self._opened is None:
            index = read_index(self._source, self._cache)
            self._opened = (
                PublishedStore(self._source, index, self._cache)
                if isinstance(index, PublishedIndex)
                else ServerStore(self._source, index)
            )
        return self._opened

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the stored values.

        Raises:
            StoreError: The mirror cannot be reached.
            Integrity: A record does not match its digest.
        """
        return self._store().get_many(keys)

    def prefetch_files(self, rows: Iterable[tuple[str, str]]) -> None:
        """Fetch the files of each (key of a file view, version) in few requests, for a later ``get_many``."""
        self._store().prefetch_files(rows)

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size in bytes) sorted by key."""
        return self._store().scan(prefix)

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        (self._source if self._opened is None else self._opened).close()
