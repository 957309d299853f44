"""Stored values that prove their bytes: a checksum before each record that has none of its own. And plain rows of SQLite only.

A release view and METADATA texts begin with their digest and a file view proves each block, so that a lock reads none of them
twice; every other record gets a checksum of its key and value here. A record whose bytes differ counts as absent: it is fetched or
computed again. A row of the embedded store is text for a key and bytes for a value; any other row is refused unread.
"""

from __future__ import annotations

from hashlib import blake2b

from mirror.keys import FILES, TEXTS, VIEWS

_SUM = 8  # bytes
PATIENCE = 60  # seconds to wait for another process's transaction
PLAIN_MODE = 1  # diskcache's mark of a plain value; every other mode is refused


class ForeignRowError(Exception):
    """A row that this program did not write. No ``OSError``, which diskcache would take for a value that is gone."""


def seal(key: str, value: bytes) -> bytes:
    """Return what is stored under a key."""
    return value if _proves_itself(key) else _sum(key, value) + value


def unseal(key: str, stored: bytes | None) -> bytes | None:
    """Return the value of what is stored under a key; None for nothing, and for bytes that are not those that were stored."""
    if stored is None or _proves_itself(key):
        return stored
    value = stored[_SUM:]
    return value if stored[:_SUM] == _sum(key, value) else None


def size_of(key: str, stored: int) -> int:
    """Return how long a value is, given how much is stored under its key."""
    return stored if _proves_itself(key) else max(0, stored - _SUM)


def _proves_itself(key: str) -> bool:
    return VIEWS.owns(key) or FILES.owns(key) or TEXTS.owns(key)


def _sum(key: str, value: bytes) -> bytes:
    return blake2b(value, digest_size=_SUM, key=blake2b(key.encode(), digest_size=16).digest()).digest()


def plain_key(key: object, raw: object) -> str:
    """Return the key of a row. Raises ``ForeignRowError``."""
    if not raw or not isinstance(key, str):
        raise ForeignRowError("the mirror holds a key that this program did not write; run `mirror doctor`")
    return key


def plain_value(mode: object, filename: object, value: object) -> bytes:
    """Return the value of a row. Raises ``ForeignRowError``."""
    if mode != PLAIN_MODE or filename is not None or not isinstance(value, bytes):
        raise ForeignRowError(
            "the mirror holds a value that is not plain bytes (pickled?): refused; run `mirror doctor`"
        )
    return value
