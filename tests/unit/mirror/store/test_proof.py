"""Records that prove their bytes."""

from __future__ import annotations

import pytest

from mirror.store.proof import seal, size_of, unseal

KEY = "i/0123456789ab"


def test_what_was_sealed_is_read_again() -> None:
    """Under its own key; a record that proves itself is stored as it is."""
    assert unseal(KEY, seal(KEY, b"value")) == b"value"
    assert size_of(KEY, len(seal(KEY, b"value"))) == 5
    assert seal("f/x/a", b"value") == b"value"
    assert unseal(KEY, None) is None


@pytest.mark.parametrize("at", range(13))
def test_a_record_with_another_byte_is_absent(at: int) -> None:
    """Wherever it is, in the checksum as well."""
    stored = seal(KEY, b"value")

    assert unseal(KEY, stored[:at] + bytes([stored[at] ^ 4]) + stored[at + 1 :]) is None


def test_a_record_under_another_key_is_absent() -> None:
    """The checksum is of the key as well."""
    assert unseal("i/other", seal(KEY, b"value")) is None
    assert unseal(KEY, b"") is None
