"""The reader of real files: the only file of this folder that opens any."""

# Paths stay the text that the user wrote, which pathlib would tidy; and pathlib costs 3 ms to import.
from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from pipx_parallel.requirements.urls import is_location_url, url_to_path

if TYPE_CHECKING:
    from collections.abc import Callable


class FileReader:
    """A ``Reader`` over the disk, standard input, and, where ``fetch`` is given, the network."""

    def __init__(self, fetch: Callable[[str], bytes] | None = None, stdin: Callable[[], bytes] | None = None) -> None:
        """Take how to get an ``http(s):`` URL (raises ``OSError``) and how to read standard input."""
        self._fetch = fetch
        self._stdin = stdin or _read_stdin
        self._streams: dict[str, bytes] = {}

    def read(self, location: str) -> bytes:
        """Return the bytes. Raises ``OSError``, also for a URL where no fetching is possible."""
        if location in self._streams:
            return self._streams[location]
        if location == "-":
            return self._kept(location, self._stdin())
        if is_location_url(location):
            if not location.lower().startswith("file:"):
                if self._fetch is None:
                    raise OSError("nothing may be fetched by URL here")
                return self._fetch(location)
            try:
                location = url_to_path(location)
            except ValueError as error:
                raise OSError(str(error)) from error
        with open(location, "rb") as file:
            data = file.read()
        return data if os.path.isfile(location) else self._kept(location, data)

    def _kept(self, location: str, data: bytes) -> bytes:
        """Keep what a stream gave: a pipe (a shell's ``<(…)``) says it once, and may be looked at before it is parsed."""
        return self._streams.setdefault(location, data)

    def kind(self, path: str) -> str:
        """Return "file", "folder" or ""."""
        if os.path.isdir(path):
            return "folder"
        return "file" if os.path.isfile(path) else ""

    def absolute(self, path: str) -> str:
        """Return the path counted from the current folder."""
        return os.path.abspath(path)


def _read_stdin() -> bytes:
    return sys.stdin.buffer.read()
