"""Find and remove credentials in records of earlier versions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mirror.errors import Malformed
from mirror.exchange.record_iterator import Entry, entries
from mirror.keys import VIEWS, files_key_of, project_of
from mirror.records.file_view import digest_of, pack, read_all
from mirror.records.release_view import Absence, ReleaseView, encode
from mirror.urls import may_hold_secrets, page_address, public_files

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mirror.ports import Store


def holds_secrets(entry: Entry) -> bool:
    """Return whether the URL of the page or of a file holds credentials, or the URL of the page has a query."""
    view = entry.view
    if isinstance(view, Absence):
        return False
    if view.page_url is not None and view.page_url != page_address(view.page_url):
        return True
    packed = entry.load()
    try:
        return packed is not None and _cleaned(packed) is not None
    except (Malformed, ValueError):
        return False  # reported as damaged


def clean_records(store: Store, keys: Iterable[str]) -> int:
    """Remove the credentials from projects, by the keys of their release views; return the number of changed projects."""
    wanted = set(keys)
    changed = 0
    for entry in entries(store, frozenset(project_of(key) for key in wanted)):
        if isinstance(entry, Entry) and entry.key in wanted and isinstance(entry.view, ReleaseView):
            store.put_many(_clean(entry, entry.view))
            changed += 1
    return changed


def _clean(entry: Entry, view: ReleaseView) -> dict[str, bytes]:
    records: dict[str, bytes] = {}
    packed = entry.load()
    cleaned = _cleaned(packed) if packed is not None else None
    if cleaned is not None:
        records[files_key_of(entry.key)] = cleaned
        view.digest = digest_of(cleaned)
    if view.page_url is not None:
        view.page_url = page_address(view.page_url)
    return {**records, VIEWS.key(VIEWS.name(entry.key)): encode(view)}


def _cleaned(packed: bytes) -> bytes | None:
    """Return a file view without credentials; None if it has none."""
    slices = read_all(packed)
    if not any(map(may_hold_secrets, slices)):
        return None
    public = [_public_slice(piece) for piece in slices]
    return None if public == slices else pack([(piece,) if piece else () for piece in public])


def _public_slice(piece: bytes) -> bytes:
    """Return the joined file objects of a release without credentials."""
    if not may_hold_secrets(piece):
        return piece
    rows = [json.dumps(row, separators=(",", ":")).encode() for row in json.loads(b"[" + piece + b"]")]
    public = public_files(rows)
    return piece if public == rows else b",".join(public)
