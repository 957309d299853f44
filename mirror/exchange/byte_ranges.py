"""Several ranges of one file in one request (RFC 9110, section 14.2): the header, and the pieces of the response.

A server may also send fewer and longer ranges, only one, or the whole file. So a piece is taken from whatever covers it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mirror.ports import Exchange

    Range = tuple[int, int]  # its first byte, and the byte after its last

UNSATISFIABLE = 416
_CONTENT_RANGE = re.compile(rb"bytes (\d{1,15})-(\d{1,15})/")
_HEAD = re.compile(rb"(?:\r\n)?--[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")  # of a part: the boundary and its fields


def range_header(ranges: Iterable[Range]) -> tuple[str, str]:
    """Return the header that asks for some ranges."""
    return "Range", "bytes=" + ",".join(f"{start}-{end - 1}" for start, end in ranges)


def pieces_of(exchange: Exchange, ranges: Sequence[Range]) -> list[bytes] | None:
    """Return the bytes of each range in a response; None if it lacks one of them."""
    held = list(_held(exchange))
    pieces = [
        next(
            (body[start - first : end - first] for first, body in held if first <= start and end <= first + len(body)),
            None,
        )
        for start, end in ranges
    ]
    return None if None in pieces else [piece for piece in pieces if piece is not None]


def _held(exchange: Exchange) -> Iterator[tuple[int, bytes]]:
    """Yield what a response has of the file: where it starts there, and its bytes."""
    if exchange.status == 200:
        yield 0, exchange.body
    elif exchange.status == 206 and exchange.headers.get("content-type", "").startswith("multipart/byteranges"):
        yield from _parts(exchange.body)
    elif exchange.status == 206:
        field = _CONTENT_RANGE.match(exchange.headers.get("content-range", "").encode())
        if field is not None:
            yield int(field[1]), exchange.body


def _parts(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the parts of a multipart body; what comes after a damaged one is left out."""
    position = 0
    while head := _HEAD.match(body, position):
        field = _CONTENT_RANGE.search(head[1])
        if field is None:
            return
        start, last = int(field[1]), int(field[2])
        position = head.end() + max(last + 1 - start, 0)
        yield start, body[head.end() : position]
