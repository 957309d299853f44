"""Write files atomically: stage a file beside the target, then rename it (on POSIX and on Windows).

``write_file`` writes one file, ``write_all`` several. ``Batch`` is for callers that do work between the two steps or write in
pieces. A target that is a device or a pipe (``/dev/stdout``) is written in place at the commit: a rename would replace the
device.
"""

# pathlib takes 10 ms to import (measured on CPython 3.11), and every warm lock uses this module.

from __future__ import annotations

import errno
import os
import stat
from typing import IO, TYPE_CHECKING, Self

from mirror.equality import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

_PERMISSIONS = 0o777
_EXECUTABLE = 0o111
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
_REASONS = {
    errno.ENOENT: "the folder does not exist",
    errno.ENOTDIR: "a part of the path is not a folder",
    errno.EISDIR: "it is a folder",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "the disk is full",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "its symbolic links form a loop",
}


class AtomicWriteError(OSError):
    """A file cannot be written; no target has changed. ``errno``, ``filename`` and ``reason`` have the cause."""

    def __init__(self, path: str, cause: OSError) -> None:
        """Make a message of the cause: ``cannot write PATH: the disk is full``."""
        self.reason = _REASONS.get(cause.errno or 0) or cause.strerror or str(cause)
        super().__init__(cause.errno, f"cannot write {path}: {self.reason}")
        self.filename = path

    def __str__(self) -> str:
        """Return the message without the error number that ``OSError`` adds."""
        return str(self.strerror)


class _Staged(NamedTuple):
    path: str  # as the caller gave it, for messages
    target: str  # the path after following links
    staged: str  # the path of the staged file


class Batch:
    """Files that are written together: ``stage`` each, then ``commit``. Leaving the ``with`` block discards uncommitted files.

    Every method may raise ``AtomicWriteError``. Not thread-safe.
    """

    def __init__(self) -> None:
        """Create an empty batch."""
        self._files: list[_Staged] = []
        self._devices: list[tuple[str, bytes]] = []

    def __enter__(self) -> Self:
        """Return the batch itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove staged files that are not committed, also after ``KeyboardInterrupt``."""
        self.discard()

    def stage(self, path: str | os.PathLike[str], data: bytes, mode: int = 0o644) -> None:
        """Write ``data`` beside ``path``. An existing target keeps its permissions, plus the execution bits of ``mode``."""
        given = os.fspath(path)
        try:
            if _is_device(given):
                self._devices.append((given, data))
                return
            with self._open(given, mode) as stream:
                stream.write(data)
        except OSError as error:
            raise AtomicWriteError(given, error) from error

    def open(self, path: str | os.PathLike[str], mode: int = 0o644) -> IO[bytes]:
        """Return the staged file of ``path``, open for writing; the caller closes it before ``commit``."""
        given = os.fspath(path)
        try:
            return self._open(given, mode)
        except OSError as error:
            raise AtomicWriteError(given, error) from error

    def commit(self) -> None:
        """Rename every staged file to its target, in order; if a rename fails, the earlier ones are undone."""
        for path, data in self._devices:
            _write_in_place(path, data)
        if len(self._files) == 1:
            _rename(self._files[0])
        else:
            _rename_all(self._files)
        self._files.clear()
        self._devices.clear()

    def discard(self) -> None:
        """Remove every staged file; safe to call twice."""
        for file in self._files:
            _remove(file.staged)
        self._files.clear()
        self._devices.clear()

    def _open(self, path: str, mode: int) -> IO[bytes]:
        target = os.path.realpath(path)  # replace the target of a link, not the link
        before = _status(target)
        if before is not None and stat.S_ISDIR(before.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        file = _Staged(path, target, _beside(target))
        self._files.append(file)  # before it is created, so that an interrupt here leaves no file behind
        stream = os.fdopen(os.open(file.staged, _CREATE, mode), "wb")
        if before is not None:
            # The staged file is new, so copy the permissions of the old file (for example 0600).
            os.chmod(file.staged, (before.st_mode & _PERMISSIONS) | (mode & _EXECUTABLE))
        return stream


def write_file(path: str | os.PathLike[str], data: bytes, mode: int = 0o644) -> None:
    """Write one file atomically. Raises ``AtomicWriteError``."""
    write_all(((path, data, mode),))


def write_all(items: Sequence[tuple[str | os.PathLike[str], bytes, int]]) -> None:
    """Write all ``(path, data, mode)`` or none: all are staged before the first rename. Raises ``AtomicWriteError``."""
    with Batch() as batch:
        for path, data, mode in items:
            batch.stage(path, data, mode)
        batch.commit()


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise ``AtomicWriteError`` if a file can clearly not be written, so that the error comes before long work."""
    given = os.fspath(path)
    try:
        target = os.path.realpath(given)
        before = _status(target)
        if before is not None and stat.S_ISDIR(before.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if before is not None and not stat.S_ISREG(before.st_mode):  # a device: no file is staged beside it
            return
        folder = os.path.dirname(target)
        os.stat(folder)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise AtomicWriteError(given, error) from error


def _rename_all(files: Sequence[_Staged]) -> None:
    backups: list[tuple[_Staged, str | None]] = []
    try:
        for file in files:
            backups.append((file, _back_up(file)))
            _rename(file)
    except BaseException:
        for file, backup in reversed(backups):
            _put_back(file, backup)
        raise
    finally:
        for _, backup in backups:
            _remove(backup)


def _rename(file: _Staged) -> None:
    try:
        os.replace(file.staged, file.target)
    except OSError as error:
        raise AtomicWriteError(file.path, error) from error


def _back_up(file: _Staged) -> str | None:
    """Return the path of a backup of the target, or None if there is no target."""
    if not os.path.lexists(file.target):
        return None
    backup = _beside(file.target)
    try:
        try:
            os.link(file.target, backup)
        except OSError:  # a file system without hard links: copy
            with open(file.target, "rb") as old, open(backup, "xb") as new:
                new.write(old.read())
    except OSError as error:
        _remove(backup)
        raise AtomicWriteError(file.path, error) from error
    return backup


def _put_back(file: _Staged, backup: str | None) -> None:
    if os.path.lexists(file.staged):  # it was not renamed
        return
    if backup is None:
        _remove(file.target)
    else:
        os.replace(backup, file.target)


def _write_in_place(path: str, data: bytes) -> None:
    try:
        with open(path, "wb") as stream:
            stream.write(data)
    except OSError as error:
        raise AtomicWriteError(path, error) from error


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _is_device(path: str) -> bool:
    status = _status(path)
    return status is not None and not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode)


def is_staged(name: str) -> bool:
    """Return whether a file name is that of a staged file. A killed process may leave such a file behind."""
    return name.startswith(".staged-") and name.endswith(".tmp")


def _beside(target: str) -> str:
    """Return a new path in the target's folder: a rename is atomic only within one file system."""
    return os.path.join(os.path.dirname(target), f".staged-{os.urandom(8).hex()}.tmp")


def _remove(path: str | None) -> None:
    if path is None:
        return
    try:
        os.unlink(path)
    except OSError:
        return  # it or its folder is already removed
