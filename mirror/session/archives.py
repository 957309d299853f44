"""Source archives that were read and may have to be built later in the run: on disk meanwhile, not in memory."""

from __future__ import annotations

from typing import IO


class Archives:
    """Bytes by name, each given back once."""

    def __init__(self) -> None:
        """Nothing is made before the first archive."""
        self._files: dict[str, IO[bytes]] = {}

    def put(self, name: str, archive: bytes) -> None:
        """Keep an archive in a file without a name, which goes with this process. Where the disk is full it is not kept."""
        import tempfile  # 10 ms with what it loads: only a run that reads a source archive

        file = tempfile.TemporaryFile()  # noqa: SIM115 - it is open until it is taken
        try:
            file.write(archive)
        except OSError:
            file.close()
            return
        self._files[name] = file

    def take(self, name: str) -> bytes:
        """Return an archive and forget it; b"" where none is kept."""
        file = self._files.pop(name, None)
        if file is None:
            return b""
        with file:
            file.seek(0)
            return file.read()
