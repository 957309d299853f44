"""A source archive into a folder, nothing outside it: links, devices and paths that lead out are refused (PEP 706)."""

# Paths go to other programs as text, and come back from them so.
from __future__ import annotations

import os
import tarfile
import zipfile
from typing import BinaryIO

from mirror.errors import BuildFailed, BuildProblem, archive_errors

_LIMIT = 4 * 1024 * 1024 * 1024  # bytes unpacked


def unpack(archive: BinaryIO, label: str, folder: str) -> str:
    """Unpack an archive and return the folder of the project in it: its single top folder, else ``folder`` itself.

    Raises ``BuildFailed`` for an archive that cannot be read, or that holds what no source archive may.
    """
    try:
        archive.seek(0)
        signature = archive.read(2)
        archive.seek(0)
        if signature == b"PK":
            _unzip(archive, folder)
        else:
            with tarfile.open(fileobj=archive) as members:
                # In one pass: to decompress a large archive twice takes seconds.
                members.extractall(folder, filter=_Filter())  # noqa: S202 - the data filter's checks
    except archive_errors() as error:
        raise BuildFailed(f"{label}: cannot be unpacked ({error})", BuildProblem.SOURCE) from error
    names = os.listdir(folder)
    if len(names) == 1 and os.path.isdir(os.path.join(folder, names[0])):
        return os.path.join(folder, names[0])
    return folder


class _Filter:
    """tarfile's data filter, which also bounds the bytes unpacked."""

    def __init__(self) -> None:
        self._unpacked = 0

    def __call__(self, member: tarfile.TarInfo, path: str) -> tarfile.TarInfo:
        self._unpacked += member.size
        if self._unpacked > _LIMIT:
            raise ValueError(f"unpacks to more than {_LIMIT} bytes")
        return tarfile.data_filter(member, path)


def _unzip(archive: BinaryIO, folder: str) -> None:
    root = os.path.realpath(folder)
    with zipfile.ZipFile(archive) as unpacked:
        members = unpacked.infolist()
        if sum(member.file_size for member in members) > _LIMIT:
            raise ValueError(f"unpacks to more than {_LIMIT} bytes")
        for member in members:
            target = os.path.realpath(os.path.join(folder, member.filename))
            if os.path.commonpath([root, target]) != root:
                raise ValueError(f"{member.filename!r} leads out of the archive")
        unpacked.extractall(folder)  # noqa: S202 - each path was checked
