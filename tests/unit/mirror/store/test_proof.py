"""Checksums of stored values."""

from __future__ import annotations

import pytest

from mirror.store.proof import seal, size_of, unseal

KEY = "i/0123456789ab"


def test_a_sealed_value_is_read_back() -> None:
    """Under the same key; a record with its own checksum is stored as it is."""
    assert unseal(KEY, seal(KEY, b"value")) == b"value"
    assert size_of(KEY, len(seal(KEY, b"value"))) == 5
    assert seal("f/x/a", b"value") == b"value"
    assert unseal(KEY, None) is None


@pytest.mark.parametrize("offset", range(13))
def test_a_record_with_another_byte_is_absent(offset: int) -> None:
    """Wherever the byte is, also in the checksum."""
    stored = seal(KEY, b"value")

    assert unseal(KEY, stored[:offset] + bytes([stored[offset] ^ 4]) + stored[offset + 1 :]) is None


def test_a_record_under_another_key_is_absent() -> None:
    """The checksum covers the key too."""
    assert unseal("i/other", seal(KEY, b"value")) is None
    assert unseal(KEY, b"") is None
