"""METADATA of a project's wheels, byte for byte: one record for each project, each distinct text stored once.

A server offers these bytes as sidecars (PEP 658). pip refuses a sidecar that differs from the wheel, so a text made from the
dependency sets cannot be used. The METADATA of successive releases is similar, so all texts of a project are compressed together:
3.8 kB per project for a lock of 171 packages, 4.4 kB for 791 releases of 173 projects (17 kB if compressed one by one).

Layout: magic ``PPM1``, digest (16 bytes, of all that follows), length before compression (8 bytes, little-endian), a Zstandard
frame. In it a line of JSON, ``{"files": {file name: number of its text}, "lengths": [bytes of each text]}``, then the texts.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from mirror.errors import Malformed
from mirror.records.compression import Packed, pack_block, unpack_block

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAGIC = b"PPM1"
_HEAD = len(_MAGIC) + 16
_LEVEL = 3  # level 9 saves 5 % and takes three times as long
_LARGEST = 256 * 1024 * 1024  # bytes of one project, unpacked; a record above it gets no more texts


def pack_texts(texts: Mapping[str, bytes]) -> bytes:
    """Return the stored form of METADATA by file name; the same mapping gives the same bytes."""
    distinct: dict[bytes, int] = {}
    files = {name: distinct.setdefault(texts[name], len(distinct)) for name in sorted(texts)}
    head = json.dumps({"files": files, "lengths": [len(text) for text in distinct]}, separators=(",", ":")).encode()
    sizes, packed = pack_block(b"".join([head, b"\n", *distinct]), _LEVEL)
    body = sizes.raw.to_bytes(8, "little") + packed
    return _MAGIC + _digest(body) + body


def unpack_texts(data: bytes) -> dict[str, bytes]:
    """Return METADATA by file name; raises ``Malformed`` if the data is not a result of ``pack_texts``."""
    body = data[_HEAD:]
    if data[: len(_MAGIC)] != _MAGIC or data[len(_MAGIC) : _HEAD] != _digest(body):
        raise Malformed("damaged METADATA record: its digest differs")
    size = int.from_bytes(body[:8], "little")
    if size > _LARGEST:
        raise Malformed("a METADATA record claims an impossible size")
    head, _, rest = unpack_block(body[8:], Packed(size, len(body) - 8)).partition(b"\n")
    try:
        return _texts(json.loads(head), rest)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Malformed(f"a METADATA record cannot be read: {error}") from error


def readable_texts(stored: bytes | None) -> dict[str, bytes]:
    """Return METADATA by file name; of a damaged record nothing, so that it is fetched and stored again."""
    try:
        return {} if stored is None else unpack_texts(stored)
    except Malformed:
        return {}


def add_texts(stored: bytes | None, new: Mapping[str, bytes]) -> bytes | None:
    """Return the record with more texts, or None if it already has them. A damaged record is replaced."""
    texts = readable_texts(stored)
    merged = {**texts, **new}
    if merged == texts or sum(map(len, merged.values())) > _LARGEST:
        return None
    return pack_texts(merged)


def _texts(head: dict[str, Any], rest: bytes) -> dict[str, bytes]:
    texts: list[bytes] = []
    start = 0
    for length in head["lengths"]:
        texts.append(rest[start : start + length])
        start += length
    numbers = head["files"]
    if start != len(rest) or any(type(number) is not int or number < 0 for number in numbers.values()):
        raise ValueError("its parts do not add up")
    return {str(name): texts[number] for name, number in numbers.items()}


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).digest()
