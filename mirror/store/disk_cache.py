"""The writing part of the embedded store: diskcache without pickle. A run that writes nothing does not load it.

The only module that imports diskcache. diskcache 5.6.3 unpickles the values that it reads (CVE-2025-69872). So ``_PlainDisk``
replaces the part that converts values to rows: only bytes are written and read, and any other row is refused unread. Every value
is inside SQLite (no side files), so that a transaction covers it and a killed process leaves no partial value.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import diskcache

from mirror.errors import StoreError
from mirror.store.proof import PATIENCE, PLAIN_MODE, plain_key, plain_value

_NEVER_A_FILE = 1 << 40  # bytes: larger than any value, so diskcache keeps all of them in its table


class _PlainDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache ships no types
    """Keys are str and values are bytes; any other type is refused."""

    def put(self, key: object) -> tuple[str, bool]:
        if not isinstance(key, str):
            raise StoreError(f"a mirror key is text, not {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: bool) -> str:  # noqa: FBT001 - diskcache's signature
        return plain_key(key, raw)

    def store(self, value: object, read: bool, key: object = None) -> tuple[int, int, None, sqlite3.Binary]:  # noqa: ARG002, FBT001 - diskcache's signature
        if not isinstance(value, bytes):
            raise StoreError(f"a mirror value is bytes, not {type(value).__name__}")
        return 0, PLAIN_MODE, None, sqlite3.Binary(value)

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> bytes:  # noqa: ARG002, FBT001 - diskcache's signature
        return plain_value(mode, filename, value)


def open_cache(folder: str) -> Any:
    """Open or create the database of a folder. May raise any exception of SQLite and diskcache."""
    return diskcache.Cache(
        folder,
        timeout=PATIENCE,
        disk=_PlainDisk,
        disk_min_file_size=_NEVER_A_FILE,
        eviction_policy="none",
        cull_limit=0,
        size_limit=_NEVER_A_FILE,
    )
