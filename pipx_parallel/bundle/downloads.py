"""Files of an index, fetched into a folder piece by piece: what a killed run has fetched, the next one goes on from.

The steps are run by ``mirror.session.mirror.Mirror.run``, many side by side. A piece is small, so that memory stays bounded however
large a wheel is; hashes are computed as pieces arrive. An index that knows no ranges gives a file in one piece.
"""

# Paths stay text, as everywhere below cli/.
from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from typing import TYPE_CHECKING, NamedTuple

from mirror.errors import Integrity, NotFound, Offline, Unreachable
from mirror.ports import Exchange, Request
from pipx_parallel.emitters.files import strong_hash
from pipx_parallel.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Generator

    from mirror.records.model import DistFile

PIECE = 4 * 1024 * 1024  # bytes: a tenth of a second on a good line, and ten of them under way are 40 MB
_LARGEST = 16 * 1024 * 1024 * 1024  # bytes of one file in one piece
_KEPT = 30 * 86400  # seconds a file stays that no bundle has used
_PART = ".part"
_SPAN = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_WHOLE, _PARTIAL, _NO_RANGE = 200, 206, 416
_GONE = (403, 404, 410)


class Received(NamedTuple):
    """A file that is here and has been checked."""

    path: str
    sha256: str
    size: int  # bytes
    fetched: int  # bytes that came over the network now


class _Part:
    """A file while it comes: its bytes on disk, its hashes up to here. Raises ``OutputError`` where the disk does not do."""

    def __init__(self, path: str, algorithms: frozenset[str]) -> None:
        self.path = path
        self._algorithms = sorted(algorithms | {"sha256"})
        self._take_up()

    def _take_up(self) -> None:
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
        for found in self.hashes.values():
            found.update(piece)

    def add(self, piece: bytes) -> None:
        """Write a piece behind what is there: at its place, so that two runs at once write the same bytes to the same place."""
        try:
            with open(self.path, "r+b" if self.size else "wb") as file:
                file.seek(self.size)
                file.write(piece)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror}") from error
        self._count(piece)

    def start_over(self) -> None:
        """Forget everything."""
        remove(self.path)
        self._take_up()

    def matches(self, promised: dict[str, str]) -> bool:
        """Return whether the content has every hash that was promised."""
        return all(self.hashes[name].hexdigest() == value for name, value in promised.items())

    def keep(self, path: str) -> None:
        """Give the complete file its name."""
        try:
            os.replace(self.path, path)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from error


def make_folder(folder: str) -> None:
    """Make the folder of downloads, for this user alone, and drop what no bundle has used for a month. Raises ``OutputError``."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        oldest = time.time() - _KEPT
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if os.path.getmtime(path) < oldest:
                if os.path.isdir(path):
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    remove(path)
    except OSError as error:
        raise OutputError(f"cannot use {folder}: {error.strerror}; choose another mirror with --mirror") from error


def fetch(file: DistFile, folder: str, *, offline: bool = False) -> Generator[Request, Exchange, Received]:
    """Fetch one file into the folder and check it; what is there already is used.

    Raises ``Integrity``, ``NotFound``, ``Unreachable``, ``Offline``; ``OutputError`` for trouble with the disk.
    """
    promised = _promised(file)
    path = os.path.join(folder, _name(file))
    done = _here(path, promised)
    if done is not None:
        return done
    part = _Part(path + _PART, frozenset(promised))
    resumed = part.size
    if offline and not file.url.startswith("file:"):
        raise Offline(f"{file.filename} was not downloaded before, and offline")
    fetched = yield from _pieces(file, part)
    if resumed and not part.matches(promised):  # what an earlier run left was not the beginning of this file
        part.start_over()
        fetched += yield from _pieces(file, part)
    if not part.matches(promised):
        found = " ".join(f"{name}:{value.hexdigest()}" for name, value in part.hashes.items() if name in promised)
        remove(part.path)
        wanted = " ".join(f"{name}:{value}" for name, value in promised.items())
        raise Integrity(f"{file.filename}: what was downloaded has {found}, and its index promises {wanted}")
    part.keep(path)
    return Received(path, part.hashes["sha256"].hexdigest(), part.size, fetched)


def remove(path: str) -> None:
    """Remove a file, if it is there and can be."""
    try:
        os.unlink(path)
    except OSError:
        return


def touch(path: str) -> None:
    """Say that a file or folder is in use: see ``make_folder``."""
    try:
        os.utime(path)
    except OSError:
        return


def _pieces(file: DistFile, part: _Part) -> Generator[Request, Exchange, int]:
    """Ask for what is missing until there is nothing more; return how many bytes came."""
    fetched, ranges = 0, True
    whole = file.size is not None and file.size <= PIECE
    while file.size is None or part.size < file.size or not file.size:
        span = f"bytes={part.size}-{part.size + PIECE - 1}" if ranges and (part.size or not whole) else None
        exchange = yield _request(file, span)
        if exchange.status == _NO_RANGE and span is not None:
            if exchange.headers.get("content-range", "") == f"bytes */{part.size}":
                return fetched  # it was complete, and nobody had said how large it is
            part.start_over()
            ranges = False
            continue
        _check(file, exchange)
        fetched += len(exchange.body)
        if exchange.status == _WHOLE:
            part.start_over()
            part.add(exchange.body)
            return fetched
        start, total = _told(exchange)
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
    """Raise what an answer without content means."""
    if exchange.problem is not None:
        raise Unreachable(f"{file.filename}: {exchange.problem}")
    if exchange.status in _GONE:
        raise NotFound(f"{file.filename}: its index lists it and does not give it ({exchange.status})")
    if exchange.status not in (_WHOLE, _PARTIAL):
        raise Unreachable(f"{file.filename}: the index answered {exchange.status}")


def _told(exchange: Exchange) -> tuple[int, int | None]:
    """Return where a piece begins (-1: not said) and how large the whole is."""
    found = _SPAN.fullmatch(exchange.headers.get("content-range", "").strip())
    if found is None:
        return -1, None
    return int(found[1]), None if found[3] == "*" else int(found[3])


def _here(path: str, promised: dict[str, str]) -> Received | None:
    """Return the file if it was fetched before and is still what it was."""
    if not os.path.isfile(path):
        return None
    part = _Part(path, frozenset(promised))
    if not part.matches(promised):
        remove(path)
        return None
    touch(path)
    return Received(path, part.hashes["sha256"].hexdigest(), part.size, 0)


def _promised(file: DistFile) -> dict[str, str]:
    """Return the strongest hash that the index promises; any that can be computed is better than none."""
    strong = strong_hash(file)
    if strong is not None:
        name, _, value = strong.partition(":")
        return {name: value}
    weak = {name: value.lower() for name, value in file.hashes if name in hashlib.algorithms_guaranteed}
    return {name: value for name, value in weak.items() if not name.startswith("shake")}


def _name(file: DistFile) -> str:
    """Return the name a file has in the folder: one content, one name."""
    promised = _promised(file)
    key = next(iter(promised.values()), "") or hashlib.sha256(file.url.encode()).hexdigest()
    return f"{key[:32]}-{file.filename}"
