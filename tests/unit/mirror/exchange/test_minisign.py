"""Signatures of minisign: those that minisign 0.11 made are accepted, and nothing else is."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import pytest

from mirror.errors import Integrity, StoreError
from mirror.exchange.published_cache import PublishedCache
from mirror.exchange.published_index import INDEX, SIGNATURE
from mirror.exchange.published_source import Part, Source

pytest.importorskip("cryptography", reason="the extra [signing] is not installed")

from mirror.exchange.minisign import PublicKey, SecretKey
from mirror.exchange.signed_source import SignedSource
from tests.support.minisign_keys import KEY, OTHER_PUBLIC, PUBLIC

# Made with minisign 0.11: `minisign -G`, `minisign -S`, and `minisign -S -l`, which signs the file itself, not its hash.
ENCRYPTED = (
    "untrusted comment: minisign encrypted secret key\n"
    "RWRTY0IygkDEky6UlKl36Q1gGLaRBU/tBGKe5+L7ZxdjD3iydWIAAAACAAAAAAAAAEAAAAAARR8DSYSu59evpkrZlf+q0qBS2lA6FagjdhChT6acxgOGakefPKoE"
    "txWnCQhQFkgYeiWs7GtEjDZE7LQ4Z92+eJYUZp5OowwoFsUaE/ZOaAkuLCt8I7SPN+kTlbYcxmQs43/xZRK9Eh8=\n"
)
DATA = b"the signed file\n"
HASHED = b"""untrusted comment: signature from minisign secret key
RUQW+EB1vf5auBg8nT2d1yAXACrhQ4KPpzhLwsiDNZzweeifSepNnDmJBZxzuVBUN0YFQT0Eys4PA2o29H/8JB9KfD6V0hrtXAE=
trusted comment: timestamp:1764400000\tfile:f\thashed
2XOy8r74Wtth7yyQ41RTrLn0jfpZE95goL45mKsFVzoAycLtS1Z9X1r4RYF1JxZfuVuHZOH3GFiRRC4PX2ytDA==
"""
PLAIN = b"""untrusted comment: signature from minisign secret key
RWQW+EB1vf5auMwqfOCmGnHaWb4HqcVDksTV7PX5gI7mju+y4PprBMPUnJa4tM3ae2F+CaRFYXjayI2nX5H56nzS99p8PviDrAk=
trusted comment: timestamp:1764400000\tfile:g
77SQl1TSmCHMzyGkhTTT/Ux1vu4bSfqpOevEynp+k+EqaXyWS4EAEvRwBMUrLoo4Rp8/eZoAFaesSzKnZ0ISBg==
"""


@pytest.mark.parametrize("signature", [HASHED, PLAIN])
def test_signatures_of_minisign_are_accepted(signature: bytes) -> None:
    """Of both forms; the trusted comment is returned."""
    assert PublicKey.parse(PUBLIC).verify(DATA, signature).startswith("timestamp:1764400000\tfile:")


def test_a_signature_is_that_of_minisign() -> None:
    """Ed25519 signs the same bytes the same way each time, so the signature of the same file is the same."""
    made = SecretKey.parse(KEY, "key").sign(DATA, "timestamp:1764400000\tfile:f\thashed")

    assert made.splitlines()[1:] == HASHED.splitlines()[1:]


@pytest.mark.parametrize(
    ("data", "signature"),
    [
        (DATA + b" ", HASHED),
        (DATA, HASHED.replace(b"1764400000", b"1764499999")),
        (DATA, HASHED.replace(b"RUQW+EB1vf5auBg8", b"RUQW+EB1vf5auBg9")),
        (DATA, HASHED.replace(b"RUQW", b"RWQW")),
        (DATA, b"\n".join([*HASHED.splitlines()[:3], PLAIN.splitlines()[3]])),
        (DATA, HASHED.replace(b"RUQW+EB1", b"RUQW+EB2")),
        (DATA, b"\n".join(HASHED.splitlines()[:2])),
        (DATA, HASHED.replace(b"trusted comment: timestamp", b"timestamp")),
        (DATA, b""),
        (DATA, b"\xff" * 100),
        (DATA, "untrusted\nRUQ\nträsted\nä".encode()),
    ],
)
def test_what_was_changed_is_refused(data: bytes, signature: bytes) -> None:
    """The file, the time, each part of the signature, another key, and what is no signature."""
    with pytest.raises(ValueError, match=r"it|changed|utf-8"):
        PublicKey.parse(PUBLIC).verify(data, signature)


def test_another_key_is_refused() -> None:
    """Though the signature is right."""
    with pytest.raises(ValueError, match="another key"):
        PublicKey.parse(OTHER_PUBLIC).verify(DATA, HASHED)


@pytest.mark.parametrize("text", ["", "RWQ", PUBLIC[:-4], "untrusted comment: minisign public key", "ä" * 56, KEY])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    """The message says where the key stands."""
    with pytest.raises(StoreError, match="second line of"):
        PublicKey.parse(text)


def test_a_secret_key_with_a_password_is_refused() -> None:
    """The message says how to make one without."""
    with pytest.raises(StoreError, match="minisign -G -W"):
        SecretKey.parse(ENCRYPTED, "my.key")


def test_a_damaged_secret_key_is_refused() -> None:
    """Its seed belongs to another public key."""
    data = bytearray(base64.b64decode(KEY.splitlines()[1]))
    data[70] ^= 1

    with pytest.raises(StoreError, match=r"my\.key is damaged"):
        SecretKey.parse(base64.b64encode(data).decode(), "my.key")


@pytest.mark.parametrize("text", ["", PUBLIC, "x\ny\n", KEY[:100]])
def test_what_is_no_secret_key_is_refused(text: str) -> None:
    """The message names the file and how to make one."""
    with pytest.raises(StoreError, match=r"my\.key is not a secret key of minisign.*minisign -G -W"):
        SecretKey.parse(text, "my.key")


class States(Source):
    """A mirror that is in another state each time it is read; the last state stays."""

    label = "mirror"

    def __init__(self, *states: dict[str, bytes]) -> None:
        """Take the content of each file in each state."""
        self._states = list(states)
        self.closed = False

    def fetch(self, parts: Sequence[Part]) -> list[bytes | None]:
        """Return the files of the present state."""
        state = self._states[0] if len(self._states) == 1 else self._states.pop(0)
        return [state.get(part.path) for part in parts]

    def close(self) -> None:
        """Take note."""
        self.closed = True


def state(data: bytes, moment: int, *, signed: bytes | None = None) -> dict[str, bytes]:
    """Return an index with its signature, or that of other bytes."""
    signature = SecretKey.parse(KEY, "key").sign(data if signed is None else signed, f"timestamp:{moment}\tfile:x")
    return {INDEX: data, INDEX + SIGNATURE: signature, "packs/x.pack": b"pack"}


def test_an_index_that_is_being_written_is_read_once_more(tmp_path: Path) -> None:
    """It is there and its signature is not yet: both are read again. What is named by a digest needs no signature."""
    half, whole = state(b"new", 5, signed=b"old"), state(b"new", 5)
    source = States(half, whole)
    signed = SignedSource(source, PUBLIC, PublishedCache(str(tmp_path), "mirror"))

    assert signed.fetch([Part(INDEX), Part("packs/x.pack", 0, 4)]) == [b"new", b"pack"]
    with pytest.raises(Integrity, match="was changed"):
        SignedSource(States(half, half), PUBLIC, PublishedCache("", "")).fetch([Part(INDEX)])
    signed.close()
    assert source.closed


def test_what_is_used_sets_how_old_the_next_may_be(tmp_path: Path) -> None:
    """What was only read does not; a file that does not exist needs no signature; a cache without a folder knows nothing."""
    cache = PublishedCache(str(tmp_path), "mirror")
    SignedSource(States(state(b"read", 9)), PUBLIC, cache).fetch([Part(INDEX)])
    used = SignedSource(States(state(b"used", 7)), PUBLIC, cache)
    assert used.fetch([Part(INDEX), Part("delta.zst")]) == [b"used", None]
    used.accept()

    assert cache.published() == 7
    assert SignedSource(States(state(b"same", 7)), PUBLIC, cache).fetch([Part(INDEX)]) == [b"same"]
    older = States(state(b"older", 6))
    with pytest.raises(Integrity, match="published before"):
        SignedSource(older, PUBLIC, cache).fetch([Part(INDEX)])
    assert SignedSource(older, PUBLIC, PublishedCache("", "")).fetch([Part(INDEX)]) == [b"older"]
