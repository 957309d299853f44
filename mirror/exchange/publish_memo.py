"""What the last publication made of each record, on the publisher's machine: the next one skips what has not changed.

It may be deleted at any time. It is valid for one state of the target only, which it names by the SHA-256 of the target's index.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import Malformed
from mirror.records.compression import pack_frame, unpack_frame
from mirror.store.atomic import AtomicWriteError, write_file

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    Key = tuple[str, str]  # index id, project

_LARGEST = 1 << 30  # bytes, unpacked


class PublishedRecord(NamedTuple):
    """One project: what was published of it is still right while all of this is."""

    record: str  # digest of its release view without its freshness
    files: str  # path of its complete file view; "": it has none
    partial: bool  # whether its pages lack releases
    lacks: tuple[str, ...]  # projects that its dependency sets name and that were not published


class PublishMemo:
    """Projects by index id and name. An empty path: nothing is read or written."""

    def __init__(self, path: str = "", *, pages: bool = False) -> None:
        """Take the file to read and write, and whether pages are published."""
        self._path = path
        self._pages = pages
        self.before: dict[Key, PublishedRecord] = {}
        self.now: dict[Key, PublishedRecord] = {}

    def load(self, index: bytes | None) -> None:
        """Read what was published with this index; nothing if it was another publication, or the file is damaged."""
        if index is None or not self._path:
            return
        with suppress(OSError, ValueError, TypeError, Malformed), open(self._path, "rb") as file:
            value = json.loads(unpack_frame(file.read(), _LARGEST))
            if value["index"] == hashlib.sha256(index).hexdigest() and value["pages"] >= self._pages:
                for index_id, rows in value["projects"].items():
                    for name, (record, files, partial, *lacks) in rows.items():
                        self.before[index_id, name] = PublishedRecord(record, files, bool(partial), tuple(lacks))

    def hit(self, key: Key, record: str, published: AbstractSet[str]) -> PublishedRecord | None:
        """Return the row of a project whose record has this digest, if it would be published the same way now; else None."""
        row = self.before.get(key)
        return row if row is not None and row.record == record and published.isdisjoint(row.lacks) else None

    def save(self, index: bytes) -> None:
        """Write what was published with this index. It may fail: then the next publication makes everything anew."""
        if not self._path:
            return
        projects: dict[str, dict[str, list[object]]] = {}
        for (index_id, name), row in self.now.items():
            projects.setdefault(index_id, {})[name] = [row.record, row.files, int(row.partial), *row.lacks]
        value = {"index": hashlib.sha256(index).hexdigest(), "pages": self._pages, "projects": projects}
        with suppress(OSError, AtomicWriteError):
            write_file(self._path, pack_frame(json.dumps(value, separators=(",", ":")).encode()))
