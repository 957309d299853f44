"""What the searches for several targets share beyond the mirror: the releases chosen so far, and whose metadata was read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mirror.records.filenames import is_pure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mirror.records.model import DistFile
    from mirror.records.simple_file import FileList

TaggedFile = tuple[int, str, str]  # place in the list, file name, tags

_PLATFORM = r"(manylinux|musllinux|macosx|linux|win)\d*(?:_\d+_\d+)?_?(.*)"


class SharedChoices:
    """Releases and metadata that one target passes on to the next."""

    __slots__ = ("_families", "_files", "_installable", "_kinds", "candidates", "pins")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.pins: Mapping[str, Iterable[str]] = {}  # versions, the preferred one first
        # Of projects and releases for any platform, by name (and version), version and implementation of Python.
        self.candidates: dict[tuple[str, ...], object] = {}
        self._installable: dict[tuple[str, ...], tuple[DistFile, ...]] = {}
        self._kinds: dict[tuple[str, int], dict[str, int]] = {}  # project and release -> platform -> file kind
        self._families: dict[str, str] = {}
        self._files: dict[tuple[str, int], tuple[FileList, list[TaggedFile]]] = {}

    def metadata_kind(self, name: str, release: int, file_kind: int, tags: str) -> int:
        """Return the file kind whose metadata stands for this wheel's: that of the first wheel of its platform that was read.

        The wheels of one release for one platform differ in the Python that they are for; so each platform's own metadata is
        read, once.
        """
        family = self._families.get(tags)
        if family is None:
            family = self._families[tags] = platform_family(tags)
        return self._kinds.setdefault((name, release), {}).setdefault(family, file_kind)

    def kinds_read(self, name: str, release: int) -> Iterable[int]:
        """Return the file kinds of a release whose metadata is read for other targets, the first one first."""
        return self._kinds.get((name, release), {}).values()

    def files(
        self, name: str, release: int, read: Callable[[], tuple[FileList, list[TaggedFile]]]
    ) -> tuple[FileList, list[TaggedFile]]:
        """Return the files of a release, which ``read`` returns the first time."""
        files = self._files.get((name, release))
        if files is None:
            files = self._files[name, release] = read()
        return files

    def installable(
        self, key: tuple[str, ...], tagged: Sequence[TaggedFile], find: Callable[[], tuple[DistFile, ...]]
    ) -> tuple[DistFile, ...]:
        """Return what ``find`` does; for wheels for any platform once for each key, which names release and Python."""
        usable = self._installable.get(key)
        if usable is None:
            usable = find()
            if all(is_pure(tags) for _, _, tags in tagged):
                self._installable[key] = usable
        return usable


def platform_family(tags: str) -> str:
    """Return the platform of a wheel's tags without the versions that it supports: ``macosx arm64``."""
    platform = tags.rsplit("-", 1)[-1]
    match = re.match(_PLATFORM, platform.partition(".")[0])
    return " ".join(match.groups()) if match else platform
