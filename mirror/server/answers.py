"""Responses: an answer before it is sent, and a page that is cached in memory."""

from __future__ import annotations

import gzip
import hashlib
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_GZIP_LEVEL = 1  # 12 ms for a page of 2 MB; level 4 takes twice as long and saves a tenth


class Answer(msgspec.Struct, frozen=True):
    """A response before it is sent. ``zipped`` returns the compressed body; None if it is never compressed."""

    status: int
    body: bytes
    kind: str = "text/plain; charset=utf-8"
    etag: str | None = None
    zipped: Callable[[], bytes] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    path: str = ""  # of a file that is sent instead of ``body``
    size: int = 0  # of that file

    def __post_init__(self) -> None:
        """Reject line ends in headers (header injection). Raises ``ValueError``."""
        if any("\n" in text or "\r" in text for pair in self.headers for text in pair):
            raise ValueError("headers: a line end in a name or value")

    def with_header(self, name: str, value: str) -> Answer:
        """Return the answer with one more header."""
        return msgspec.structs.replace(self, headers=(*self.headers, (name, value)))


def text(status: int, body: str) -> Answer:
    """Return an answer in plain text."""
    return Answer(status, body.encode())


def problem(status: int, sentence: str) -> Answer:
    """Return an answer with an error message."""
    return text(status, sentence + "\n")


class Page:
    """A page: its bytes, their entity tag, and the bytes compressed on first use."""

    def __init__(self, body: bytes, kind: str) -> None:
        """Compress nothing yet."""
        self.body = body
        self.kind = kind
        self.etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        self._zipped: bytes | None = None

    def zipped(self) -> bytes:
        """Return the compressed body; the same bytes each time."""
        if self._zipped is None:
            self._zipped = gzip.compress(self.body, _GZIP_LEVEL, mtime=0)
        return self._zipped

    def answer(self, *, zips: bool = True) -> Answer:
        """Return the page as an answer; ``zips`` is False if the body is compressed already."""
        return Answer(200, self.body, self.kind, self.etag, self.zipped if zips else None)
