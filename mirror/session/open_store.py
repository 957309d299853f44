"""Opens the store of a location: a folder, a snapshot file, a Redis server, or a mirror on the web."""

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
_SNAPSHOT = ".snap"  # suffix of exported mirrors
_DATABASE = "cache.db"  # the file name that diskcache uses


def is_fixed(location: str) -> bool:
    """Return whether a mirror cannot be written: a snapshot, a read-only folder, or a mirror on the web."""
    location = _spelled(location)
    if location.startswith((*_WEB, *_REDIS)):
        return location.startswith(_WEB)
    return os.path.isfile(location) or _names_snapshot(location) or _is_read_only(location)


def refuse_fixed(location: str) -> None:
    """Raise ``StoreError`` if a mirror cannot be written."""
    if is_fixed(location):
        raise StoreError(
            f"the mirror {shown(location)} can only be read; name a folder or a Redis server with --mirror"
        )


def open_store(location: str, settings: MirrorSettings | None = None) -> Store:
    """Open the store of a mirror. Raises ``StoreError`` if it cannot be used, ``Integrity`` if its digest or signature is wrong."""
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
    """Return whether a location has the suffix of a snapshot and is no folder: no new mirror is created there."""
    return location.lower().endswith(_SNAPSHOT) and not os.path.isdir(location)


def _spelled(location: str) -> str:
    """Return a location with its scheme in lower case (RFC 3986: schemes are case-insensitive)."""
    scheme, mark, rest = location.partition("://")
    return f"{scheme.lower()}{mark}{rest}" if mark else location


def _is_read_only(folder: str) -> bool:
    """Return whether a folder has a mirror that this process can read but not write."""
    path = os.path.join(folder, _DATABASE)
    return os.path.exists(path) and not (os.access(path, os.W_OK) and os.access(folder, os.W_OK))
