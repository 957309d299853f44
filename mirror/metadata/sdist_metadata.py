"""Read PKG-INFO from an sdist (PEP 517, PEP 625, PEP 643): nothing is unpacked to disk, nothing is executed."""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from mirror.errors import Malformed, archive_errors
from mirror.limits import unpacked_bytes

if TYPE_CHECKING:
    import tarfile

_MEMBER_LIMIT = 16 * 1024 * 1024  # bytes of PKG-INFO
_PIECE = 256 * 1024  # bytes read at once
_GZIP, _GZIP_MARK = 31, b"\x1f\x8b"  # zlib's name of the format, and the first bytes of a file


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Bounded:
    """A stream that raises ``Malformed`` when more bytes are unpacked than the limit."""

    def __init__(self, stream: _Readable, limit: int, filename: str) -> None:
        self._stream = stream
        self._left = limit
        self._filename = filename

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes."""
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise Malformed(f"{self._filename}: it unpacks to far more than a source archive holds; reading stopped")
        return data


class _Gunzip:
    """A stream of unpacked gzip data in pieces as large as asked for: ``gzip`` unpacks 8 KB at a time, five times as slowly."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._unpacker = zlib.decompressobj(_GZIP)

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes; none at the end. Raises ``EOFError`` for a truncated file, ``zlib.error``."""
        while True:
            if self._unpacker.eof:
                rest = self._unpacker.unused_data.lstrip(b"\0") or self._packed.read(_PIECE).lstrip(b"\0")
                if not rest.startswith(_GZIP_MARK):
                    return b""  # padding
                self._unpacker = zlib.decompressobj(_GZIP)
            else:
                rest = self._unpacker.unconsumed_tail or self._packed.read(_PIECE)
            data = self._unpacker.decompress(rest, size)
            if data:
                return data
            if not rest and not self._unpacker.eof:
                raise EOFError("it is truncated")


def sdist_pkg_info(archive: BinaryIO, filename: str) -> bytes:
    """Return the PKG-INFO of the top-level folder of a whole sdist.

    Raises:
        Malformed: There is no PKG-INFO, the archive cannot be read, or it unpacks to more than the limit.
    """
    pkg_info = _member(archive, filename, "PKG-INFO")
    if pkg_info is None:
        raise Malformed(f"{filename}: there is no PKG-INFO in its top-level folder")
    return pkg_info


def sdist_pyproject(archive: BinaryIO, filename: str) -> bytes | None:
    """Return the pyproject.toml of the top-level folder of a whole sdist, or None.

    Raises:
        Malformed: The archive cannot be read, or it unpacks to more than the limit.
    """
    return _member(archive, filename, "pyproject.toml")


def _member(archive: BinaryIO, filename: str, wanted: str) -> bytes | None:
    if filename.lower().endswith(".zip"):
        return _from_zip(archive, filename, wanted)
    return _from_tar(archive, filename, wanted)


def _from_tar(archive: BinaryIO, filename: str, wanted: str) -> bytes | None:
    import tarfile  # 12 ms to load, and few locks read an sdist

    limit = unpacked_bytes(archive.seek(0, os.SEEK_END))
    try:
        bounded: Any = _Bounded(_unpacker(archive), limit, filename)
        with tarfile.open(fileobj=bounded, mode="r|", bufsize=_PIECE) as members:  # only read() is called
            return _first(members, wanted)
    except archive_errors() as error:
        if isinstance(error, Malformed):
            raise
        raise Malformed(f"{filename}: the archive cannot be read ({error})") from error


def _unpacker(archive: BinaryIO) -> _Readable:
    """Return a reader of the tar stream. The first bytes give the compression, because suffixes can be wrong."""
    archive.seek(0)
    signature = archive.read(3)
    archive.seek(0)
    if signature.startswith(_GZIP_MARK):
        return _Gunzip(archive)
    if signature == b"BZh":
        import bz2  # may be missing from a Python build

        return bz2.BZ2File(archive)
    return archive


def _first(archive: tarfile.TarFile, wanted: str) -> bytes | None:
    for member in archive:
        if member.isreg() and _is_top(member.name, wanted) and member.size <= _MEMBER_LIMIT:
            stream = archive.extractfile(member)
            return None if stream is None else stream.read(_MEMBER_LIMIT)
    return None


def _from_zip(archive: BinaryIO, filename: str, wanted: str) -> bytes | None:
    import zipfile  # 15 ms to load, and few locks read an sdist

    try:
        with zipfile.ZipFile(archive) as members:
            for member in members.infolist():
                if _is_top(member.filename, wanted) and member.file_size <= _MEMBER_LIMIT:
                    with members.open(member) as stream:
                        return stream.read(_MEMBER_LIMIT)
    except archive_errors() as error:
        raise Malformed(f"{filename}: the archive cannot be read ({error})") from error
    return None


def _is_top(path: str, wanted: str) -> bool:
    """Return whether a path is ``folder/wanted``: the PKG-INFO in an egg-info folder is deeper and may differ."""
    folder, _, name = path.removeprefix("./").partition("/")
    return name == wanted and folder not in {"", ".", ".."}
