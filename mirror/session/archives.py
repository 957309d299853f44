"""Source archives that may have to be built later in the run: on disk, not in memory."""

from __future__ import annotations

from typing import IO


class Archives:
    """Archives by name; each can be taken once."""

    def __init__(self) -> None:
        """Make no file yet."""
        self._files: dict[str, IO[bytes]] = {}

    def put(self, name: str, archive: bytes) -> None:
        """Store an archive in an anonymous temporary file. If the disk is full it is not stored."""
        import tempfile  # 10 ms: only for runs that read a source archive

        file = tempfile.TemporaryFile()  # noqa: SIM115 - it stays open until ``take``
        try:
            file.write(archive)
        except OSError:
            file.close()
            return
        self._files[name] = file

    def take(self, name: str) -> bytes:
        """Return an archive and delete it; b"" if there is none."""
        file = self._files.pop(name, None)
        if file is None:
            return b""
        with file:
            file.seek(0)
            return file.read()
