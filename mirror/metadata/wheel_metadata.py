"""METADATA out of a wheel of which only parts are at hand (PEP 427, PKWARE APPNOTE 6.3). Bytes in, bytes out.

A zip archive is read from its end: the end record names the central directory, the directory names each member. So the last
64 KB of a wheel usually hold all there is to know, and where they do not, they say which bytes to ask for next.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

from mirror.errors import Malformed
from mirror.metadata.sdist_metadata import sdist_pkg_info
from mirror.names import normalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["NeedRange", "read_parts", "read_tail", "sdist_pkg_info", "wheel_metadata"]

_END = struct.Struct("<4s4H2LH")  # end of central directory
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")  # one member in the central directory
_LOCAL = struct.Struct("<4s5H3L2H")  # the header before a member's data
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_ZIP64_EXTRA = 1
_METADATA_PATH = b".dist-info/METADATA"
_STORED, _DEFLATED, _ENCRYPTED = 0, 8, 1
_LOCAL_EXTRA = 64  # bytes: how much longer the local extra field may be before it takes one more read
MEMBER_LIMIT = 16 * 1024 * 1024  # bytes of METADATA, unpacked: the largest seen is 0.4 MB
_DIRECTORY_LIMIT = 64 * 1024 * 1024


class NeedRange(NamedTuple):
    """Bytes that are still needed: from ``start`` up to, not including, ``end``."""

    start: int
    end: int


class _Member(NamedTuple):
    """Where one member is and how it is packed."""

    path: str
    offset: int  # of its local header
    packed: int  # bytes
    unpacked: int
    method: int
    flags: int
    crc: int
    header: int  # bytes the local header takes by the directory's account


class _Missing(Exception):
    """Bytes are needed that no part holds. A turn of the road, no error: it never leaves this file."""

    def __init__(self, need: NeedRange) -> None:
        self.need = need
        super().__init__(need)


class _Parts:
    """What is at hand of a file: runs of bytes with their offsets."""

    __slots__ = ("_runs", "end")

    def __init__(self, runs: Sequence[tuple[int, bytes]]) -> None:
        self._runs = sorted(runs)
        self.end = max(start + len(data) for start, data in runs)

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes of that range. Raises ``_Missing`` with the first gap in it."""
        pieces: list[bytes] = []
        position = start
        for offset, data in self._runs:
            if position >= end:
                break
            if offset > position:
                raise _Missing(NeedRange(position, min(end, offset)))
            piece = data[position - offset : end - offset]
            pieces.append(piece)
            position += len(piece)
        if position < end:
            raise _Missing(NeedRange(position, end))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def read_tail(tail: bytes, tail_start: int, filename: str) -> bytes | NeedRange:
    """Return METADATA from the last bytes of a wheel, or the range that is still needed.

    ``tail`` runs from ``tail_start`` to the end of the file. Raises ``Malformed`` for what is no wheel.
    """
    return read_parts(((tail_start, tail),), filename)


def wheel_metadata(body: bytes, filename: str) -> bytes:
    """Return METADATA from a whole wheel. Raises ``Malformed`` for what is no wheel."""
    found = read_parts(((0, body),), filename)
    if isinstance(found, NeedRange):
        raise Malformed(f"{filename}: the archive is cut short")
    return found


def read_parts(parts: Sequence[tuple[int, bytes]], filename: str) -> bytes | NeedRange:
    """Return METADATA from (offset, bytes) parts of a wheel, one of which reaches its end, or the range still needed.

    Add the range that is asked for to the parts and call again: three calls are enough for any wheel but an absurd one.
    Raises ``Malformed`` for what is no wheel.
    """
    held = _Parts(parts)
    try:
        directory, shift = _directory(held, filename)
        members = list(_metadata_members(directory, filename))
        return _unpacked(held, _choose(members, filename), shift, filename)
    except _Missing as missing:
        need = missing.need
        if need.start < 0 or need.end > held.end:
            raise Malformed(f"{filename}: the archive's directory points outside the archive") from None
        return need
    except struct.error as error:
        raise Malformed(f"{filename}: the archive's directory is damaged") from error


def _directory(held: _Parts, filename: str) -> tuple[bytes, int]:
    """Return the central directory, and by how much all offsets are shifted (bytes put before the archive)."""
    at, size, offset = _end_record(held, filename)
    shift = at - size - offset
    if size > _DIRECTORY_LIMIT or shift < 0:
        raise Malformed(f"{filename}: the archive's directory points outside the archive")
    return held.read(at - size, at), shift


def _end_record(held: _Parts, filename: str) -> tuple[int, int, int]:
    """Return where the central directory ends, its size, and its offset as written."""
    start = max(0, held.end - _END.size - _MAX16)
    tail = _suffix(held, start)
    start = held.end - len(tail)
    at = tail.rfind(b"PK\5\6")
    while at >= 0:
        if len(tail) - at >= _END.size:
            *_, size, offset, comment = _END.unpack_from(tail, at)
            if at + _END.size + comment == len(tail):
                break
        at = tail.rfind(b"PK\5\6", 0, at)
    else:
        raise Malformed(f"{filename}: this is no zip archive (no end record)")
    # A writer may add the zip64 record for its count of members alone: so look for it, whatever the numbers here.
    locator = start + at - _LOCATOR64.size
    found = _end_record_64(held, locator) if locator >= 0 else None
    return found or (start + at, size, offset)


def _suffix(held: _Parts, start: int) -> bytes:
    """Return what is at hand of the range from ``start`` to the end, without a gap."""
    try:
        return held.read(start, held.end)
    except _Missing as missing:
        return _suffix(held, missing.need.end) if missing.need.end < held.end else b""


def _end_record_64(held: _Parts, locator: int) -> tuple[int, int, int] | None:
    """Read the zip64 end record; None where there is none."""
    signature, _, at, _ = _LOCATOR64.unpack(held.read(locator, locator + _LOCATOR64.size))
    if signature != b"PK\6\7":
        return None
    # Where bytes were put before the archive, the offset in the locator is wrong: the record stands right before it.
    for start in (at, locator - _END64.size):
        if 0 <= start <= locator - _END64.size:
            signature, *_, size, offset = _END64.unpack(held.read(start, start + _END64.size))
            if signature == b"PK\6\6":
                return start, size, offset
    return None


def _metadata_members(directory: bytes, filename: str) -> Iterator[_Member]:
    """Yield what could be the wheel's METADATA in its central directory: at top level, nowhere deeper.

    A search for the name finds the entry without walking the thousands of others that a large wheel has (4 % of a cold
    lock); the walk is kept for directories where that does not add up.
    """
    hits = list(_find_all(directory, _METADATA_PATH))
    starts = [directory.rfind(b"PK\1\2", 0, hit) for hit in hits]
    quick = all(
        start >= 0 and start + _ENTRY.size + _name_length(directory, start) == hit + len(_METADATA_PATH)
        for start, hit in zip(starts, hits, strict=True)
    )
    yield from _entries_at(directory, starts if quick and hits else None, filename)


def _find_all(data: bytes, wanted: bytes) -> Iterator[int]:
    at = data.find(wanted)
    while at >= 0:
        yield at
        at = data.find(wanted, at + 1)


def _name_length(directory: bytes, start: int) -> int:
    return int.from_bytes(directory[start + 28 : start + 30], "little")


def _entries_at(directory: bytes, starts: list[int] | None, filename: str) -> Iterator[_Member]:
    """Yield the METADATA members among the entries that begin at ``starts``, or among all of them."""
    position = 0
    todo = iter(starts or ())
    while True:
        if starts is not None:
            position = next(todo, len(directory))
        if position >= len(directory):
            return
        entry = _ENTRY.unpack_from(directory, position)
        if entry[0] != b"PK\1\2":
            raise Malformed(f"{filename}: the archive's directory is damaged")
        _, _, _, flags, method, _, _, crc, packed, unpacked, names, extras, comments, _, _, _, offset = entry
        name_start = position + _ENTRY.size
        extra_start = name_start + names
        position = extra_start + extras + comments
        path = directory[name_start:extra_start]
        if path.endswith(_METADATA_PATH) and path.count(b"/") == 1:
            extra = directory[extra_start : extra_start + extras]
            if _MAX32 in (packed, unpacked, offset):
                unpacked, packed, offset = _widened(extra, unpacked, packed, offset)
            header = _LOCAL.size + names + extras
            yield _Member(path.decode("utf-8", "replace"), offset, packed, unpacked, method, flags, crc, header)


def _widened(extra: bytes, *values: int) -> list[int]:
    """Replace each value that is all ones by the next one of the zip64 extra field."""
    position = 0
    while position + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, position)
        if kind == _ZIP64_EXTRA:
            wide = iter(struct.unpack_from(f"<{size // 8}Q", extra, position + 4))
            return [next(wide, value) if value == _MAX32 else value for value in values]
        position += 4 + size
    return list(values)


def _choose(members: list[_Member], filename: str) -> _Member:
    """Return the member that belongs to this wheel: the folder is named after its project."""
    project = normalize_name(filename.partition("-")[0])
    stem = normalize_name("-".join(filename.split("-")[:2]))
    own = [member for member in members if normalize_name(_folder(member).rpartition("-")[0]) == project]
    exact = [member for member in own if normalize_name(_folder(member)) == stem]
    if not own:
        raise Malformed(f"{filename}: there is no {stem}.dist-info/METADATA in the wheel")
    return (exact or own)[-1]  # of two members with one path, zip readers take the last


def _folder(member: _Member) -> str:
    return member.path.removesuffix(".dist-info/METADATA")


def _unpacked(held: _Parts, member: _Member, shift: int, filename: str) -> bytes:
    """Return the member's bytes, checked against the size and the CRC that the directory gives."""
    if max(member.packed, member.unpacked) > MEMBER_LIMIT:
        raise Malformed(f"{filename}: its METADATA is larger than {MEMBER_LIMIT} bytes")
    if member.flags & _ENCRYPTED or member.method not in {_STORED, _DEFLATED}:
        raise Malformed(f"{filename}: its METADATA is packed in a way that no wheel may be")
    start = member.offset + shift
    expected = min(start + member.header + _LOCAL_EXTRA + member.packed, held.end)
    signature, *_, names, extras = _LOCAL.unpack_from(held.read(start, expected))
    if signature != b"PK\3\4":
        raise Malformed(f"{filename}: its directory does not point at METADATA")
    start += _LOCAL.size + names + extras
    packed = held.read(start, start + member.packed)
    data = packed if member.method == _STORED else _inflated(packed, member.unpacked, filename)
    if len(data) != member.unpacked or zlib.crc32(data) != member.crc:
        raise Malformed(f"{filename}: its METADATA is damaged (the check sum differs)")
    return data


def _inflated(packed: bytes, size: int, filename: str) -> bytes:
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size + 1)
    except zlib.error as error:
        raise Malformed(f"{filename}: its METADATA cannot be unpacked ({error})") from error
