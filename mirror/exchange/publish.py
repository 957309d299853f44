"""A mirror as static files, for any web server or object store: shards in packs, an index of digests, and its delta.

Written incrementally and in an order that keeps every state readable: files that are named by their digest first, then the
delta, the index last. What no index names any more is removed after a grace period, so that a client may finish what it began.
File URLs are those of the index, so sidecars are advertised only if the index has them.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from mirror.errors import Malformed
from mirror.exchange.advisory_set import PATH as ADVISORIES_PATH
from mirror.exchange.advisory_set import pack_advisories
from mirror.exchange.publish_packs import Made, packed
from mirror.exchange.published_index import DELTA, INDEX, Delta, PublishedIndex, delta_between, digest_of
from mirror.exchange.published_shard import files_path, requirements_of, shard_of
from mirror.exchange.record_iterator import addresses, classified, readable
from mirror.exchange.snapshot import releases_read, slices_of
from mirror.keys import FACTS, VIEWS, project_of
from mirror.names import is_project_name
from mirror.records.canonical import canonical
from mirror.records.file_view import is_complete, read_all
from mirror.records.freshness import FreshnessRecord
from mirror.records.release_view import SCHEMA, Absence, encode, encode_absence
from mirror.records.simple_file import FileList
from mirror.records.simple_serialize import ProjectStatus, index_html, index_json, project_html, project_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mirror.exchange.publish_target import PublishTarget
    from mirror.exchange.record_iterator import Entry
    from mirror.ports import Store
    from mirror.records.model import DistFile
    from mirror.records.release_view import ReleaseView

GRACE = 86_400.0  # seconds: longer than a lock takes, and than a CDN keeps an old index
_TIMELESS = FreshnessRecord(0.0, 0.0)


class Published(msgspec.Struct, frozen=True):
    """The result of publishing: numbers of files."""

    written: int
    unchanged: int
    removed: int
    partial: int  # pages that lack releases, because their files are not in the mirror
    size: int  # bytes written


class _Writer:
    """Writes files and counts them."""

    def __init__(self, target: PublishTarget) -> None:
        self.target = target
        self.counts: Counter[str] = Counter()

    def put(self, path: str, data: bytes) -> None:
        """Write a file unless the target has these bytes."""
        written = self.target.put(path, data)
        self.counts["written" if written else "unchanged"] += 1
        self.counts["size"] += len(data) * written


def publish(
    store: Store,
    target: PublishTarget,
    now: float,
    *,
    pages: Iterable[tuple[str, bytes]] | None = (),
    grace: float = GRACE,
) -> Published:
    """Write the records of a store to a target.

    Args:
        store: The mirror.
        target: Where it is published.
        now: The present time, in epoch seconds.
        pages: (path, contents) of the pages for people. None: no pages, neither these nor those of the Simple API.
        grace: Seconds for which a file stays that no index names any more.

    Raises:
        StoreError: The target cannot be read or written.
    """
    writer = _Writer(target)
    before, delta = _before(target)
    made = _made(store, writer, with_pages=pages is not None)
    for path, data in pages or ():
        writer.put(path, data)
    if advisories := pack_advisories(store):
        writer.put(ADVISORIES_PATH, advisories)
    index = _index(store, before, target, made, writer)
    target.flush()
    named = {pack.path for pack in index.packs} | {shard.files for shard in made.values()}
    retired = {path: int(now) for path in target.immutable_paths() if path not in named}
    if delta is not None:
        retired |= {path: moment for path, moment in delta.retired.items() if path in retired}
    expired = [path for path, moment in retired.items() if now - moment >= grace]
    current = delta_between(before, index, delta)
    writer.put(
        DELTA,
        current._replace(retired={path: retired[path] for path in sorted(retired.keys() - {*expired})}).to_bytes(),
    )
    target.flush()
    writer.put(INDEX, index.to_bytes())
    target.flush()
    removed = sum([target.remove(path) for path in (*expired, *_pages_gone(before, index))])
    target.clean(now)
    counts = writer.counts
    return Published(counts["written"], counts["unchanged"], removed, counts["partial"], counts["size"])


def _before(target: PublishTarget) -> tuple[PublishedIndex | None, Delta | None]:
    """Return the index and the delta that the target has; None if there is none, or it is damaged: it is made anew."""
    index_data, delta_data = target.read(INDEX), target.read(DELTA)
    index, delta = None, None
    try:
        index = None if index_data is None else PublishedIndex.read(index_data)
        delta = None if delta_data is None else Delta.read(delta_data)
    except (ValueError, RecursionError):
        return index, None
    return index, delta


def _made(store: Store, writer: _Writer, *, with_pages: bool) -> dict[tuple[str, str], Made]:
    """Make the shard of every project, and write what is beside the packs; sorted by index and name."""
    published = frozenset(project_of(key) for key, _ in store.scan(VIEWS.prefix))
    urls = addresses(store)
    shards: dict[tuple[str, str], Made] = {}
    names: set[str] = set()
    for entry in readable(store):
        view = classified(entry)
        files = entry.load() if view is not None else None
        shards[entry.index_id, entry.name] = made = _shard(entry, view, files, published)
        if files is not None:
            writer.put(made.files, files)
        if with_pages and view is not None and files is not None and entry.name not in names:
            names.add(entry.name)  # the first index by id: a Simple API has one page for each project
            writer.counts["partial"] += not is_complete(files)
            page_url = view.page_url or f"{urls.get(entry.index_id, '')}/{entry.name}/"
            for path, data in _pages(entry.name, view, files, page_url):
                writer.put(path, data)
    if with_pages:
        writer.put("simple/index.html", index_html(sorted(names)))
        writer.put("simple/index.json", index_json(sorted(names)))
    return shards


def _shard(entry: Entry, view: ReleaseView | None, files: bytes | None, published: frozenset[str]) -> Made:
    if view is None or isinstance(entry.view, Absence):
        data = shard_of(encode_absence(Absence(_TIMELESS, VIEWS.name(entry.key))), "", ())
        return Made(data, digest_of(data), "", 0, ())
    timeless = canonical(view)
    timeless.freshness = _TIMELESS  # a shard changes only with its project
    digest = "" if files is None else digest_of(files)
    slices = [] if files is None else slices_of(files, len(view.versions), releases_read(view))
    data = shard_of(encode(timeless), digest, slices)
    path = files_path(digest) if digest else ""
    return Made(data, digest_of(data), path, len(files or b""), requirements_of(view, published))


def _index(
    store: Store,
    before: PublishedIndex | None,
    target: PublishTarget,
    made: dict[tuple[str, str], Made],
    writer: _Writer,
) -> PublishedIndex:
    """Write the packs and return the index that names them."""
    facts = store.get_many([key for key, _ in store.scan(FACTS.prefix)])
    packs, rows, bodies = packed(before, target, made)
    for pack, body in bodies:
        writer.put(pack.path, body)
    writer.counts["unchanged"] += len(packs) - len(bodies)
    projects: dict[str, dict[str, str]] = {}
    for (index_id, name), row in rows.items():
        projects.setdefault(index_id, {})[name] = row.text()
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
