"""The zip file: the same content gives the same bytes on every system and at any time.

Files are stored uncompressed: wheels are compressed already, and compressed bytes differ between versions of zlib. They are
sorted, dated 1980, and have Unix permissions.
"""

from __future__ import annotations

import stat
import zipfile
from typing import TYPE_CHECKING

import msgspec

from mirror.store.atomic import AtomicWriteError, Batch
from pipx_parallel.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable

_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_CHUNK = 1024 * 1024


class Member(msgspec.Struct, frozen=True):
    """One file of the archive: its bytes, or the path of the file with its bytes."""

    name: str
    size: int
    data: bytes = b""
    path: str = ""
    mode: int = 0o644

    def __post_init__(self) -> None:
        """Refuse a name that leads out of the folder that the archive is unpacked in. Raises ``ValueError``."""
        if not self.name or "\\" in self.name or any(part in {"", ".", ".."} for part in self.name.split("/")):
            raise ValueError(f"name: {self.name!r} is no path inside the archive")


def write_zip(target: str, members: Iterable[Member]) -> int:
    """Write the archive completely or not at all; return its size in bytes. Raises ``OutputError``."""
    try:
        with Batch() as batch:
            with batch.open(target) as stream:
                with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
                    for member in sorted(members, key=lambda member: member.name):
                        _add(archive, member)
                size = stream.tell()
            batch.commit()
    except AtomicWriteError as error:
        raise OutputError(f"{error}; nothing was changed") from error
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror}; nothing was changed") from error
    return size


def _add(archive: zipfile.ZipFile, member: Member) -> None:
    info = zipfile.ZipInfo(member.name, _DATE)
    info.create_system = _UNIX
    info.external_attr = (stat.S_IFREG | member.mode) << 16
    info.file_size = member.size  # so that zipfile uses 64-bit fields only if they are needed
    with archive.open(info, "w") as out:
        if not member.path:
            out.write(member.data)
            return
        with open(member.path, "rb") as file:
            while piece := file.read(_CHUNK):
                out.write(piece)
