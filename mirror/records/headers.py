"""The headers of METADATA and PKG-INFO files, without the ``email`` package: 24 µs per file instead of 450 µs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container


def read_headers(data: bytes, wanted: Container[str]) -> dict[str, list[str]]:
    """Return the values of the wanted headers (lower case), in order, folded lines joined by a space (RFC 822).

    Bytes that are not UTF-8 become U+FFFD. The description after the first blank line is not read.
    """
    headers: dict[str, list[str]] = {}
    values: list[str] | None = None  # of the current header; None if the header is not wanted
    for line in head_of(data).decode("utf-8", "replace").split("\n"):
        if line.startswith((" ", "\t")):
            if values is not None:
                values[-1] = f"{values[-1]} {line.strip()}".strip()
            continue
        key, _, value = line.partition(":")
        key = key.lower()
        values = headers.setdefault(key, []) if key in wanted else None
        if values is not None:
            values.append(value.strip())
    return headers


def head_of(data: bytes) -> bytes:
    """Return the bytes before the first empty line. Cut before decoding: the description is ten times as long."""
    data = data.lstrip(b"\xef\xbb\xbf\r\n")
    end = data.find(b"\n\n")
    end = len(data) if end < 0 else end
    crlf = data.find(b"\n\r\n", 0, end)
    return data[: crlf if crlf >= 0 else end]
