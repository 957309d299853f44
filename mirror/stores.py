"""Where a mirror is, from how it is called: a folder, a snapshot file, a Redis server, or a mirror on the web."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mirror.errors import StoreError

if TYPE_CHECKING:
    from mirror.ports import Store
    from mirror.settings import MirrorSettings

_REDIS = ("redis://", "rediss://", "unix://")
_WEB = ("http://", "https://")
_DATABASE = "cache.db"  # what diskcache calls its file


def is_fixed(location: str) -> bool:
    """Return whether a mirror answers only from what it holds: a snapshot, or one that somebody else keeps."""
    return location.startswith(_WEB) or (not location.startswith(_REDIS) and os.path.isfile(location))


def open_store(location: str, settings: MirrorSettings | None = None) -> Store:
    """Open the store of a mirror. Raises ``StoreError`` where it cannot be used, ``Integrity`` where it may not be trusted."""
    if location.startswith(_REDIS):
        try:
            from mirror.redis_store import RedisStore
        except ImportError as error:
            raise StoreError("a mirror in Redis needs the extra: pip install 'pipx-parallel[redis]'") from error
        return RedisStore(location)
    if location.startswith(_WEB):
        from mirror.web_store import WebStore

        return WebStore(location, settings)
    if os.path.isfile(location):  # pathlib costs 9 ms to load
        from mirror.snapshot_store import SnapshotStore, load_snapshot

        return SnapshotStore(load_snapshot(location))
    if not os.path.exists(os.path.join(location, _DATABASE)):
        from mirror.new_store import NewStore

        return NewStore(location)
    from mirror.disk_store import DiskStore

    return DiskStore(location)
