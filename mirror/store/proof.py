"""Checksums of stored values, and the form of SQLite rows.

A release view and METADATA texts begin with their digest, and a file view has a checksum for each block, so they need no other.
Every other record gets a checksum of its key and value here. A record whose checksum differs counts as absent, so it is fetched
or computed again. A row of the embedded store has a text key and a bytes value; any other row is refused unread.
"""

from __future__ import annotations

from hashlib import blake2b

from mirror.keys import FILES, TEXTS, VIEWS

_SUM = 8  # bytes
PATIENCE = 60  # seconds to wait for another process's transaction
PLAIN_MODE = 1  # diskcache's mode of a plain value; every other mode is refused


class ForeignRowError(Exception):
    """A row that this program did not write. Not an ``OSError``, which diskcache treats as a missing value."""


def seal(key: str, value: bytes) -> bytes:
    """Return the stored form of a value: with a checksum if it has none of its own."""
    return value if _has_own_checksum(key) else _sum(key, value) + value


def unseal(key: str, stored: bytes | None) -> bytes | None:
    """Return the value of a stored form; None if it is None, or if its checksum differs."""
    if stored is None or _has_own_checksum(key):
        return stored
    value = stored[_SUM:]
    return value if stored[:_SUM] == _sum(key, value) else None


def size_of(key: str, stored: int) -> int:
    """Return the size of a value, given the size of its stored form."""
    return stored if _has_own_checksum(key) else max(0, stored - _SUM)


def _has_own_checksum(key: str) -> bool:
    return VIEWS.owns(key) or FILES.owns(key) or TEXTS.owns(key)


def _sum(key: str, value: bytes) -> bytes:
    return blake2b(value, digest_size=_SUM, key=blake2b(key.encode(), digest_size=16).digest()).digest()


def plain_key(key: object, raw: object) -> str:
    """Return the key of a row. Raises ``ForeignRowError``."""
    if not raw or not isinstance(key, str):
        raise ForeignRowError("the mirror holds a key that this program did not write; run `mirror doctor --repair`")
    return key


def plain_value(mode: object, filename: object, value: object) -> bytes:
    """Return the value of a row. Raises ``ForeignRowError``."""
    if mode != PLAIN_MODE or filename is not None or not isinstance(value, bytes):
        raise ForeignRowError(
            "the mirror holds a value that is not plain bytes (pickled?): refused; run `mirror doctor --repair`"
        )
    return value
