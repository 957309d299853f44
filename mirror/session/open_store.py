"""Opens the store of a location: a folder, a snapshot file, a Redis server, or a mirror on the web or in an object store."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mirror.errors import StoreError
from mirror.urls import shown

if TYPE_CHECKING:
    from types import ModuleType

    from mirror.exchange.publish_target import PublishTarget
    from mirror.ports import Store
    from mirror.settings import MirrorSettings

_REDIS = tuple(
    f"{scheme}://"
    for scheme in ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")
)
_WEB = ("http://", "https://")
_OBJECTS = ("s3://", "gs://", "az://")  # mirrors that are published in an object store
_KEY = "#minisign="  # after the URL of a published mirror: the public key that must have signed it
_SNAPSHOT = ".snap"  # suffix of exported mirrors
_DATABASE = "cache.db"  # the file name that diskcache uses


def is_fixed(location: str) -> bool:
    """Return whether a mirror cannot be written: a snapshot, a read-only folder, or a mirror on the web."""
    location = _spelled(location)
    if location.startswith((*_WEB, *_OBJECTS, *_REDIS)):
        return not location.startswith(_REDIS)
    return os.path.isfile(location) or _names_snapshot(location) or _is_read_only(location)


def is_new(location: str) -> bool:
    """Return whether a mirror does not exist yet: a folder in which nothing is stored."""
    location = _spelled(location)
    return "://" not in location and not os.path.isfile(location) and not os.path.exists(f"{location}/{_DATABASE}")


def is_shared(location: str) -> bool:
    """Return whether a mirror is in Redis."""
    return _spelled(location).startswith(_REDIS)


def refuse_fixed(location: str) -> None:
    """Raise ``StoreError`` if a mirror cannot be written."""
    if is_fixed(location):
        raise StoreError(
            f"the mirror {shown(location)} can only be read; name a folder or a Redis server with --mirror"
        )


def open_store(location: str, settings: MirrorSettings | None = None, *, patience: float | None = None) -> Store:
    """Open the store of a mirror. Raises ``StoreError`` if it cannot be used, ``Integrity`` if its digest or signature is wrong.

    ``patience`` is for how many seconds a Redis server may be away before an operation fails; None for the default.
    """
    location = _spelled(location)
    if _KEY in location and not location.startswith((*_WEB, *_OBJECTS)):
        raise StoreError(f"{shown(location)}: only a mirror at an http:, https:, s3:, gs: or az: URL can be signed")
    if location.startswith(_REDIS):
        try:
            from mirror.store.redis import RedisStore
        except ImportError as error:
            raise StoreError("a mirror in Redis needs the extra: pip install 'pipx-parallel[redis]'") from error
        return RedisStore(location) if patience is None else RedisStore(location, patience=patience)
    if location.startswith((*_WEB, *_OBJECTS)):
        from mirror.exchange.web_store import WebStore

        is_web = location.startswith(_WEB)
        url, key = _url_and_key(location)
        return WebStore(url, settings, None if is_web else _objects().ObjectSource(url), key)
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


def open_target(location: str) -> PublishTarget:
    """Return where a mirror is published: a folder, or an object store. Raises ``StoreError`` if it cannot be used."""
    location = _spelled(location)
    if location.startswith(_OBJECTS):
        target: PublishTarget = _objects().ObjectTarget(location)
        return target
    from mirror.exchange.publish_target import FolderTarget

    if location.startswith("file://"):
        from mirror.urls import path_of

        return FolderTarget(path_of(location))
    if "://" in location:
        raise StoreError(f"{shown(location)}: a mirror is published into a folder, or to a file:, s3:, gs: or az: URL")
    return FolderTarget(location)


def _objects() -> ModuleType:
    try:
        from mirror.exchange import object_store
    except ImportError as error:
        raise StoreError("an object store needs the extra: pip install 'pipx-parallel[object-store]'") from error
    return object_store


def _url_and_key(location: str) -> tuple[str, str]:
    """Return the URL of a published mirror, and the key after it; empty if there is none. Raises ``StoreError``."""
    url, mark, fragment = location.partition("#")
    key = fragment.removeprefix(_KEY[1:])
    if mark and (key == fragment or not key):
        raise StoreError(f"{shown(location)}: after # must be minisign=KEY, the key that has signed the mirror")
    if "%" in key:
        from urllib.parse import unquote  # few keys are quoted

        key = unquote(key)
    return url, key


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
