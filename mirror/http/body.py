"""The body of a response while it comes: within the request's limit, in memory or, if the request allows it, in a file."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, cast

from mirror.http.problems import TransferFailed, not_stored, too_large
from mirror.ports import Exchange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mirror.ports import Request
    from mirror.urls import PublicUrl

_IN_MEMORY = 1024 * 1024  # bytes; a longer body is on disk, without a name, so that it goes with this process


class Body:
    """What was received so far."""

    __slots__ = ("_file", "_request", "_size")

    def __init__(self, request: Request) -> None:
        """Hold nothing yet."""
        self._request = request
        self._size = 0
        self._file = _temporary_file() if request.spool else BytesIO()

    def write(self, data: bytes) -> None:
        """Add a piece. Raises ``TransferFailed`` past the request's limit, or if there is no space."""
        self._size += len(data)
        limit = self._request.limit
        if limit is not None and self._size > limit:
            self._file.close()
            raise TransferFailed(too_large(limit))
        try:
            self._file.write(data)
        except OSError as error:
            self._file.close()
            raise TransferFailed(not_stored(error)) from error

    def exchange(self, status: int, headers: Mapping[str, str], url: PublicUrl) -> Exchange:
        """Return the exchange of the whole response."""
        if isinstance(self._file, BytesIO) or status != 200:
            self._file.seek(0)
            body = b"" if status == 304 else self._file.read()
            self._file.close()
            return Exchange(self._request, status, headers, body, url)
        self._file.seek(0)
        return Exchange(self._request, status, headers, b"", url, size=self._size, file=self._file)

    def close(self) -> None:
        """Drop what was received."""
        self._file.close()


def _temporary_file() -> BinaryIO:
    import tempfile  # 10 ms with what it loads; only for source archives

    return cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))
