"""Source archives that may have to be built later in the run."""

from __future__ import annotations

from typing import BinaryIO


class Archives:
    """Open files by name; each can be taken once. A large one is a temporary file on disk that has no name."""

    def __init__(self) -> None:
        """Hold none yet."""
        self._files: dict[str, BinaryIO] = {}

    def put(self, name: str, archive: BinaryIO) -> None:
        """Store an archive in place of an earlier one."""
        earlier = self.take(name)
        if earlier is not None:
            earlier.close()
        self._files[name] = archive

    def take(self, name: str) -> BinaryIO | None:
        """Return an archive and forget it; None if there is none."""
        return self._files.pop(name, None)

    def close(self) -> None:
        """Close what was not taken."""
        while self._files:
            self._files.popitem()[1].close()
