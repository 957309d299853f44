"""What a row of the embedded store must be: text for a key, bytes for a value. Any other row is refused unread."""

from __future__ import annotations

PATIENCE = 60  # seconds to wait for another process's transaction
PLAIN_MODE = 1  # diskcache's mark of a plain value; every other mode is refused


class ForeignRowError(Exception):
    """A row that this program did not write. No ``OSError``, which diskcache would take for a value that is gone."""


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
