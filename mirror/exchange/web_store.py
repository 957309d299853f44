"""A mirror at an address as a store: a published folder or a mirror server; its first answer tells which."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mirror.errors import NotInstalled
from mirror.exchange.published_cache import PublishedCache
from mirror.exchange.published_index import PublishedIndex
from mirror.exchange.published_source import Part, WebSource
from mirror.exchange.published_store import PublishedStore, read_index
from mirror.keys import ADVISORIES
from mirror.ports import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mirror.exchange.published_source import Source
    from mirror.exchange.server_store import ServerStore
    from mirror.settings import MirrorSettings


class WebStore(Store):
    """``mirror.ports.Store`` over HTTP or of an object store. Nothing is sent before the first read."""

    repacks = True
    discards = True

    def __init__(
        self, url: str, settings: MirrorSettings | None = None, source: Source | None = None, key: str = ""
    ) -> None:
        """Store the parts; nothing is sent yet.

        Args:
            url: The address of the mirror.
            settings: Proxy, certificates, credentials, and the folder for caches.
            source: Where its files are read from; None: from a web server.
            key: The public key that must have signed it; empty: signatures are not read.
        """
        source = source or WebSource(url, settings, self)
        self._cache = PublishedCache(settings.cache if settings is not None else "", source.label)
        self._source = _signed(source, key, self._cache) if key else source
        self._opened: PublishedStore | ServerStore | None = None

    def _store(self) -> PublishedStore | ServerStore:
        if self._opened is None:
            index = read_index(self._source, self._cache)
            self._source.accept()
            if isinstance(index, PublishedIndex):
                self._opened = PublishedStore(self._source, index, self._cache)
            else:
                from mirror.exchange.server_store import ServerStore  # with what reads snapshots

                self._opened = ServerStore(self._source, index)
        return self._opened

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the stored values.

        Raises:
            StoreError: The mirror cannot be reached.
            Integrity: A record does not match its digest.
        """
        wanted = list(keys)
        values = self._store().get_many([key for key in wanted if not ADVISORIES.owns(key)])
        return values | {
            key: self._advisories[key] for key in wanted if ADVISORIES.owns(key) and key in self._advisories
        }

    def decoded(self, key: str) -> object | None:
        """Return a view that was decoded to be verified, once: the caller owns it, and may change it."""
        return None if self._opened is None else self._opened.decoded(key)

    @cached_property
    def _advisories(self) -> dict[str, bytes]:
        """All advisories of the mirror, fetched on first use."""
        from mirror.exchange.advisory_set import PATH, unpack_advisories  # a lock does not need them

        path = PATH if isinstance(self._store(), PublishedStore) else "records?advisories=1"
        (body,) = self._source.fetch([Part(path)])
        return unpack_advisories(body or b"")

    def expect(self, extras: Mapping[str, tuple[str, ...]]) -> None:
        """Take note of the extras of projects that will be asked for."""
        self._store().expect(extras)

    def prefetch_files(self, rows: Iterable[tuple[str, str]]) -> None:
        """Fetch the files of each (key of a file view, version) in few requests, for a later ``get_many``."""
        self._store().prefetch_files(rows)

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size in bytes) sorted by key."""
        if prefix == ADVISORIES.prefix:
            return iter(sorted((key, len(record)) for key, record in self._advisories.items()))
        return self._store().scan(prefix)

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        (self._source if self._opened is None else self._opened).close()


def _signed(source: Source, key: str, cache: PublishedCache) -> Source:
    try:
        from mirror.exchange.signed_source import SignedSource  # behind an extra
    except ImportError as error:
        raise NotInstalled("a signed mirror needs the extra: pip install 'pipx-parallel[signing]'") from error
    return SignedSource(source, key, cache)
