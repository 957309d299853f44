"""A source archive into a folder, nothing outside it: links, devices and paths that lead out are refused (PEP 706).

Plain files and folders are written here, 30 µs each: the standard library resolves every path anew and takes eight times as long,
so that an archive of empty files keeps a core busy for seconds. Every other member, and every member after a link, is left to it.
"""

# Paths go to other programs as text, and come back from them so.
from __future__ import annotations

import os
import shutil
import tarfile
from typing import BinaryIO

from mirror.errors import BuildFailed, BuildProblem, archive_errors
from mirror.limits import check_members, unpacked_bytes, unpacked_members
from mirror.metadata.zip_directory import open_zip

_EXECUTABLE = 0o111


def unpack(archive: BinaryIO, label: str, folder: str) -> str:
    """Unpack an archive and return the folder of the project in it: its single top folder, else ``folder`` itself.

    Raises ``BuildFailed`` for an archive that cannot be read, or that holds what no source archive may.
    """
    try:
        size = archive.seek(0, os.SEEK_END)
        archive.seek(0)
        zipped = archive.read(2) == b"PK"
        archive.seek(0)
        bounds = _Bounds(size, zipped=zipped)
        if zipped:
            _unzip(archive, folder, bounds)
        else:
            _untar(archive, folder, bounds)
    except archive_errors() as error:
        raise BuildFailed(f"{label}: cannot be unpacked ({error})", BuildProblem.SOURCE) from error
    names = os.listdir(folder)
    if len(names) == 1 and os.path.isdir(os.path.join(folder, names[0])):
        return os.path.join(folder, names[0])
    return folder


class _Bounds:
    """How many members and bytes an archive may still have."""

    def __init__(self, size: int, *, zipped: bool) -> None:
        """Take the size of the archive, and whether it is a zip archive."""
        self._most_bytes, self.most_members = unpacked_bytes(size), unpacked_members(size, zipped=zipped)
        self._bytes, self._members = 0, 0

    def count(self, size: int) -> None:
        """Count a member. Raises ``ValueError`` past a bound."""
        self._bytes += size
        self._members += 1
        if self._bytes > self._most_bytes:
            raise ValueError(f"it unpacks to more than {self._most_bytes} bytes, far more than a source archive holds")
        check_members(self._members, self.most_members)


class _Folder:
    """Where members are written. No link may be in it."""

    def __init__(self, path: str) -> None:
        """Name the folder, which exists."""
        self._path = path
        self._made = {path}

    def make(self, name: str) -> str:
        """Make a folder and return its path."""
        path = os.path.join(self._path, name)
        if path not in self._made:
            os.makedirs(path, exist_ok=True)
            self._made.add(path)
        return path

    def write(self, name: str, stream: BinaryIO, *, executable: bool = False, changed_at: float | None = None) -> None:
        """Write a file."""
        head, _, tail = name.rpartition("/")
        path = os.path.join(self.make(head) if head else self._path, tail)
        with open(path, "wb") as file:
            shutil.copyfileobj(stream, file)
        if executable:
            os.chmod(path, os.stat(path).st_mode | _EXECUTABLE)
        if changed_at is not None:  # what is older than its source may be made anew by a build
            os.utime(path, (changed_at, changed_at))


def _is_plain(name: str) -> bool:
    """Return whether a path leads to below its folder on every system, by its text alone."""
    return not ("\\" in name or ":" in name or "\0" in name or name.startswith("/") or ".." in name.split("/"))


def _untar(archive: BinaryIO, folder: str, bounds: _Bounds) -> None:
    target, has_link = _Folder(folder), False
    with tarfile.open(fileobj=archive) as members:  # in one pass: to decompress a large archive twice takes seconds
        for member in members:
            bounds.count(member.size)
            if has_link or not _is_plain(member.name):
                members.extract(member, folder, filter="data")
            elif member.isdir():
                target.make(member.name)
            elif member.isreg() and (stream := members.extractfile(member)) is not None:
                executable = bool(member.mode & _EXECUTABLE)
                target.write(member.name, stream, executable=executable, changed_at=member.mtime)  # type: ignore[arg-type]
            else:
                has_link = True
                members.extract(member, folder, filter="data")


def _unzip(archive: BinaryIO, folder: str, bounds: _Bounds) -> None:
    target = _Folder(folder)
    with open_zip(archive, bounds.most_members) as unpacked:
        for member in unpacked.infolist():
            bounds.count(member.file_size)
            if not _is_plain(member.filename):
                _check_inside(folder, member.filename)
                unpacked.extract(member, folder)
            elif member.is_dir():
                target.make(member.filename.rstrip("/"))
            else:
                with unpacked.open(member) as stream:
                    target.write(member.filename, stream)  # type: ignore[arg-type]  # what is read here


def _check_inside(folder: str, name: str) -> None:
    root = os.path.realpath(folder)
    if os.path.commonpath([root, os.path.realpath(os.path.join(root, name))]) != root:
        raise ValueError(f"{name!r} leads out of the archive")
