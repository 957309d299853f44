"""Signatures of minisign (https://jedisct1.github.io/minisign/). Ed25519 is that of the package cryptography: only named here."""

from __future__ import annotations

import base64
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mirror.equality import NamedTuple
from mirror.errors import StoreError

_KEY, _HASHED = b"Ed", b"ED"  # of keys and signatures of an older form; of signatures of the BLAKE2b of a file
_COMMENT = "trusted comment: "
_NO_PASSWORD = b"\0\0"  # where an encrypted key names scrypt


class PublicKey(NamedTuple):
    """A public key of minisign."""

    number: bytes
    key: bytes

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Read a key as minisign prints it, one word. Raises ``StoreError``."""
        data = _decoded(text)
        if len(data) != 42 or data[:2] != _KEY:
            raise StoreError(f"{text[:80]!r} is not a public key of minisign: give the second line of minisign.pub")
        return cls(data[2:10], data[10:])

    def verify(self, data: bytes, signature: bytes) -> str:
        """Verify a signature file of some bytes, and return its trusted comment. Raises ``ValueError``."""
        lines = signature.decode("utf-8").splitlines()
        if len(lines) < 4 or not lines[2].startswith(_COMMENT):
            raise ValueError("it is not a signature of minisign")
        row, whole = _decoded(lines[1]), _decoded(lines[3])
        if len(row) != 74 or row[:2] not in {_KEY, _HASHED}:
            raise ValueError("it is not a signature of minisign")
        if row[2:10] != self.number:
            raise ValueError("it was made with another key")
        comment = lines[2].removeprefix(_COMMENT)
        public = Ed25519PublicKey.from_public_bytes(self.key)
        try:
            public.verify(row[10:], _hashed(data) if row[:2] == _HASHED else data)
            public.verify(whole, row[10:] + comment.encode())
        except InvalidSignature:
            raise ValueError("the file, or the signature, was changed") from None
        return comment


class SecretKey(NamedTuple):
    """A secret key of minisign without a password."""

    number: bytes
    seed: bytes

    @classmethod
    def parse(cls, text: str, name: str) -> SecretKey:
        """Read the content of a key file; ``name`` is for messages. Raises ``StoreError``."""
        data = _decoded((text.splitlines() or [""])[-1])
        if len(data) != 158 or data[:2] != _KEY:
            raise StoreError(f"{name} is not a secret key of minisign: make one with `minisign -G -W -s {name}`")
        if data[2:4] != _NO_PASSWORD:
            raise StoreError(
                f"{name} is encrypted, and no password can be asked for here: make a key without one with `minisign -G -W`,"
                f" or remove the password with `minisign -C -W -s {name}`"
            )
        seed, public = data[62:94], data[94:126]
        # Not by its checksum: minisign leaves that of such a key out.
        derived = Ed25519PrivateKey.from_private_bytes(seed).public_key()
        if derived.public_bytes_raw() != public:
            raise StoreError(f"{name} is damaged: its two halves do not belong together")
        return cls(data[54:62], seed)

    def sign(self, data: bytes, comment: str) -> bytes:
        """Return a signature file of some bytes, with a trusted comment of one line."""
        secret = Ed25519PrivateKey.from_private_bytes(self.seed)
        signature = secret.sign(_hashed(data))
        whole = secret.sign(signature + comment.encode())
        row = base64.b64encode(_HASHED + self.number + signature).decode()
        head = "untrusted comment: signature of a published mirror"
        return f"{head}\n{row}\n{_COMMENT}{comment}\n{base64.b64encode(whole).decode()}\n".encode()


def _hashed(data: bytes) -> bytes:
    return hashlib.blake2b(data).digest()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError:
        return b""
