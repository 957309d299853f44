"""The shards of a publication that is under way, in a temporary file: those of a large mirror do not fit into memory."""

from __future__ import annotations

import os
import tempfile

from mirror.errors import StoreError


class ShardFile:
    """A temporary file to which shards are appended."""

    def __init__(self) -> None:
        """Hold none yet."""
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by ``close``

    def add(self, data: bytes) -> int:
        """Store the bytes of a shard and return where they start. Raises ``StoreError``."""
        try:
            start = self._file.seek(0, os.SEEK_END)
            self._file.write(data)
        except OSError as error:
            raise StoreError(
                f"cannot write a temporary file: {error.strerror or error}; TMPDIR names its folder"
            ) from error
        return start

    def read(self, start: int, length: int) -> bytes:
        """Return bytes that were added."""
        self._file.seek(start)
        return self._file.read(length)

    def close(self) -> None:
        """Drop all."""
        self._file.close()
