"""Open a zip archive, if its directory has no more members than allowed: they are counted before one of them is looked at."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO, cast

from mirror.limits import DIRECTORY_BYTES, check_members

if TYPE_CHECKING:
    import zipfile

_ENTRY = b"PK\1\2"  # what each member's entry in the directory begins with


class _Counted:
    """An archive whose directory is counted while it is opened: ``zipfile`` makes 500 bytes of each entry, all at once."""

    def __init__(self, archive: BinaryIO, most: int) -> None:
        self._archive = archive
        self._most: int | None = most

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes. Raises ``ValueError`` for a directory past the bounds."""
        if self._most is None:
            return self._archive.read(size)
        if size > DIRECTORY_BYTES:
            raise ValueError(f"its directory has {size} bytes, far more than that of a package")
        data = self._archive.read(size)
        check_members(data.count(_ENTRY), self._most)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to an offset."""
        return self._archive.seek(offset, whence)

    def tell(self) -> int:
        """Return the offset."""
        return self._archive.tell()

    def seekable(self) -> bool:
        """Return True: it has a directory at its end."""
        return True

    def opened(self) -> None:
        """Stop counting: members may hold archives themselves."""
        self._most = None


def open_zip(archive: BinaryIO, most: int) -> zipfile.ZipFile:
    """Open an archive of at most so many members for reading. Raises ``ValueError``, and what ``zipfile`` raises."""
    import zipfile  # 15 ms to load, and few locks read a source archive

    counted = _Counted(archive, most)
    opened = zipfile.ZipFile(cast("BinaryIO", counted))
    counted.opened()
    return opened
