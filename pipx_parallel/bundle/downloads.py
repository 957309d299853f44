"""Download files of an index into a folder, piece by piece, so that the next run resumes an interrupted download.

The steps are run by ``mirror.session.mirror.Mirror.run``, many in parallel. Pieces are small, so that memory stays bounded for
any size of wheel; hashes are computed as pieces arrive. An index without range requests sends a file in one piece.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from typing import TYPE_CHECKING

import msgspec

from mirror.errors import Integrity, NotFound, Offline, Unreachable
from mirror.ports import Exchange, Request
from pipx_parallel.emitters.locked_files import strong_hash
from pipx_parallel.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Generator

    from mirror.records.model import DistFile

PIECE = 4 * 1024 * 1024  # bytes: a tenth of a second on a fast connection; ten at once take 40 MB
_LARGEST = 16 * 1024 * 1024 * 1024  # bytes of one file that comes in one piece
_LIFETIME = 30 * 86400  # seconds after which an unused file is deleted
_PART = ".part"
_ONCE = "leave out --offline: the mirror holds metadata, and files only of earlier bundles"
_SPAN = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_WHOLE, _PARTIAL, _NO_RANGE = 200, 206, 416
_GONE = (403, 404, 410)


class Received(msgspec.Struct, frozen=True):
    """A downloaded and checked file."""

    path: str
    sha256: str
    size: int  # bytes
    fetched: int  # bytes downloaded in this run


class _Part:
    """A file during its download: its bytes on disk and its hashes so far. Raises ``OutputError`` if the disk fails."""

    def __init__(self, path: str, algorithms: frozenset[str]) -> None:
        self.path = path
        self._algorithms = sorted(algorithms | {"sha256"})
        self._resume()

    def _resume(self) -> None:
        self.size = 0
        self.hashes = {name: hashlib.new(name, usedforsecurity=False) for name in self._algorithms}
        try:
            with open(self.path, "rb") as file:
                while piece := file.read(PIECE):
                    self._count(piece)
        except FileNotFoundError:
            return
        except OSError as error:
            raise OutputError(f"cannot read {self.path}: {error.strerror}") from error

    def _count(self, piece: bytes) -> None:
        self.size += len(piece)
        for digest in self.hashes.values():
            digest.update(piece)

    def add(self, piece: bytes) -> None:
        """Append a piece, by its offset: two runs at once write the same bytes to the same offset."""
        try:
            with open(self.path, "r+b" if self.size else "wb") as file:
                file.seek(self.size)
                file.write(piece)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror}") from error
        self._count(piece)

    def start_over(self) -> None:
        """Delete the file and begin again."""
        remove(self.path)
        self._resume()

    def matches(self, expected_hashes: dict[str, str]) -> bool:
        """Return whether the content has every expected hash."""
        return all(self.hashes[name].hexdigest() == value for name, value in expected_hashes.items())

    def finish(self, path: str) -> None:
        """Rename the complete file to its final name."""
        try:
            os.replace(self.path, path)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from error


def make_folder(folder: str) -> None:
    """Create the folder of downloads, only for this user, and delete files unused for a month. Raises ``OutputError``."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        oldest = time.time() - _LIFETIME
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if os.path.getmtime(path) < oldest:
                if os.path.isdir(path):
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    remove(path)
    except OSError as error:
        raise OutputError(f"cannot use {folder}: {error.strerror}", "choose another mirror with --mirror") from error


def fetch(file: DistFile, folder: str, *, offline: bool = False) -> Generator[Request, Exchange, Received]:
    """Download one file into the folder and check it; a file that is there already is reused.

    Raises ``Integrity``, ``NotFound``, ``Unreachable``, ``Offline``; ``OutputError`` if the disk fails.
    """
    expected_hashes = _expected_hashes(file)
    path = os.path.join(folder, _name(file))
    reused = _reuse(path, expected_hashes)
    if reused is not None:
        return reused
    part = _Part(path + _PART, frozenset(expected_hashes))
    resumed = part.size
    if offline and not file.url.startswith("file:"):
        raise Offline(f"{file.filename} has not been downloaded, and --offline is set", remedy=_ONCE)
    fetched = yield from _pieces(file, part)
    if resumed and not part.matches(expected_hashes):  # the file of an earlier run was not the beginning of this file
        part.start_over()
        fetched += yield from _pieces(file, part)
    if not part.matches(expected_hashes):
        actual = " ".join(
            f"{name}:{value.hexdigest()}" for name, value in part.hashes.items() if name in expected_hashes
        )
        remove(part.path)
        expected = " ".join(f"{name}:{value}" for name, value in expected_hashes.items())
        raise Integrity(f"{file.filename}: the downloaded file has {actual}, but the index states {expected}")
    part.finish(path)
    return Received(path, part.hashes["sha256"].hexdigest(), part.size, fetched)


def remove(path: str) -> None:
    """Remove a file, if that is possible."""
    try:
        os.unlink(path)
    except OSError:
        return


def touch(path: str) -> None:
    """Mark a file or folder as used: see ``make_folder``."""
    try:
        os.utime(path)
    except OSError:
        return


def _pieces(file: DistFile, part: _Part) -> Generator[Request, Exchange, int]:
    """Request pieces until the file is complete; return the number of bytes received."""
    fetched, ranges = 0, True
    whole = file.size is not None and file.size <= PIECE
    while file.size is None or part.size < file.size or not file.size:
        span = f"bytes={part.size}-{part.size + PIECE - 1}" if ranges and (part.size or not whole) else None
        exchange = yield _request(file, span)
        if exchange.status == _NO_RANGE and span is not None:
            if exchange.headers.get("content-range", "") == f"bytes */{part.size}":
                return fetched  # it was complete, and its size was not known
            part.start_over()
            ranges = False
            continue
        _check(file, exchange)
        fetched += len(exchange.body)
        if exchange.status == _WHOLE:
            part.start_over()
            part.add(exchange.body)
            return fetched
        start, total = _content_range(exchange)
        if start != part.size or not exchange.body:
            part.start_over()
            ranges = False
            continue
        part.add(exchange.body)
        if total is not None and part.size >= total:
            return fetched
    return fetched


def _request(file: DistFile, span: str | None) -> Request:
    headers = (("Accept-Encoding", "identity"), *((("Range", span),) if span else ()))
    return Request(file.url, headers, limit=file.size + PIECE if file.size else _LARGEST)


def _check(file: DistFile, exchange: Exchange) -> None:
    """Raise the error of a response without content."""
    if exchange.problem is not None:
        raise Unreachable(f"{file.filename}: {exchange.problem}")
    if exchange.status in _GONE:
        raise NotFound(f"{file.filename}: the index lists it, but answered {exchange.status}")
    if exchange.status not in (_WHOLE, _PARTIAL):
        raise Unreachable(f"{file.filename}: the index answered {exchange.status}")


def _content_range(exchange: Exchange) -> tuple[int, int | None]:
    """Return the offset of a piece (-1: not stated) and the size of the file."""
    span = _SPAN.fullmatch(exchange.headers.get("content-range", "").strip())
    if span is None:
        return -1, None
    return int(span[1]), None if span[3] == "*" else int(span[3])


def _reuse(path: str, expected_hashes: dict[str, str]) -> Received | None:
    """Return the file if it was downloaded before and its hashes still match."""
    if not os.path.isfile(path):
        return None
    part = _Part(path, frozenset(expected_hashes))
    if not part.matches(expected_hashes):
        remove(path)
        return None
    touch(path)
    return Received(path, part.hashes["sha256"].hexdigest(), part.size, 0)


def _expected_hashes(file: DistFile) -> dict[str, str]:
    """Return the strongest hash that the index states, or else any that can be computed."""
    strong = strong_hash(file)
    if strong is not None:
        name, _, value = strong.partition(":")
        return {name: value}
    weak = {name: value.lower() for name, value in file.hashes if name in hashlib.algorithms_guaranteed}
    return {name: value for name, value in weak.items() if not name.startswith("shake")}


def _name(file: DistFile) -> str:
    """Return the file's name in the folder: one name per content."""
    expected_hashes = _expected_hashes(file)
    key = next(iter(expected_hashes.values()), "") or hashlib.sha256(file.url.encode()).hexdigest()
    return f"{key[:32]}-{file.filename}"
