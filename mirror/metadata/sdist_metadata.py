"""Read PKG-INFO and pyproject.toml from an sdist (PEP 517, PEP 625, PEP 643): nothing is executed."""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from mirror.errors import Malformed, archive_errors
from mirror.limits import check_members, unpacked_bytes, unpacked_members
from mirror.metadata.zip_directory import open_zip

if TYPE_CHECKING:
    from collections.abc import Iterator

PKG_INFO, PYPROJECT = "PKG-INFO", "pyproject.toml"
_WANTED = (PKG_INFO, PYPROJECT)
_MEMBER_LIMIT = 16 * 1024 * 1024  # bytes of one of them
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


class _Copying:
    """A stream that is also written to a file while it is read; the file is emptied if it cannot hold all of it."""

    def __init__(self, stream: _Readable, copy: BinaryIO) -> None:
        self._stream = stream
        self._copy: BinaryIO | None = copy

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes."""
        data = self._stream.read(size)
        if self._copy is not None:
            try:
                self._copy.write(data)
            except OSError:  # the disk is full
                self.drop()
        return data

    def drop(self) -> None:
        """Empty the file: what it holds is not the whole stream."""
        if self._copy is not None:
            self._copy.seek(0)
            self._copy.truncate()
            self._copy = None


def file_for_copy() -> BinaryIO | None:
    """Return a temporary file without a name for the ``copy`` of ``top_files``; None if there can be none."""
    import tempfile  # 10 ms with what it loads; only for large source archives

    try:
        return cast("BinaryIO", tempfile.TemporaryFile())
    except OSError:
        return None


def top_files(archive: BinaryIO, filename: str, copy: BinaryIO | None = None) -> Iterator[tuple[str, bytes]]:
    """Yield name and text of PKG-INFO and pyproject.toml in the top-level folder of a whole sdist, in the archive's order.

    An archive of 280 MB takes a second to decompress, so it is read once, and no further than the caller asks.

    Args:
        archive: The sdist.
        filename: Its name, for messages.
        copy: A file that holds the decompressed tar archive at the end; it is empty if the archive is no compressed tar archive,
            was not read to its end, or did not fit.

    Raises:
        Malformed: The archive cannot be read, or it unpacks to more than the limit.
    """
    if filename.lower().endswith(".zip"):
        yield from _from_zip(archive, filename)
    else:
        yield from _from_tar(archive, filename, copy)


def _from_tar(archive: BinaryIO, filename: str, copy: BinaryIO | None) -> Iterator[tuple[str, bytes]]:
    import tarfile  # 12 ms to load, and few locks read an sdist

    size = archive.seek(0, os.SEEK_END)
    most = unpacked_members(size)
    unpacker = _unpacker(archive)
    copying = None if copy is None or unpacker is archive else _Copying(unpacker, copy)
    try:
        bounded: Any = _Bounded(copying or unpacker, unpacked_bytes(size), filename)
        with tarfile.open(fileobj=bounded, mode="r|", bufsize=_PIECE) as members:  # only read() is called
            for number, member in enumerate(members, 1):
                check_members(number, most)
                name = _top_name(member.name)
                if name is not None and member.isreg() and member.size <= _MEMBER_LIMIT:
                    stream = members.extractfile(member)
                    yield name, b"" if stream is None else stream.read(_MEMBER_LIMIT)
        copying = None  # it is whole
    except archive_errors() as error:
        if isinstance(error, Malformed):
            raise
        raise Malformed(f"{filename}: the archive cannot be read ({error})") from error
    finally:
        if copying is not None:
            copying.drop()


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


def _from_zip(archive: BinaryIO, filename: str) -> Iterator[tuple[str, bytes]]:
    try:
        with open_zip(archive, unpacked_members(archive.seek(0, os.SEEK_END), zipped=True)) as members:
            for member in members.infolist():
                name = _top_name(member.filename)
                if name is not None and member.file_size <= _MEMBER_LIMIT:
                    with members.open(member) as stream:
                        yield name, stream.read(_MEMBER_LIMIT)
    except archive_errors() as error:
        raise Malformed(f"{filename}: the archive cannot be read ({error})") from error


def _top_name(path: str) -> str | None:
    """Return the name of a wanted file at ``folder/name``: the PKG-INFO in an egg-info folder is deeper and may differ."""
    folder, _, name = path.removeprefix("./").partition("/")
    return name if name in _WANTED and folder not in {"", ".", ".."} else None
