"""A ``Reader`` over a mapping: requirements files without a disk."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping


class TextReader:
    """Serves texts by path; a folder is whatever some path lies in. The current folder is ``/here``."""

    def __init__(self, texts: Mapping[str, str | bytes]) -> None:
        """Take texts by path as they will be asked for; "-" is standard input."""
        self._texts = {self._key(path): text for path, text in texts.items()}
        self.asked: list[str] = []

    def read(self, location: str) -> bytes:
        """Return the text's bytes, or fail as a missing file does."""
        self.asked.append(location)
        try:
            text = self._texts[self._key(location)]
        except KeyError:
            raise FileNotFoundError(2, "No such file or directory") from None
        return text if isinstance(text, bytes) else text.encode()

    def kind(self, path: str) -> str:
        """Return "file", "folder" or ""."""
        key = self._key(path)
        if key in self._texts:
            return "file"
        return "folder" if any(text_path.startswith(key.rstrip("/") + "/") for text_path in self._texts) else ""

    def beside(self, path: str) -> list[str]:
        """Return the paths of the texts in the folder of a path, relative as the path is."""
        folder = posixpath.dirname(self._key(path))
        names = [posixpath.basename(text) for text in self._texts if posixpath.dirname(text) == folder]
        return [posixpath.join(posixpath.dirname(path), name) for name in names]

    def absolute(self, path: str) -> str:
        """Return the path below ``/here``."""
        return posixpath.normpath(posixpath.join("/here", path))

    def _key(self, path: str) -> str:
        return path if path == "-" or "://" in path or "\\" in path else self.absolute(path)
