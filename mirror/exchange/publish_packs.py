"""The packs of a published mirror: a base, and the changes since it, to which each publication appends.

Two packs suffice for a lock in two ranged reads. Once the changes are an eighth of the base, all becomes a new base.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import Malformed, StoreError
from mirror.exchange.published_index import Pack, Row, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mirror.exchange.publish_target import PublishTarget
    from mirror.exchange.published_index import PublishedIndex
    from mirror.exchange.shard_file import ShardFile

    Key = tuple[str, str]  # index id, project

_SHARE = 8  # the base is this many times larger than the changes
LEAST_CHANGES = 1_000_000  # bytes of changes that are always allowed


class Made(NamedTuple):
    """The shard of a project before it is in a pack."""

    start: int  # of its bytes in ``ShardFile``; -1: it is as in the packs of the publication before
    length: int
    digest: str
    files: str  # the path of its complete file view; "": it has none
    files_size: int
    requires: tuple[str, ...]


def packed(
    before: PublishedIndex | None, target: PublishTarget, made: Mapping[Key, Made], shards: ShardFile
) -> tuple[tuple[Pack, ...], dict[Key, str], list[tuple[Pack, bytes]]]:
    """Return the packs, the row of each project as text, and the packs to write with their bytes."""
    if before is None or not before.packs:
        return _base(made, shards)
    rows: dict[Key, str] = {}
    fresh: list[Key] = []
    for key, shard in made.items():
        row = None
        with suppress(Malformed):  # the old index is untrusted
            row = before.row(*key)
        if row is not None and row.digest == shard.digest and row.length == shard.length:
            rows[key] = row._replace(files=shard.files_size, requires=shard.requires).text()
        else:
            fresh.append(key)
    if not fresh:
        return before.packs, rows, []
    base, *changes = before.packs
    size = sum(pack.size for pack in changes) + sum(made[key].length for key in fresh)
    old = target.read(changes[0].path) if changes else b""
    if size > max(LEAST_CHANGES, base.size // _SHARE) or old is None:
        return _base(_read(before, target, made, shards), shards)
    more, body = _laid_out(fresh, made, shards, 1, old)
    pack = Pack(hashlib.sha256(body).hexdigest(), len(body))
    return (base, pack), {key: (rows | more)[key] for key in made}, [(pack, body)]


def _read(
    before: PublishedIndex, target: PublishTarget, made: Mapping[Key, Made], shards: ShardFile
) -> dict[Key, Made]:
    """Return the shards with those of the publication before, whose packs are read. Raises ``StoreError`` if one differs."""
    packs = [target.read(pack.path) or b"" for pack in before.packs]
    whole: dict[Key, Made] = {}
    for key, shard in made.items():
        row = before.row(*key) if shard.start < 0 else None
        if row is not None:
            data = packs[row.pack][row.offset : row.offset + row.length]
            if digest_of(data) != shard.digest:
                raise StoreError(f"{target.label}: its packs are damaged; run the command again with --refresh")
            shard = shard._replace(start=shards.add(data))  # noqa: PLW2901
        whole[key] = shard
    return whole


def _base(
    made: Mapping[Key, Made], shards: ShardFile
) -> tuple[tuple[Pack, ...], dict[Key, str], list[tuple[Pack, bytes]]]:
    """Lay all shards out in one pack, so that those of a lock are near each other: first what most others need.

    Of what no other needs, a user names what has dependencies sooner, and what has many releases.
    """
    if not made:
        return (), {}, []
    needed = Counter(word.partition("[")[0] for shard in made.values() for word in shard.requires)
    order = sorted(made, key=lambda key: (-needed[key[1]], not made[key].requires, -made[key].length, key))
    rows, body = _laid_out(order, made, shards, 0, b"")
    pack = Pack(hashlib.sha256(body).hexdigest(), len(body))
    return (pack,), {key: rows[key] for key in made}, [(pack, body)]


def _laid_out(
    keys: Iterable[Key], made: Mapping[Key, Made], shards: ShardFile, number: int, start: bytes
) -> tuple[dict[Key, str], bytes]:
    """Return the rows and the bytes of a pack that begins with ``start``, in the order of ``keys``."""
    rows = {}
    body = BytesIO()
    body.write(start)
    for key in keys:
        shard = made[key]
        row = Row(number, shard.digest, body.tell(), shard.length, shard.files_size, shard.requires)
        rows[key] = row.text()
        body.write(shards.read(shard.start, shard.length))
    return rows, body.getvalue()
