"""Where a mirror is published: the protocol, and a folder."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from mirror.errors import StoreError
from mirror.exchange.published_index import digest_of
from mirror.store.atomic import is_staged, write_file

if TYPE_CHECKING:
    from collections.abc import Iterator

_STAGED_LONG_AGO = 3600.0  # seconds
IMMUTABLE = ("packs/", "files/")  # folders of files that are named by their digest


class PublishTarget(Protocol):
    """Files by path. Every method may raise ``StoreError``; paths have ``/``."""

    label: str  # for messages, without secrets

    def read(self, path: str) -> bytes | None:
        """Return the content of a file, or None if there is none."""
        ...

    def put(self, path: str, data: bytes) -> bool:
        """Write a file unless it has these bytes already; return whether it is written. It may be written until ``flush``."""
        ...

    def holds(self, path: str) -> bool:
        """Return whether a file that is named by its digest exists and is undamaged, as far as the target can tell."""
        ...

    def flush(self) -> None:
        """Wait until everything is written."""
        ...

    def immutable_paths(self) -> Iterator[str]:
        """Yield the path of every file that is named by its digest."""
        ...

    def remove(self, path: str) -> bool:
        """Remove a file; return whether there was one."""
        ...

    def clean(self, now: float) -> None:
        """Remove what a publication that was killed left half-written."""
        ...


class FolderTarget(PublishTarget):
    """``PublishTarget`` in a local folder. Each file is written atomically."""

    def __init__(self, folder: str) -> None:
        """Use a folder, which need not exist."""
        self.label = folder
        if os.path.exists(os.path.join(folder, "index.json")):
            raise StoreError(
                f"{folder} was published by an older version, in another format: remove it, or publish into a new folder"
            )

    def read(self, path: str) -> bytes | None:
        """Return the content of a file, or None if there is none."""
        try:
            with open(self._path(path), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"cannot read {self._path(path)}: {error.strerror or error}") from error

    def put(self, path: str, data: bytes) -> bool:
        """Write a file unless it has these bytes: it is read, since it may have been changed."""
        target = self._path(path)
        try:
            if os.path.islink(target):  # it leads to a file that is not of this publication
                os.remove(target)
            with suppress(OSError), open(target, "rb") as file:
                if os.fstat(file.fileno()).st_size == len(data) and file.read() == data:
                    return False
            os.makedirs(os.path.dirname(target), exist_ok=True)
            write_file(target, data)
        except OSError as error:
            raise StoreError(f"cannot publish into {self.label}: {error}") from error
        return True

    def holds(self, path: str) -> bool:
        """Return whether a file that is named by its digest exists and is undamaged; it is read."""
        with suppress(StoreError):
            data = self.read(path)
            name = path.rpartition("/")[2].partition(".")[0]
            return data is not None and name in {digest_of(data), hashlib.sha256(data).hexdigest()}
        return False

    def flush(self) -> None:
        """Do nothing: every file is written at once."""

    def immutable_paths(self) -> Iterator[str]:
        """Yield the path of every file that is named by its digest."""
        for top in IMMUTABLE:
            for root, _, names in os.walk(self._path(top)):
                for name in sorted(names):
                    if not is_staged(name):
                        yield os.path.relpath(os.path.join(root, name), self.label).replace(os.sep, "/")

    def remove(self, path: str) -> bool:
        """Remove a file; return whether there was one."""
        try:
            os.remove(self._path(path))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreError(f"cannot remove {self._path(path)}: {error.strerror or error}") from error
        return True

    def clean(self, now: float) -> None:
        """Remove staged files of a publication that was killed; recent files stay: another process may be writing them."""
        for root, _, names in os.walk(self.label):
            for name in names:
                path = os.path.join(root, name)
                with suppress(OSError):
                    if is_staged(name) and now - os.stat(path).st_mtime > _STAGED_LONG_AGO:
                        os.remove(path)

    def _path(self, path: str) -> str:
        return os.path.join(self.label, *path.split("/"))
