"""Responses before they are sent: an answer, and a page that is kept ready."""

from __future__ import annotations

import gzip
import hashlib
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_GZIP_LEVEL = 1  # 2 MB of page in 12 ms, once; level 4 takes twice that for a tenth less


class Answer(msgspec.Struct, frozen=True):
    """A response before it is sent. ``zipped`` gives the body compressed, where that is worth it."""

    status: int
    body: bytes
    kind: str = "text/plain; charset=utf-8"
    etag: str | None = None
    zipped: Callable[[], bytes] | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what would end one header and begin another. Raises ``ValueError``."""
        if any("\n" in text or "\r" in text for pair in self.headers for text in pair):
            raise ValueError("headers: a line end in a name or value")

    def with_header(self, name: str, value: str) -> Answer:
        """Return the answer with one header more."""
        return msgspec.structs.replace(self, headers=(*self.headers, (name, value)))


def text(status: int, body: str) -> Answer:
    """Return a plain answer."""
    return Answer(status, body.encode())


def problem(status: int, sentence: str) -> Answer:
    """Return an answer that says what is wrong."""
    return text(status, sentence + "\n")


class Page:
    """One page, ready: its bytes, their tag, and compressed once somebody wants that."""

    def __init__(self, body: bytes, kind: str) -> None:
        """Compress nothing yet."""
        self.body = body
        self.kind = kind
        self.etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        self._zipped: bytes | None = None

    def zipped(self) -> bytes:
        """Return the body compressed; the same bytes each time."""
        if self._zipped is None:
            self._zipped = gzip.compress(self.body, _GZIP_LEVEL, mtime=0)
        return self._zipped

    def answer(self, *, zips: bool = True) -> Answer:
        """Return the page as an answer; ``zips`` is False for what is compressed already."""
        return Answer(200, self.body, self.kind, self.etag, self.zipped if zips else None)
