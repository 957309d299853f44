"""A mirror as static files, for any web server or object store: sparse records, Simple API pages, an index of digests.

Written incrementally: a file is written only if its content has changed, so it has no fetch times. File URLs are those of the
index, so sidecars are advertised only if the index has them.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from mirror.errors import Malformed, StoreError
from mirror.exchange.record_iterator import Entry, addresses, classified, readable, split_key
from mirror.exchange.snapshot import BUNDLE, Selection, export
from mirror.keys import FACTS, FILES, VIEWS, files_key_of
from mirror.records.canonical import canonical
from mirror.records.file_view import is_complete, read_all
from mirror.records.freshness import FreshnessRecord
from mirror.records.release_view import SCHEMA, Absence, encode, encode_absence
from mirror.records.simple_file import FileList
from mirror.records.simple_serialize import ProjectStatus, index_html, index_json, project_html, project_json
from mirror.store.atomic import is_staged, write_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mirror.ports import Store
    from mirror.records.model import DistFile
    from mirror.records.release_view import ReleaseView

INDEX = "index.json"
_LARGEST_BUNDLE = 8_000_000  # bytes; a larger mirror has no bundle, and clients fetch single records
_STAGED_LONG_AGO = 3600.0  # seconds
_TIMELESS = FreshnessRecord(0.0, 0.0)


class Published(msgspec.Struct, frozen=True):
    """The result of publishing: numbers of files."""

    written: int
    unchanged: int
    removed: int
    partial: int  # pages that lack releases, because their files are not in the mirror


def publish(store: Store, folder: str, pages: Iterable[tuple[str, bytes]] = ()) -> Published:
    """Write the records of a store into a folder, and ``pages``: (path, contents) of what else belongs there.

    Raises ``StoreError`` if the folder cannot be written.
    """
    try:
        return _publish(store, folder, pages)
    except OSError as error:
        raise StoreError(f"cannot publish into {folder}: {error}") from error


def _publish(store: Store, folder: str, pages: Iterable[tuple[str, bytes]]) -> Published:
    before = _digests(folder)
    urls = addresses(store)
    digests: dict[str, str] = {}
    counts = {"written": 0, "unchanged": 0, "partial": 0}

    def put(path: str, data: bytes) -> None:
        digests[path] = hashlib.sha256(data).hexdigest()
        target = os.path.join(folder, *path.split("/"))
        if _holds(target, data):
            counts["unchanged"] += 1
            return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        write_file(target, data)
        counts["written"] += 1

    names: dict[str, Entry] = {}
    times: dict[str, int] = {}
    for entry in readable(store):
        times[entry.key] = int(entry.view.freshness.fetched_at)
        view = classified(entry)
        if view is None or isinstance(entry.view, Absence):
            put(f"{entry.key}.json", encode_absence(Absence(_TIMELESS, VIEWS.name(entry.key))))
            continue
        packed = entry.load()
        published = canonical(view)
        published.freshness = _TIMELESS
        put(f"{entry.key}.json", encode(published))
        if packed is not None:
            put(f"{files_key_of(entry.key)}.ppf", packed)
            if entry.name not in names:  # the first index by id: a Simple API has one page for each project
                names[entry.name] = entry
                counts["partial"] += not is_complete(packed)
                _put_pages(put, entry, view, packed, urls)
    bundle = export(store, Selection(files="chosen", named=True))
    if len(bundle) <= _LARGEST_BUNDLE:
        put(BUNDLE, bundle)
    put("simple/index.html", index_html(sorted(names)))
    put("simple/index.json", index_json(sorted(names)))
    for path, data in pages:
        put(path, data)
    head = {**_head(store, urls), "fetched": times, "files": digests}
    write_file(os.path.join(folder, INDEX), json.dumps(head, sort_keys=True, separators=(",", ":")).encode())
    _remove_staged(folder, time.time())
    removed = _remove(folder, before, digests)
    return Published(counts["written"] + 1, counts["unchanged"], removed, counts["partial"])


def _head(store: Store, urls: Mapping[str, str]) -> dict[str, object]:
    """Return how the index of a published folder begins."""
    facts = store.get_many([key for key, _ in store.scan(FACTS.prefix)])
    values = {FACTS.name(key): json.loads(value) for key, value in facts.items()}
    return {"published": 1, "schema": SCHEMA, "indexes": urls, "facts": values}


def _put_pages(put: Any, entry: Entry, view: ReleaseView, packed: bytes, urls: Mapping[str, str]) -> None:
    """Write both forms of a project's page; a project whose files cannot be read has none."""
    page_url = view.page_url or f"{urls.get(entry.index_id, '')}/{entry.name}/"
    try:
        files = files_of(packed, page_url)
    except Malformed:
        return
    status = ProjectStatus(view.status, view.status_reason)
    put(f"simple/{entry.name}/index.html", project_html(entry.name, files, status))
    put(f"simple/{entry.name}/index.json", project_json(entry.name, view.versions, files, status))


def files_of(packed: bytes, page_url: str) -> list[DistFile]:
    """Return every file of a stored file view, oldest release first. Raises ``Malformed``."""
    return [file for piece in read_all(packed) for file in FileList(b"[" + piece + b"]", page_url)]


def _holds(path: str, data: bytes) -> bool:
    """Return whether a file has these bytes. Its digest in the folder's index is not enough: the file may have changed."""
    try:
        with open(path, "rb") as file:
            return os.fstat(file.fileno()).st_size == len(data) and file.read() == data
    except OSError:
        return False


def _digests(folder: str) -> dict[str, str]:
    """Return the digests of the files of an earlier publication; empty if there is no readable one."""
    try:
        with open(os.path.join(folder, INDEX), "rb") as file:
            head = json.load(file)
        return {str(path): str(digest) for path, digest in head["files"].items()} if head["published"] == 1 else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _remove_staged(folder: str, now: float) -> None:
    """Remove staged files of a publication that was killed; recent files stay, since another process may be writing them."""
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            with suppress(OSError):
                if is_staged(name) and now - os.stat(path).st_mtime > _STAGED_LONG_AGO:
                    os.remove(path)


def _remove(folder: str, before: Mapping[str, str], now: Mapping[str, str]) -> int:
    """Remove files of projects that are no longer in the store; only files that publishing writes."""
    removed = 0
    for path in sorted(before.keys() - now.keys()):
        if _is_ours(path):
            target = os.path.join(folder, *path.split("/"))
            if os.path.exists(target):
                os.remove(target)
                removed += 1
    return removed


def _is_ours(path: str) -> bool:
    """Return whether publishing writes such a path. The old index is untrusted."""
    parts = path.split("/")
    if path == BUNDLE:
        return True
    if len(parts) != 3 or any(part in {"", ".", ".."} for part in parts):
        return False
    if parts[0] == "simple":
        return parts[2] in {"index.html", "index.json"} and "\\" not in parts[1]
    try:
        split_key(VIEWS.key(parts[1], parts[2].rpartition(".")[0]))
    except Malformed:
        return False
    return VIEWS.owns(path) or FILES.owns(path)
