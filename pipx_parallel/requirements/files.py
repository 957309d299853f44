"""Read files, standard input and URLs: the only module of this folder that opens files."""

# Paths stay strings as the user wrote them: pathlib would normalise them, and takes 3 ms to import.
from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from pipx_parallel.requirements.urls import is_location_url, local_path

if TYPE_CHECKING:
    from collections.abc import Callable


class FileReader:
    """A ``Reader`` of the disk, standard input, and, if ``fetch`` is given, the network."""

    def __init__(self, fetch: Callable[[str], bytes] | None = None, stdin: Callable[[], bytes] | None = None) -> None:
        """Take the functions that fetch an ``http(s):`` URL (raises ``OSError``) and read standard input."""
        self._fetch = fetch
        self._stdin = stdin or _read_stdin
        self._streams: dict[str, bytes] = {}

    def read(self, location: str) -> bytes:
        """Return the bytes. Raises ``OSError``, also for a URL if there is no ``fetch``."""
        if location in self._streams:
            return self._streams[location]
        if location == "-":
            return self._buffer(location, self._stdin())
        if is_location_url(location):
            if not location.lower().startswith("file:"):
                if self._fetch is None:
                    raise OSError("URLs cannot be fetched here")
                return self._fetch(location)
            try:
                location = local_path(location)
            except ValueError as error:
                raise OSError(str(error)) from error
        with open(location, "rb") as file:
            data = file.read()
        return data if os.path.isfile(location) else self._buffer(location, data)

    def _buffer(self, location: str, data: bytes) -> bytes:
        """Keep the data of a stream: a pipe (a shell's ``<(…)``) can be read only once, but its format is detected first."""
        return self._streams.setdefault(location, data)

    def kind(self, path: str) -> str:
        """Return "file", "folder" or ""."""
        if os.path.isdir(path):
            return "folder"
        return "file" if os.path.isfile(path) else ""

    def beside(self, path: str) -> list[str]:
        """Return the paths of all files in the folder of a path; none if there is no such folder."""
        folder = os.path.dirname(path)
        try:
            names = os.listdir(folder or ".")
        except (OSError, ValueError):
            return []
        return [os.path.join(folder, name) for name in names]

    def absolute(self, path: str) -> str:
        """Return the absolute path; relative paths are relative to the current folder."""
        return os.path.abspath(path)


def _read_stdin() -> bytes:
    return sys.stdin.buffer.read()
