"""What a client keeps of a published mirror: its index and the shards it used. Anything unreadable here counts as not kept."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from mirror.exchange.published_index import INDEX, PublishedIndex, digest_of
from mirror.store.atomic import write_file

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHARDS = "shards"
_PUBLISHED = "published"
_MOST = 256 * 1024 * 1024  # bytes of the kept shards; with more, only those of the last run are kept


class PublishedCache:
    """The index and shards of one published mirror in a folder; several processes may use it, the last one's write stays."""

    def __init__(self, folder: str, address: str) -> None:
        """Use a folder of this mirror's own below ``folder``; with an empty ``folder`` nothing is kept."""
        name = hashlib.blake2s(address.encode(), digest_size=8).hexdigest()
        self.folder = os.path.join(folder, "published", name) if folder else ""

    def index(self) -> PublishedIndex | None:
        """Return the kept index, or None."""
        with suppress(OSError, ValueError, RecursionError):
            return PublishedIndex.read(self._read(INDEX))
        return None

    def shards(self) -> dict[str, memoryview]:
        """Return the kept shards by digest."""
        shards = {}
        with suppress(OSError, ValueError, TypeError, RecursionError):
            data = memoryview(self._read(_SHARDS))
            offset = 4 + int.from_bytes(data[:4], "little")
            for digest, length in json.loads(bytes(data[4:offset])):
                shard = data[offset : offset + length]
                offset += length
                if digest_of(shard) == digest:
                    shards[digest] = shard
        return shards

    def save_index(self, data: bytes) -> None:
        """Keep an index, as it was published."""
        self._write(INDEX, data)

    def save_shards(self, used: Mapping[str, bytes | memoryview], older: Mapping[str, bytes | memoryview]) -> None:
        """Keep the shards of this run, and older ones if there is room."""
        shards = {**older, **used}
        if sum(map(len, shards.values())) > _MOST:
            shards = dict(used)
        head = json.dumps([[digest, len(shard)] for digest, shard in shards.items()]).encode()
        self._write(_SHARDS, b"".join((len(head).to_bytes(4, "little"), head, *shards.values())))

    def published(self) -> int:
        """Return when the newest signed index that was used was published, in epoch seconds; 0 if none is known."""
        with suppress(OSError, ValueError):
            return int(self._read(_PUBLISHED))
        return 0

    def save_published(self, moment: int) -> None:
        """Keep when a signed index was published."""
        self._write(_PUBLISHED, b"%d" % moment)

    def _read(self, name: str) -> bytes:
        if not self.folder:
            return b""
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def _write(self, name: str, data: bytes) -> None:
        if self.folder:
            with suppress(OSError):  # no room, or a read-only home: the next run fetches again
                os.makedirs(self.folder, mode=0o700, exist_ok=True)
                write_file(os.path.join(self.folder, name), data)
