"""Files of this machine as responses: whole files and ranges, hashes."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from mirror.http.problems import too_large
from mirror.ports import Exchange, ProblemKind
from mirror.urls import page_address, path_of

if TYPE_CHECKING:
    from mirror.ports import Request

_CHUNK = 1024 * 1024  # bytes

_hashes: dict[tuple[str, int, int], str] = {}  # (path, size, modified) -> SHA-256: a file is hashed once per process


def sha256_of(path: str) -> str:
    """Return the SHA-256 of a file in hex; computed once while size and time stay the same. Raises ``OSError``."""
    status = os.stat(path)  # pathlib costs more than the call
    key = (path, status.st_size, status.st_mtime_ns)
    if key not in _hashes:
        digest = hashlib.sha256()
        with open(path, "rb") as file:  # as above
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        _hashes[key] = digest.hexdigest()
    return _hashes[key]


def answer(request: Request) -> Exchange:
    """Return the response to a request for a ``file:`` URL: 200, 206 for a range, 404, or a problem. Never raises."""
    path = path_of(request.url)
    try:
        with open(path, "rb") as file:  # as above
            size = os.fstat(file.fileno()).st_size
            span = _span(dict(request.headers).get("Range"), size)
            if request.limit is not None and span is None and size > request.limit:
                return Exchange.failed(request, *too_large(request.limit))
            if span is None:
                body = b"" if request.spool else file.read()
                opened = open(path, "rb") if request.spool else None  # noqa: SIM115 - whoever gets the exchange closes it
                return Exchange(request, 200, {}, body, page_address(request.url), size=size, file=opened)
            file.seek(span[0])
            headers = {"content-range": f"bytes {span[0]}-{span[1]}/{size}"}
            return Exchange(request, 206, headers, file.read(span[1] - span[0] + 1), page_address(request.url))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return Exchange(request, 404, {}, b"", page_address(request.url))
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        return Exchange.failed(request, f"the file cannot be read: {reason}", ProblemKind.UNSENDABLE)


def _span(range_header: str | None, size: int) -> tuple[int, int] | None:
    """Return first and last byte of a range, clipped to the file; None if there is no range in it."""
    if range_header is None or not range_header.startswith("bytes=") or not size:
        return None
    first, _, last = range_header.removeprefix("bytes=").partition("-")
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last), size - 1) if first and last else size - 1
    return (start, end) if start <= end else None
