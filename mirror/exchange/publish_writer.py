"""Writes the files of a published mirror, and counts them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mirror.errors import StoreError
from mirror.exchange.published_index import INDEX, SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.exchange.publish_target import PublishTarget
    from mirror.exchange.shard_file import ShardFile

    Sign = Callable[[bytes, str], bytes]  # bytes, and the signature's trusted comment -> the signature


class PublishWriter:
    """Writes files to a target; with ``sign`` also the signatures of those that are not named by their digest."""

    def __init__(self, target: PublishTarget, shards: ShardFile, sign: Sign | None, now: float) -> None:
        """Take the parts; ``now`` is the time of the publication."""
        self.target = target
        self.shards = shards
        self.counts = Counter(written=0, unchanged=0, partial=0, size=0)
        self._sign = sign
        self._now = int(now)

    def put(self, path: str, data: bytes) -> None:
        """Write a file unless the target has these bytes."""
        written = self.target.put(path, data)
        self.counts["written" if written else "unchanged"] += 1
        self.counts["size"] += len(data) * written

    def put_signed(self, path: str, data: bytes) -> None:
        """Write a file that clients read first, after all before it, then its signature, which is new each time.

        The signature comes second: an object store refuses the file if another publication has written it meanwhile, and the
        signature of that one must stay.
        """
        self.target.flush()
        self.put(path, data)
        self.target.flush()
        if self._sign is not None:
            self.put(path + SIGNATURE, self._sign(data, f"timestamp:{self._now}\tfile:{path}\thashed"))
            self.target.flush()

    def numbers(self) -> dict[str, int]:
        """Return what was counted, by the names that ``Published`` has for it."""
        return dict(self.counts)

    def remove_signed(self, path: str) -> None:
        """Remove a file that is not published any more: its signature would become older than that of the index."""
        if self._sign is not None and self.target.remove(path):
            self.target.remove(path + SIGNATURE)


def refuse_unsigned(target: PublishTarget, sign: Sign | None) -> None:
    """Raise ``StoreError`` if a target is signed and there is no key: its clients would refuse what is written."""
    if sign is None and target.read(INDEX + SIGNATURE) is not None:
        raise StoreError(
            f"{target.label} is signed: give --sign-key, or remove its files *{SIGNATURE} if it shall not be any more"
        )
