"""Read METADATA from parts of a wheel (PEP 427, PKWARE APPNOTE 6.3). Bytes in, bytes out.

A zip archive is read from its end: the end record has the offset of the central directory, and the directory that of each
member. So the last 64 KB of a wheel are usually enough. If not, they give the range to request next.
"""

from __future__ import annotations

import struct
import zlib
from itertools import islice
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import Malformed
from mirror.limits import DIRECTORY_BYTES
from mirror.names import normalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["NeedRange", "read_parts", "read_tail", "wheel_metadata"]

_END = struct.Struct("<4s4H2LH")  # end of central directory
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")  # one member in the central directory
_LOCAL = struct.Struct("<4s5H3L2H")  # the header before a member's data
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_ZIP64_EXTRA = 1
_METADATA_PATH = b".dist-info/METADATA"
_STORED, _DEFLATED, _ENCRYPTED = 0, 8, 1
_LOCAL_EXTRA = 64  # bytes: a local extra field that is longer than the directory's by more takes another request
MEMBER_LIMIT = 16 * 1024 * 1024  # bytes of METADATA, unpacked: the largest known is 0.4 MB
_MOST_METADATA = 1_000  # members that end as METADATA does: an ordinary wheel has one, one that holds others a few


class NeedRange(NamedTuple):
    """A range that is still needed: from ``start`` up to, not including, ``end``."""

    start: int
    end: int


class _Member(NamedTuple):
    """The entry of one member in the central directory."""

    path: str
    offset: int  # of its local header
    packed: int  # bytes
    unpacked: int
    method: int
    flags: int
    crc: int
    header: int  # bytes of the local header, by the lengths in the directory


class _Missing(Exception):
    """A range is needed that no part has. Control flow within this module, not an error."""

    def __init__(self, need: NeedRange) -> None:
        self.need = need
        super().__init__(need)


class _Parts:
    """The fetched parts of a file: runs of bytes with their offsets."""

    __slots__ = ("_runs", "end")

    def __init__(self, runs: Sequence[tuple[int, bytes]]) -> None:
        self._runs = sorted(runs)
        self.end = max(start + len(data) for start, data in runs)

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes of a range. Raises ``_Missing`` with the first gap in it."""
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

    ``tail`` is the file from ``tail_start`` to its end. Raises ``Malformed`` if it is not a wheel.
    """
    return read_parts(((tail_start, tail),), filename)


def wheel_metadata(body: bytes, filename: str) -> bytes:
    """Return METADATA from a whole wheel. Raises ``Malformed`` if it is not a wheel."""
    metadata = read_parts(((0, body),), filename)
    if isinstance(metadata, NeedRange):
        raise Malformed(f"{filename}: the archive is truncated")
    return metadata


def read_parts(parts: Sequence[tuple[int, bytes]], filename: str) -> bytes | NeedRange:
    """Return METADATA from (offset, bytes) parts of a wheel, one of which reaches its end, or the range still needed.

    Fetch the returned range, add it to the parts, and call again. Three calls are enough for any ordinary wheel.
    Raises ``Malformed`` if it is not a wheel.
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
    """Return the central directory, and the shift of all offsets (the number of bytes prepended to the archive)."""
    end, size, offset = _end_record(held, filename)
    shift = end - size - offset
    if size > DIRECTORY_BYTES or shift < 0:
        raise Malformed(f"{filename}: the archive's directory points outside the archive")
    return held.read(end - size, end), shift


def _end_record(held: _Parts, filename: str) -> tuple[int, int, int]:
    """Return the end of the central directory, its size, and its offset as written."""
    start = max(0, held.end - _END.size - _MAX16)
    tail = _suffix(held, start)
    start = held.end - len(tail)
    position = tail.rfind(b"PK\5\6")
    while position >= 0:
        if len(tail) - position >= _END.size:
            *_, size, offset, comment = _END.unpack_from(tail, position)
            if position + _END.size + comment == len(tail):
                break
        position = tail.rfind(b"PK\5\6", 0, position)
    else:
        raise Malformed(f"{filename}: this is not a zip archive (no end record)")
    # The zip64 record may be there only because of the number of members, so search for it in any case.
    locator = start + position - _LOCATOR64.size
    record = _end_record_64(held, locator) if locator >= 0 else None
    return record or (start + position, size, offset)


def _suffix(held: _Parts, start: int) -> bytes:
    """Return the longest suffix of the range from ``start`` to the end that is fetched without a gap."""
    try:
        return held.read(start, held.end)
    except _Missing as missing:
        return _suffix(held, missing.need.end) if missing.need.end < held.end else b""


def _end_record_64(held: _Parts, locator: int) -> tuple[int, int, int] | None:
    """Read the zip64 end record; None if there is none."""
    signature, _, record_offset, _ = _LOCATOR64.unpack(held.read(locator, locator + _LOCATOR64.size))
    if signature != b"PK\6\7":
        return None
    # If bytes were prepended to the archive, the offset in the locator is wrong, and the record is right before the locator.
    for start in (record_offset, locator - _END64.size):
        if 0 <= start <= locator - _END64.size:
            signature, *_, size, offset = _END64.unpack(held.read(start, start + _END64.size))
            if signature == b"PK\6\6":
                return start, size, offset
    return None


def _metadata_members(directory: bytes, filename: str) -> Iterator[_Member]:
    """Yield the entries of the central directory that may be the wheel's METADATA: at top level only.

    A search for the name avoids parsing the thousands of entries of a large wheel (4 % of a cold lock). All entries are parsed
    only if the search gives an inconsistent result.
    """
    hits = list(islice(_find_all(directory, _METADATA_PATH), _MOST_METADATA + 1))
    if len(hits) > _MOST_METADATA:
        raise Malformed(f"{filename}: it has more than {_MOST_METADATA} members named METADATA")
    starts = [directory.rfind(b"PK\1\2", max(0, hit - _ENTRY.size - _MAX16), hit) for hit in hits]
    quick = all(
        start >= 0 and start + _ENTRY.size + _name_length(directory, start) == hit + len(_METADATA_PATH)
        for start, hit in zip(starts, hits, strict=True)
    )
    yield from _entries_at(directory, starts if quick and hits else None, filename)


def _find_all(data: bytes, wanted: bytes) -> Iterator[int]:
    position = data.find(wanted)
    while position >= 0:
        yield position
        position = data.find(wanted, position + 1)


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
    """Replace each value whose bits are all ones by the next value of the zip64 extra field."""
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
    return (exact or own)[-1]  # of two members with the same path, zip readers use the last


def _folder(member: _Member) -> str:
    return member.path.removesuffix(".dist-info/METADATA")


def _unpacked(held: _Parts, member: _Member, shift: int, filename: str) -> bytes:
    """Return the member's bytes, checked against the size and the CRC in the directory."""
    if max(member.packed, member.unpacked) > MEMBER_LIMIT:
        raise Malformed(f"{filename}: its METADATA is larger than {MEMBER_LIMIT} bytes")
    if member.flags & _ENCRYPTED or member.method not in {_STORED, _DEFLATED}:
        raise Malformed(f"{filename}: its METADATA is packed in a way that wheels do not allow")
    start = member.offset + shift
    expected = min(start + member.header + _LOCAL_EXTRA + member.packed, held.end)
    signature, *_, names, extras = _LOCAL.unpack_from(held.read(start, expected))
    if signature != b"PK\3\4":
        raise Malformed(f"{filename}: the archive's directory does not point at METADATA")
    start += _LOCAL.size + names + extras
    packed = held.read(start, start + member.packed)
    data = packed if member.method == _STORED else _inflated(packed, member.unpacked, filename)
    if len(data) != member.unpacked or zlib.crc32(data) != member.crc:
        raise Malformed(f"{filename}: its METADATA is damaged (the checksum differs)")
    return data


def _inflated(packed: bytes, size: int, filename: str) -> bytes:
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size + 1)
    except zlib.error as error:
        raise Malformed(f"{filename}: its METADATA cannot be unpacked ({error})") from error
