"""The packs of a published mirror: a base, and the changes since it, to which each publication appends.

Two packs suffice for a lock in two ranged reads. Once the changes are an eighth of the base, all becomes a new base.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from mirror.equality import equal_by_type
from mirror.errors import Malformed, StoreError
from mirror.exchange.published_index import Pack, Row, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mirror.exchange.publish_target import PublishTarget
    from mirror.exchange.published_index import PublishedIndex

    Key = tuple[str, str]  # index id, project

_SHARE = 8  # the base is this many times larger than the changes
LEAST_CHANGES = 1_000_000  # bytes of changes that are always allowed


@equal_by_type
class Made(NamedTuple):
    """The shard of a project before it is in a pack."""

    data: bytes  # b"": it is as in the packs of the publication before
    length: int
    digest: str
    files: str  # the path of its complete file view; "": it has none
    files_size: int
    requires: tuple[str, ...]


def packed(
    before: PublishedIndex | None, target: PublishTarget, made: Mapping[Key, Made]
) -> tuple[tuple[Pack, ...], dict[Key, Row], list[tuple[Pack, bytes]]]:
    """Return the packs, the row of each project, and the packs to write with their bytes."""
    if before is None or not before.packs:
        return _base(made)
    rows: dict[Key, Row] = {}
    fresh: list[Key] = []
    for key, shard in made.items():
        row = None
        with suppress(Malformed):  # the old index is untrusted
            row = before.row(*key)
        if row is not None and row.digest == shard.digest and row.length == shard.length:
            rows[key] = row._replace(files=shard.files_size, requires=shard.requires)
        else:
            fresh.append(key)
    if not fresh:
        return before.packs, rows, []
    base, *changes = before.packs
    size = sum(pack.size for pack in changes) + sum(made[key].length for key in fresh)
    old = target.read(changes[0].path) if changes else b""
    if size > max(LEAST_CHANGES, base.size // _SHARE) or old is None:
        return _base(_read(before, target, made))
    more, body = _laid_out(fresh, made, 1, old)
    pack = Pack(hashlib.sha256(body).hexdigest(), len(body))
    return (base, pack), {key: (rows | more)[key] for key in made}, [(pack, body)]


def _read(before: PublishedIndex, target: PublishTarget, made: Mapping[Key, Made]) -> dict[Key, Made]:
    """Return the shards with those of the publication before, whose packs are read. Raises ``StoreError`` if one differs."""
    packs = [target.read(pack.path) or b"" for pack in before.packs]
    whole: dict[Key, Made] = {}
    for key, shard in made.items():
        row = None if shard.data else before.row(*key)
        if row is not None:
            shard = shard._replace(data=packs[row.pack][row.offset : row.offset + row.length])  # noqa: PLW2901
            if digest_of(shard.data) != shard.digest:
                raise StoreError(f"{target.label}: its packs are damaged; run the command again with --refresh")
        whole[key] = shard
    return whole


def _base(made: Mapping[Key, Made]) -> tuple[tuple[Pack, ...], dict[Key, Row], list[tuple[Pack, bytes]]]:
    """Lay all shards out in one pack: first what most others need, so that the shards of a lock are near each other."""
    if not made:
        return (), {}, []
    needed = Counter(word.partition("[")[0] for shard in made.values() for word in shard.requires)
    order = sorted(made, key=lambda key: (not made[key].requires, -needed[key[1]], key))
    rows, body = _laid_out(order, made, 0, b"")
    pack = Pack(hashlib.sha256(body).hexdigest(), len(body))
    return (pack,), {key: rows[key] for key in made}, [(pack, body)]


def _laid_out(
    order: Iterable[Key], made: Mapping[Key, Made], number: int, start: bytes
) -> tuple[dict[Key, Row], bytes]:
    rows = {}
    pieces = [start]
    offset = len(start)
    for key in order:
        shard = made[key]
        rows[key] = Row(number, shard.digest, offset, shard.length, shard.files_size, shard.requires)
        pieces.append(shard.data)
        offset += shard.length
    return rows, b"".join(pieces)
