"""Where a mirror is, from how it is called: a folder, a snapshot file, a Redis server, or a mirror on the web."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mirror.errors import StoreError
from mirror.urls import shown

if TYPE_CHECKING:
    from mirror.ports import Store
    from mirror.settings import MirrorSettings

_REDIS = ("redis://", "rediss://", "unix://")
_WEB = ("http://", "https://")
_SNAPSHOT = ".snap"  # how exported mirrors are called
_DATABASE = "cache.db"  # what diskcache calls its file


def is_fixed(location: str) -> bool:
    """Return whether a mirror answers only from what it holds: a snapshot, a folder that is read-only, or another's."""
    location = _spelled(location)
    if location.startswith((*_WEB, *_REDIS)):
        return location.startswith(_WEB)
    return os.path.isfile(location) or _names_snapshot(location) or _is_read_only(location)


def refuse_fixed(location: str) -> None:
    """Raise ``StoreError`` where a mirror is to be changed that cannot be."""
    if is_fixed(location):
        raise StoreError(
            f"the mirror {shown(location)} can only be read; name a folder or a Redis server with --mirror"
        )


def open_store(location: str, settings: MirrorSettings | None = None) -> Store:
    """Open the store of a mirror. Raises ``StoreError`` where it cannot be used, ``Integrity`` where it may not be trusted."""
    location = _spelled(location)
    if location.startswith(_REDIS):
        try:
            from mirror.store.redis import RedisStore
        except ImportError as error:
            raise StoreError("a mirror in Redis needs the extra: pip install 'pipx-parallel[redis]'") from error
        return RedisStore(location)
    if location.startswith(_WEB):
        from mirror.exchange.web_store import WebStore

        return WebStore(location, settings)
    if os.path.isfile(location):  # pathlib costs 9 ms to load
        from mirror.exchange.snapshot_store import SnapshotStore, load_snapshot

        return SnapshotStore(load_snapshot(location))
    if _names_snapshot(location):
        raise StoreError(f"there is no snapshot {location}; a folder of this name is not made: check the path")
    if _is_read_only(location):
        from mirror.store.read_only import ReadOnlyStore

        return ReadOnlyStore(location)
    if not os.path.exists(os.path.join(location, _DATABASE)):
        from mirror.store.new import NewStore

        return NewStore(location)
    from mirror.store.disk import DiskStore

    return DiskStore(location)


def _names_snapshot(location: str) -> bool:
    """Return whether a location is called as snapshots are and is no folder: a new mirror there would be a mistake."""
    return location.lower().endswith(_SNAPSHOT) and not os.path.isdir(location)


def _spelled(location: str) -> str:
    """Return a location with its scheme in lower case (RFC 3986: schemes are the same in either)."""
    scheme, mark, rest = location.partition("://")
    return f"{scheme.lower()}{mark}{rest}" if mark else location


def _is_read_only(folder: str) -> bool:
    """Return whether a folder holds a mirror that this process may read and not write."""
    path = os.path.join(folder, _DATABASE)
    return os.path.exists(path) and not (os.access(path, os.W_OK) and os.access(folder, os.W_OK))
