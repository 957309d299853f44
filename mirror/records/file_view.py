"""The file view: all files of a project by release, compressed in blocks, so that one release can be read alone.

Layout (little-endian): magic ``PPF2``, count of releases, count of blocks, digest (16 bytes, of what follows the checksum),
checksum (8 bytes, of all before it and of both tables); the tables: per release the length of its slice, per block its raw and its
compressed length; then the blocks (Zstandard frames, each with its checksum). So one release can be read and verified without the
rest. Slices are ordered from the newest release to the oldest, and a block ends after the release that fills it. So the releases
that are chosen most often are in the first blocks. A slice is PEP 691 file objects as the index gave them, joined by commas.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from functools import lru_cache
from typing import TYPE_CHECKING

from mirror.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MAGIC = b"PPF2"
_SUMMED = 28  # bytes of the head before its checksum
HEAD_BYTES = _SUMMED  # what ``digest_of`` needs
_HEAD = 36
_BLOCK = 24 * 1024  # bytes before compression: smaller blocks compress worse, larger ones cost more per slice read
_LEVEL = 1  # 54.8 MB of pages in 0.09 s; level 3 takes 0.20 s and saves nothing at this block size
_LARGEST_BLOCK = 256 * 1024 * 1024  # the limit for an untrusted record


def pack(slices: Sequence[Iterable[bytes]]) -> bytes:
    """Return the stored form of the files of each release, oldest first."""
    import zstandard  # here and below: a warm lock reads no file view, and it takes 3 ms

    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    lengths = array("I", bytes(4 * len(slices)))
    sizes = array("I")
    blocks: list[bytes] = []
    pending: list[bytes] = []
    filled = 0
    for release in range(len(slices) - 1, -1, -1):
        if slices[release]:  # in a mirror that others published most releases are not held
            piece = b",".join(slices[release])
            lengths[release] = len(piece)
            pending.append(piece)
            filled += len(piece)
        if filled >= _BLOCK or release == 0:
            block = compressor.compress(b"".join(pending))
            blocks.append(block)
            sizes.extend((filled, len(block)))
            pending, filled = [], 0
    counts = _MAGIC + _little(array("I", [len(slices), len(blocks)]))
    tables = _little(lengths) + _little(sizes)
    body = b"".join([tables, *blocks])
    head = counts + _digest(body)
    return b"".join([head, _sum(head + tables), body])


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).digest()


def _sum(head: bytes) -> bytes:
    return hashlib.blake2b(head, digest_size=_HEAD - _SUMMED).digest()


def is_whole(data: bytes) -> bool:
    """Return whether every byte of a stored file view is unchanged; reads all of it."""
    return is_sound(data) and data[12:_SUMMED] == _digest(data[_HEAD:])


def is_sound(data: bytes) -> bool:
    """Return whether the head and the tables of a stored file view are unchanged; each block is verified when it is read."""
    if data[:4] != _MAGIC or len(data) < _HEAD:
        return False
    tables = 4 * int.from_bytes(data[4:8], "little") + 8 * int.from_bytes(data[8:12], "little")
    return len(data) >= _HEAD + tables and data[_SUMMED:_HEAD] == _sum(data[:_SUMMED] + data[_HEAD : _HEAD + tables])


def with_digest(data: bytes, digest: str) -> bytes:
    """Return a file view with another digest in its head: of a release view whose files another program packed."""
    count, blocks = _ints(data[4:12])
    head = data[:12] + bytes.fromhex(digest).rjust(16, b"\0")
    return head + _sum(head + data[_HEAD : _HEAD + 4 * count + 8 * blocks]) + data[_HEAD:]


def digest_of(data: bytes) -> str:
    """Return the digest of a stored file view; its release view holds the same digest."""
    return data[12:_SUMMED].hex()


def is_complete(data: bytes) -> bool:
    """Return whether a stored file view holds the files of every release."""
    return 0 not in _ints(data[_HEAD : _HEAD + 4 * release_count(data)])


def holds(data: bytes, release: int) -> bool:
    """Return whether a stored file view holds the files of a release, without unpacking a block."""
    return _ints(data[_HEAD + 4 * release : _HEAD + 4 + 4 * release]) != array("I", [0]) and release < release_count(
        data
    )


def release_count(data: bytes) -> int:
    """Return the number of releases of a stored file view; raises ``Malformed``."""
    if data[:4] != _MAGIC or len(data) < _HEAD:
        raise Malformed("not a file view")
    return _ints(data[4:8])[0]


def read_slice(data: bytes, release: int) -> bytes:
    """Return one release's file objects as a JSON array; raises ``Malformed`` if the record is damaged."""
    count = release_count(data)
    blocks = _ints(data[8:12])[0]
    lengths = _ints(data[_HEAD : _HEAD + 4 * count])
    sizes = _ints(data[_HEAD + 4 * count : _HEAD + 4 * count + 8 * blocks])
    if len(lengths) != count or len(sizes) != 2 * blocks or not 0 <= release < count:
        raise Malformed("truncated file view")
    start = sum(lengths[release + 1 :])
    position = _HEAD + 4 * count + 8 * blocks
    for raw, packed in zip(sizes[::2], sizes[1::2], strict=True):
        if start < raw or (start == raw == 0):
            block = _unpack(data[position : position + packed], raw)
            return b"[" + block[start : start + lengths[release]] + b"]"
        start -= raw
        position += packed
    return b"[]"


def read_all(data: bytes) -> list[bytes]:
    """Return the joined file objects of every release, oldest first; raises ``Malformed`` if the record is damaged."""
    count = release_count(data)
    blocks = _ints(data[8:12])[0]
    lengths = _ints(data[_HEAD : _HEAD + 4 * count])
    sizes = _ints(data[_HEAD + 4 * count : _HEAD + 4 * count + 8 * blocks])
    if len(lengths) != count or len(sizes) != 2 * blocks:
        raise Malformed("truncated file view")
    position = _HEAD + 4 * count + 8 * blocks
    texts = []
    for raw, packed in zip(sizes[::2], sizes[1::2], strict=True):
        texts.append(_unpack(data[position : position + packed], raw))
        position += packed
    text = b"".join(texts)
    if len(text) != sum(lengths):
        raise Malformed("damaged file view: its releases do not add up")
    slices = []
    end = len(text)
    for length in lengths:
        slices.append(text[end - length : end])
        end -= length
    return slices


@lru_cache(maxsize=2)  # releases that are read one after another share a block
def _unpack(block: bytes, raw: int) -> bytes:
    """Return a block's bytes, bounded by the length that its record claims."""
    import zstandard  # as above

    if raw > _LARGEST_BLOCK:
        raise Malformed("file view claims an impossible block")
    try:
        # The decompressor allocates the length that the frame header names, so check it before decompressing.
        frame = zstandard.get_frame_parameters(block)
        if frame.content_size != raw or not frame.has_checksum:
            raise Malformed("damaged file view: a block has the wrong length or no checksum")
        unpacked = zstandard.ZstdDecompressor().decompress(block, max_output_size=raw)
    except zstandard.ZstdError as error:
        raise Malformed(f"damaged file view: {error}") from error
    if len(unpacked) != raw:
        raise Malformed("damaged file view: a block has the wrong length")
    return unpacked


def _little(values: array[int]) -> bytes:
    """Return 32-bit numbers as little-endian bytes."""
    if sys.byteorder == "big":
        values = array("I", values)
        values.byteswap()
    return values.tobytes()


def _ints(data: bytes) -> array[int]:
    """Return little-endian bytes as 32-bit numbers; an incomplete last number is dropped, so the caller checks the count."""
    values = array("I")
    values.frombytes(data[: len(data) // 4 * 4])
    if sys.byteorder == "big":
        values.byteswap()
    return values
