"""The snapshot: a mirror or a part of it as one file. The same content gives the same bytes.

Layout (docs/mirror-format.md): magic, length of the head, head (JSON, compressed), blocks (compressed), SHA-256 of all before
it. The head has every length, and each is bounded. Nothing is used as a path, nothing is executed. The SHA-256 is verified
first, so any changed bit raises ``Integrity``.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mirror.equality import NamedTuple
from mirror.errors import Integrity, Malformed
from mirror.exchange.advisory_set import pack_advisories, unpack_advisories
from mirror.exchange.record_iterator import addresses, classified, readable, split_key
from mirror.keys import FACTS, TEXTS, VIEWS, facts_key, texts_key_of
from mirror.records.canonical import canonical, facts_digest
from mirror.records.compression import Packed, pack_block, unpack_block
from mirror.records.file_columns import expand, parts, squeeze
from mirror.records.file_view import is_sound, pack, read_all, read_slice, release_count
from mirror.records.metadata_texts import pack_texts, unpack_texts
from mirror.records.release_view import READABLE, SCHEMA, Absence, encode, encode_absence
from mirror.records.tables import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mirror.exchange.record_iterator import Entry
    from mirror.ports import Store

MAGIC = b"PPSNAP1\n"
FILES = ("chosen", "all", "none")
LARGEST = 4 * 1024 * 1024 * 1024  # bytes of a snapshot; share a larger mirror by a server or Redis
_LARGEST_HEAD = 256 * 1024 * 1024
_TAIL = 32


class Selection(NamedTuple):
    """The content of a snapshot.

    ``names`` restricts it to these projects (None: all). ``files`` is "all", "none" or "chosen". "chosen" means the releases of
    ``chosen`` (masks by project). If that is None, it means the releases with dependency sets: those that a resolve has read.
    """

    names: frozenset[str] | None = None
    files: str = "chosen"
    chosen: Mapping[str, int] | None = None
    # Whether views are exported as stored, with the digest of their files, which a client can request later
    named: bool = False
    texts: bool | None = None  # whether METADATA is exported; None: unless ``named``


class Snapshot(NamedTuple):
    """A snapshot that was read and verified. ``views`` are stored release views by key, sorted."""

    views: dict[str, bytes]
    addresses: dict[str, str]  # index id -> URL
    facts: dict[str, bytes]  # index id -> IndexFacts, in stored form
    complete: bool  # whether the file views have every release
    content: str  # SHA-256 of the content, without times
    blocks: dict[str, tuple[Packed, memoryview, memoryview]]  # key -> lengths, packed text and digests of its files
    texts: dict[str, bytes]  # key of METADATA -> the record
    advisories: Mapping[str, bytes] = MappingProxyType({})  # key -> the record: all of a mirror, or none

    def slices(self, key: str) -> list[bytes] | None:
        """Return the file objects of a project by release, oldest first, ``b""`` if not held. Raises ``Integrity``."""
        block = self.blocks.get(key)
        if block is None:
            return None
        try:
            return expand(unpack_block(block[1], block[0]) + bytes(block[2]))
        except Malformed as error:
            raise Integrity(f"{key}: {error}") from error

    def file_view(self, key: str) -> bytes | None:
        """Return a project's file view in the stored form. Raises ``Integrity``."""
        slices = self.slices(key)
        return None if slices is None else pack([(piece,) if piece else () for piece in slices])


def export(store: Store, selection: Selection) -> bytes:
    """Return the snapshot of a store. The same content gives the same bytes, whatever the time and the order of writes."""
    views: list[bytes] = []
    keys: list[str] = []
    files: list[tuple[str, Packed, bytes, bytes]] = []
    content = hashlib.sha256()
    complete = selection.files == "all"
    for entry in readable(store, selection.names):
        (view, digest), block = _record(entry, selection)
        keys.append(entry.key)
        views.append(view)
        content.update(f"{entry.key}\n{digest}\n".encode())
        complete = complete and (digest == "absent" or (bool(block) and all(expand(block))))
        if block:
            text, digests = parts(block)
            content.update(hashlib.sha256(block).digest())
            files.append((entry.key, *pack_block(text), digests))
    wants_texts = not selection.named if selection.texts is None else selection.texts
    texts = _texts(store, keys) if wants_texts else {}
    for key, record in texts.items():
        content.update(f"{key}\n".encode() + hashlib.sha256(record).digest())
    block_of_views, packed_views = pack_block(b"\n".join(views))
    used = sorted({split_key(key)[0] for key in keys})
    facts = store.get_many([facts_key(index_id) for index_id in used])
    head = {
        "snapshot": 1,
        "schema": SCHEMA,
        "content": content.hexdigest(),
        "complete": complete,
        "indexes": {index: url for index, url in addresses(store).items() if index in used},
        "facts": {FACTS.name(key): json.loads(value) for key, value in sorted(facts.items())},
        "keys": keys,
        "views": list(block_of_views),
        "files": [[key, *packed, len(digests)] for key, packed, _, digests in files],
        "texts": [[key, len(record)] for key, record in texts.items()],
    }
    pieces = [piece for _, _, text, digests in files for piece in (text, digests)]
    advisories = b"" if selection.named else pack_advisories(store)
    if advisories:
        sizes, packed = pack_block(advisories)
        head |= {"advisories": list(sizes), "content": hashlib.sha256(content.digest() + advisories).hexdigest()}
        texts = {**texts, "advisories": packed}  # the last block
    return _join(head, [packed_views, *pieces, *texts.values()])


def _texts(store: Store, keys: list[str]) -> dict[str, bytes]:
    """Return METADATA of the projects of some views, packed again, so that the same content gives the same bytes."""
    records = store.get_many([texts_key_of(key) for key in keys])
    readable = {}
    for key in sorted(records):
        with suppress(Malformed):  # damaged: left out, as any other unreadable record
            readable[key] = pack_texts(unpack_texts(records[key]))
    return readable


def _record(entry: Entry, selection: Selection) -> tuple[tuple[bytes, str], bytes]:
    """Return ((stored view, digest of its facts), compact form of its files or ``b""``) of one project."""
    if isinstance(entry.view, Absence):
        fresh = entry.view.freshness
        absence = Absence(fresh._replace(fetched_at=float(int(fresh.fetched_at))), VIEWS.name(entry.key))
        return (encode_absence(absence), "absent"), b""
    packed = entry.load() if selection.files != "none" else None
    slices = slices_of(packed, len(entry.view.versions), _mask(entry, selection)) if packed is not None else []
    block = squeeze(slices) if any(slices) else b""
    if selection.named:  # classifying all releases of 171 projects takes seconds, and the client needs only some
        return (entry.stored, entry.sum.decode("latin-1")), block
    view = canonical(classified(entry) or entry.view)
    facts = facts_digest(view)
    view.digest = hashlib.blake2b(block, digest_size=16).hexdigest() if block else ""
    return (encode(view), facts), block


def _mask(entry: Entry, selection: Selection) -> int | None:
    """Return the mask of releases whose files are exported; None for all."""
    if selection.files == "all":
        return None
    if selection.chosen is not None:
        return selection.chosen.get(entry.name, 0)
    return 0 if isinstance(entry.view, Absence) else entry.view.known_releases()  # those that a resolve has read


def slices_of(packed: bytes, count: int, mask: int | None) -> list[bytes]:
    """Return the files of each release, ``b""`` if left out; an empty list if the file view is damaged or of another listing."""
    try:
        if not is_sound(packed) or release_count(packed) != count:
            return []
        if mask is None:
            return read_all(packed)
        return [read_slice(packed, release)[1:-1] if mask >> release & 1 else b"" for release in range(count)]
    except Malformed:  # a damaged block
        return []


def _join(head: Mapping[str, Any], blocks: list[bytes]) -> bytes:
    raw = json.dumps(head, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    sizes, packed = pack_block(raw)
    start = b"".join((MAGIC, sizes.raw.to_bytes(8, "little"), sizes.packed.to_bytes(8, "little"), packed))
    body = b"".join((start, *blocks))
    return body + hashlib.sha256(body).digest()


def read_snapshot(data: bytes) -> Snapshot:
    """Read and verify a snapshot.

    Raises:
        Integrity: It is not a snapshot, or is damaged or inconsistent.
    """
    if len(data) < len(MAGIC) + 16 + _TAIL or hashlib.sha256(memoryview(data)[:-_TAIL]).digest() != data[-_TAIL:]:
        raise Integrity("this is not a snapshot of a mirror, or it is damaged: its SHA-256 differs")
    if data[: len(MAGIC)] != MAGIC:
        raise Integrity("this is not a snapshot of a mirror, or its format version is not supported")
    try:
        return _parse(data)
    except (ValueError, RecursionError, OverflowError) as error:
        raise Integrity(f"the snapshot is inconsistent: {error}") from error


def _parse(data: bytes) -> Snapshot:
    offset = len(MAGIC)
    sizes = Packed(
        int.from_bytes(data[offset : offset + 8], "little"), int.from_bytes(data[offset + 8 : offset + 16], "little")
    )
    offset += 16
    end = len(data) - _TAIL
    if sizes.raw > _LARGEST_HEAD or sizes.packed > end - offset:
        raise Malformed("its head is longer than the file")
    head = Table(json.loads(unpack_block(memoryview(data)[offset : offset + sizes.packed], sizes)))
    if head.integer("snapshot") != 1 or head.integer("schema") not in READABLE:
        raise Malformed(f"records of schema {head.integer('schema')}, this program reads {SCHEMA}")
    body = memoryview(data)[offset + sizes.packed : end]
    offset = 0

    def take(size: int) -> memoryview:
        nonlocal offset
        begin, offset = offset, offset + size
        if size < 0 or offset > len(body):
            raise Malformed("a block is longer than the file")
        return body[begin:offset]

    packed_views = Packed(*head.integers("views", 2))
    views = unpack_block(take(packed_views.packed), packed_views)
    keys = head.texts("keys")
    if views.count(b"\n") + 1 != len(keys) and (keys or views):
        raise Malformed("the number of its records differs from the number of its keys")
    for key in keys:
        split_key(key)
    blocks = {
        key: (Packed(raw, packed), take(packed), take(digests))
        for key, raw, packed, digests in head.rows("files", str, int, int, int)
    }
    texts = {key: bytes(take(size)) for key, size in head.rows("texts", str, int)}
    for key in texts:
        if not TEXTS.owns(key):
            raise Malformed("METADATA under another key")
        split_key(VIEWS.key(TEXTS.name(key)))
    sizes = Packed(*head.integers("advisories", 2)) if "advisories" in head else Packed(0, 0)
    advisories = unpack_block(take(sizes.packed), sizes) if sizes.packed else b""
    return Snapshot(
        dict(zip(keys, views.split(b"\n"), strict=False)),
        head.text_by_name("indexes"),
        {index: json.dumps(value).encode() for index, value in head.values("facts").items()},
        head.flag("complete"),
        head.text("content"),
        blocks,
        texts,
        unpack_advisories(advisories),
    )
