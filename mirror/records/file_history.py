"""The append-only record of files: what an index changed of a project after the mirror first saw it.

A row is (file name, SHA-256, first seen). A file without a row is as it was when the mirror first read a listing with its
release: rows are few, so that the release view stays small. A file whose content changed has a row for each SHA-256 that it had;
one that is no longer listed has a row with an empty SHA-256.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import Malformed
from mirror.records.file_view import digest_of, read_all
from mirror.records.model import FileSighting
from mirror.records.wheel_variants import is_variants_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirror.records.release_view import ReleaseView


class Listed(NamedTuple):
    """The file objects of a project by release: sort keys, and JSON without brackets ("" for what is not kept)."""

    keys: Sequence[str]
    slices: Sequence[bytes]
    fetched: int  # epoch seconds


def sightings(before: Listed, after: Listed) -> list[FileSighting]:
    """Return the rows that a new listing adds, in the order of releases."""
    old, new = dict(zip(before.keys, before.slices, strict=True)), dict(zip(after.keys, after.slices, strict=True))
    rows: list[FileSighting] = []
    for key, piece in old.items():
        if not piece or new.get(key) == piece or (key in new and not new[key]):
            continue  # unchanged, or not kept by both
        had, has = _hashes(piece), _hashes(new.get(key, b""))
        for filename in sorted({*had, *has}):
            if had.get(filename) == has.get(filename):
                continue
            if filename in had and filename in has:
                rows.append(FileSighting(filename, had[filename], before.fetched))
            rows.append(FileSighting(filename, has.get(filename, ""), after.fetched))
    return rows


def absorb_with_history(old: ReleaseView, stored: bytes | None, new: ReleaseView, packed: bytes) -> None:
    """Absorb an old view, and add to the history what changed since; ``stored`` and ``packed`` are their file views."""
    new.absorb(old)
    try:
        if old.digest == new.digest or stored is None or digest_of(stored) != old.digest:
            return
        before = Listed(old.keys, read_all(stored), int(old.freshness.fetched_at))
        rows = sightings(before, Listed(new.keys, read_all(packed), int(new.freshness.fetched_at)))
    except Malformed:
        return  # a damaged file view proves nothing
    new.add_history(rows)


def _hashes(piece: bytes) -> dict[str, str]:
    """Return the SHA-256 of each file; "?" if its index states none. What describes wheel variants may change (PEP 825)."""
    hashes: dict[str, str] = {}
    for entry in json.loads(b"[" + piece + b"]"):
        stated = entry.get("hashes") if isinstance(entry, dict) else None
        if isinstance(entry, dict) and isinstance(name := entry.get("filename"), str) and not is_variants_json(name):
            digest = stated.get("sha256") if isinstance(stated, dict) else None
            hashes[name] = digest.lower() if isinstance(digest, str) else "?"
    return hashes
