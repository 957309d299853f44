"""A mirror as static files, for any web server or object store: shards in packs, an index of digests, and its delta.

Written incrementally and in an order that keeps every state readable: files that are named by their digest first, then the
delta, the index last. What no index names any more is removed after a grace period, so that a client may finish what it began.
File URLs are those of the index, so sidecars are advertised only if the index has them.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import msgspec

from mirror.equality import NamedTuple
from mirror.errors import Malformed
from mirror.exchange.advisory_set import PATH as ADVISORIES_PATH
from mirror.exchange.advisory_set import pack_advisories
from mirror.exchange.publish_memo import PublishedRecord, PublishMemo
from mirror.exchange.publish_packs import Made, packed
from mirror.exchange.publish_writer import PublishWriter, refuse_unsigned
from mirror.exchange.published_index import DELTA, INDEX, Delta, PublishedIndex, delta_between, digest_of
from mirror.exchange.published_shard import files_path, lacking_of, requirements_of, shard_of
from mirror.exchange.record_iterator import addresses, classified, readable
from mirror.exchange.shard_file import ShardFile
from mirror.exchange.snapshot import slices_of
from mirror.keys import FACTS, VIEWS, view_key
from mirror.names import is_project_name
from mirror.records.canonical import canonical, timeless
from mirror.records.file_view import is_complete, read_all
from mirror.records.freshness import FreshnessRecord
from mirror.records.release_view import SCHEMA, Absence, encode, encode_absence
from mirror.records.simple_file import FileList
from mirror.records.simple_serialize import ProjectStatus, index_html, index_json, project_html, project_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from mirror.exchange.publish_target import PublishTarget
    from mirror.exchange.publish_writer import Sign
    from mirror.exchange.published_index import Pack
    from mirror.exchange.record_iterator import Entry
    from mirror.ports import Store
    from mirror.records.model import DistFile
    from mirror.records.release_view import ReleaseView

GRACE = 86_400.0  # seconds: longer than a lock takes, and than a CDN keeps an old index
_BATCH = 500  # records read at once
_TIMELESS = FreshnessRecord(0.0, 0.0)


class Published(msgspec.Struct, frozen=True):
    """The result of publishing: numbers of files."""

    written: int
    unchanged: int
    removed: int
    partial: int  # pages that lack releases, because their files are not in the mirror
    size: int  # bytes written


class _Records(NamedTuple):
    """A store, and the index id and the name of every project in it, sorted."""

    store: Store
    keys: list[tuple[str, str]]


def publish(  # noqa: PLR0913 - a use case: what, where, when, and five keyword-only choices
    store: Store,
    target: PublishTarget,
    now: float,
    *,
    pages: Iterable[tuple[str, bytes]] | None = (),
    grace: float = GRACE,
    memo: PublishMemo | None = None,
    check: Callable[[frozenset[str] | None], None] = lambda _: None,
    sign: Sign | None = None,
) -> Published:
    """Write the records of a store to a target.

    Args:
        store: The mirror.
        target: Where it is published.
        now: The present time, in epoch seconds.
        pages: (path, contents) of the pages for people. None: no pages, neither these nor those of the Simple API.
        grace: Seconds for which a file stays that no index names any more.
        memo: What the publication before made of each record; what has not changed is skipped.
        check: Called before anything is written, with the projects that are made anew, or None for all; may raise ``Integrity``.
        sign: Signs the files that are not named by their digest; None: they are not signed.

    Raises:
        StoreError: The target cannot be read or written.
    """
    before, delta, index_data = _before(target, sign)
    present = set(target.immutable_paths())
    is_whole = before is not None and all(target.holds(pack.path) for pack in before.packs)
    memo = memo or PublishMemo()
    memo.load(index_data if is_whole else None)
    records = _Records(store, _keys(store))
    made = _unchanged(records, before, memo, present) if before is not None else {}
    check(frozenset({name for _, name in records.keys} - {name for _, name in made}) if made else None)
    with closing(ShardFile()) as shards:
        writer = PublishWriter(target, shards, sign, now)
        made = _made(records, writer, made, memo, with_pages=pages is not None)
        packs, rows = _packs(before if is_whole else None, writer, made)
    _write_others(store, writer, pages or ())
    index = _index(store, before, packs, rows)
    present -= {pack.path for pack in packs} | {shard.files for shard in made.values()}
    del made, rows  # 100 MB of a mirror of 100,000 projects, which what follows takes again
    expired, left = _retired(present, delta, int(now), grace)
    writer.put_signed(DELTA, delta_between(before, index, delta)._replace(retired=left).to_bytes())
    writer.put_signed(INDEX, index_data := index.to_bytes())
    memo.save(index_data)
    target.clean(now)
    removed = sum([target.remove(path) for path in (*expired, *_pages_gone(before, index))])
    return Published(removed=removed, **writer.numbers())


def _write_others(store: Store, writer: PublishWriter, pages: Iterable[tuple[str, bytes]]) -> None:
    """Write the pages for people, and the advisories."""
    for path, data in pages:
        writer.put(path, data)
    if advisories := pack_advisories(store):
        writer.put_signed(ADVISORIES_PATH, advisories)
    else:
        writer.remove_signed(ADVISORIES_PATH)


def _retired(
    unnamed: AbstractSet[str], delta: Delta | None, now: int, grace: float
) -> tuple[list[str], dict[str, int]]:
    """Return the files to remove, and since when no index names the others: since now, unless the delta before knows it."""
    before = delta.retired if delta is not None else {}
    retired = {path: before.get(path, now) for path in sorted(unnamed)}
    expired = [path for path, moment in retired.items() if now - moment >= grace]
    return expired, {path: moment for path, moment in retired.items() if now - moment < grace}


def _before(target: PublishTarget, sign: Sign | None) -> tuple[PublishedIndex | None, Delta | None, bytes | None]:
    """Return the index and the delta that the target has, and the index's bytes.

    None if there is none, or it is damaged: it is made anew. Raises ``StoreError`` if it is signed and ``sign`` is None.
    """
    refuse_unsigned(target, sign)
    index_data, delta_data = target.read(INDEX), target.read(DELTA)
    index, delta = None, None
    try:
        index = None if index_data is None else PublishedIndex.read(index_data)
        delta = None if delta_data is None else Delta.read(delta_data)
    except (ValueError, RecursionError):
        return index, None, index_data
    return index, delta, index_data


def _keys(store: Store) -> list[tuple[str, str]]:
    """Return the index id and the name of every project, sorted; a key of another form is met where it is read."""
    keys = [VIEWS.name(key).partition("/") for key, _ in store.scan(VIEWS.prefix)]
    return [(index_id, name) for index_id, _, name in keys]


def _unchanged(
    records: _Records, before: PublishedIndex, memo: PublishMemo, present: AbstractSet[str]
) -> dict[tuple[str, str], Made]:
    """Return the shards of the projects that would be published as they were; they are neither decoded nor encoded."""
    if not memo.before:
        return {}
    keys = records.keys
    names = Counter(name for _, name in keys)
    published = frozenset(names)
    unchanged: dict[tuple[str, str], Made] = {}
    for start in range(0, len(keys), _BATCH):
        batch = {view_key(*key): key for key in keys[start : start + _BATCH] if names[key[1]] == 1}
        for stored, data in records.store.get_many(batch).items():
            key = batch[stored]
            row = memo.hit(key, digest_of(timeless(data)), published)
            if row is None or (row.files and row.files not in present):
                continue
            with suppress(Malformed):  # the old index is untrusted
                shard = before.row(*key)
                if shard is not None and published.issuperset(_names_in(shard.requires)):
                    unchanged[key] = Made(-1, shard.length, shard.digest, row.files, shard.files, shard.requires)
                    memo.now[key] = row
    return unchanged


def _names_in(requires: Iterable[str]) -> Iterator[str]:
    return (name for word in requires if (name := word.partition("[")[0]))


def _made(
    records: _Records,
    writer: PublishWriter,
    unchanged: dict[tuple[str, str], Made],
    memo: PublishMemo,
    *,
    with_pages: bool,
) -> dict[tuple[str, str], Made]:
    """Make the shard of every other project, and write what is beside the packs; sorted by index and name."""
    published = frozenset(name for _, name in records.keys)
    urls = addresses(records.store)
    all_made = dict(unchanged)
    names = {key[1] for key in unchanged if memo.now[key].files}
    writer.counts["partial"] += sum(memo.now[key].partial for key in unchanged) * with_pages
    writer.counts["unchanged"] += sum(bool(memo.now[key].files) * (1 + 2 * with_pages) for key in unchanged)
    for entry in readable(records.store, published - {name for _, name in unchanged} if unchanged else None):
        view = classified(entry)
        files = entry.load() if view is not None else None
        key = entry.index_id, entry.name
        all_made[key] = made = _shard(entry, view, files, published, writer.shards)
        partial = files is not None and not is_complete(files)
        lacks = lacking_of(view, published) if view is not None else ()
        memo.now[key] = PublishedRecord(digest_of(timeless(entry.stored)), made.files, partial, lacks)
        if files is not None:
            writer.put(made.files, files)
        if with_pages and view is not None and files is not None and entry.name not in names:
            names.add(entry.name)  # the first index by id: a Simple API has one page for each project
            writer.counts["partial"] += partial
            page_url = view.page_url or f"{urls.get(entry.index_id, '')}/{entry.name}/"
            for path, data in _pages(entry.name, view, files, page_url):
                writer.put(path, data)
    if with_pages:
        writer.put("simple/index.html", index_html(sorted(names)))
        writer.put("simple/index.json", index_json(sorted(names)))
    return {key: all_made[key] for key in sorted(all_made)}


def _shard(
    entry: Entry, view: ReleaseView | None, files: bytes | None, published: frozenset[str], shards: ShardFile
) -> Made:
    if view is None or isinstance(entry.view, Absence):
        data = shard_of(encode_absence(Absence(_TIMELESS, VIEWS.name(entry.key))), "", ())
        return Made(shards.add(data), len(data), digest_of(data), "", 0, ())
    plain = canonical(view)
    plain.freshness = _TIMELESS  # a shard changes only with its project
    digest = "" if files is None else digest_of(files)
    slices = [] if files is None else slices_of(files, len(view.versions), view.known_releases())
    data = shard_of(encode(plain), digest, slices)
    path = files_path(digest) if digest else ""
    return Made(shards.add(data), len(data), digest_of(data), path, len(files or b""), requirements_of(view, published))


def _packs(
    before: PublishedIndex | None, writer: PublishWriter, made: dict[tuple[str, str], Made]
) -> tuple[tuple[Pack, ...], dict[tuple[str, str], str]]:
    """Write the packs, and return them and the row of each project: the bytes of a pack are not held longer."""
    packs, rows, bodies = packed(before, writer.target, made, writer.shards)
    for pack, body in bodies:
        writer.put(pack.path, body)
    writer.target.flush()
    writer.counts["unchanged"] += len(packs) - len(bodies)
    return packs, rows


def _index(
    store: Store, before: PublishedIndex | None, packs: tuple[Pack, ...], rows: dict[tuple[str, str], str]
) -> PublishedIndex:
    """Return the index that names the packs."""
    facts = store.get_many([key for key, _ in store.scan(FACTS.prefix)])
    projects: dict[str, dict[str, str]] = {}
    for (index_id, name), row in rows.items():
        projects.setdefault(index_id, {})[name] = row
    values: dict[str, object] = {FACTS.name(key): json.loads(value) for key, value in facts.items()}
    index = PublishedIndex(1, SCHEMA, addresses(store), values, packs, projects)
    if before is None:
        return index
    same = index._replace(serial=before.serial)
    return same if same == before else index._replace(serial=before.serial + 1)


def _pages(name: str, view: ReleaseView, packed_files: bytes, page_url: str) -> Iterator[tuple[str, bytes]]:
    """Yield both forms of a project's page; a project whose files cannot be read has none."""
    try:
        files = files_of(packed_files, page_url)
    except Malformed:
        return
    status = ProjectStatus(view.status, view.status_reason)
    yield f"simple/{name}/index.html", project_html(name, files, status)
    yield f"simple/{name}/index.json", project_json(name, view.versions, files, status)


def files_of(packed_files: bytes, page_url: str) -> list[DistFile]:
    """Return every file of a stored file view, oldest release first. Raises ``Malformed``."""
    return [file for piece in read_all(packed_files) for file in FileList(b"[" + piece + b"]", page_url)]


def _pages_gone(before: PublishedIndex | None, index: PublishedIndex) -> Iterator[str]:
    """Yield the paths of the pages of projects that are no longer in the store."""
    if before is None:
        return
    now = {name for names in index.projects.values() for name in names}
    for name in sorted({name for names in before.projects.values() for name in names} - now):
        if is_project_name(name):  # the old index is untrusted
            yield from (f"simple/{name}/index.html", f"simple/{name}/index.json")
