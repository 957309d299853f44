"""Looking after a store: what is damaged in it, what may go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from mirror.errors import Malformed
from mirror.exchange.attestation import covered
from mirror.exchange.record_iterator import Entry, entries
from mirror.keys import FILES, TEXTS, VIEWS, files_key, files_key_of, kind_of, texts_key_of, view_key_of
from mirror.records.file_view import digest_of, is_whole, read_all
from mirror.records.metadata_texts import unpack_texts
from mirror.records.release_view import SCHEMA, Absence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mirror.ports import Store

_BATCH = 200


class Damage(NamedTuple):
    """One record that is not as it should be."""

    key: str
    problem: str
    repair: str  # "delete": fetched again when it is needed; "": nothing to be done by itself


class Pruned(NamedTuple):
    """What pruning did, or would do."""

    keys: tuple[str, ...]
    freed: int  # bytes
    kept: int  # projects that a certificate covers and that would have gone


def check(store: Store) -> Iterator[Damage]:
    """Yield every record that is damaged, foreign, or of another schema, sorted by key."""
    # A snapshot's files are covered by its own digest, and packed anew, under the name that the view calls them, when read.
    sealed = not store.repacks
    for entry in entries(store):
        if not isinstance(entry, Entry):
            key, error = entry
            yield Damage(key, str(error), "delete")
            continue
        if isinstance(entry.view, Absence):
            continue
        yield from _check_files(entry, sealed=sealed)
    for key, _ in store.scan():
        if TEXTS.owns(key):
            yield from _check_texts(store, key)
        if kind_of(key) is None:
            yield Damage(key, "it was not written by this program", "delete")


def _check_files(entry: Entry, *, sealed: bool) -> Iterator[Damage]:
    view = entry.view
    if isinstance(view, Absence) or not view.digest:
        return
    key = files_key(entry.index_id, entry.name)
    packed = entry.load()
    if packed is None:
        yield Damage(key, "the files of this project are gone", "")
        return
    if sealed and not is_whole(packed):
        yield Damage(key, "damaged file view: its digest differs", "delete")
    elif digest_of(packed) != view.digest:
        yield Damage(key, "the files are of another listing than the release view", "delete")
    elif len(read_all(packed)) != len(view.versions):
        yield Damage(key, "the files are of another number of releases", "delete")


def _check_texts(store: Store, key: str) -> Iterator[Damage]:
    try:
        unpack_texts(store.get_many((key,)).get(key) or b"")
    except Malformed as error:
        yield Damage(key, str(error), "delete")


def repair(store: Store, damages: list[Damage]) -> int:
    """Delete what is damaged, so that it is fetched again when it is needed; return how many records went."""
    keys = [damage.key for damage in damages if damage.repair == "delete"]
    keys = [key for key in keys if (kind := kind_of(key)) is None or kind.removable]
    keys += [
        view_key_of(key) for key in keys if FILES.owns(key)
    ]  # a view whose files are gone is fetched again with them
    return store.delete_many(dict.fromkeys(keys))


def old_schemas(store: Store) -> dict[str, int]:
    """Return how many records there are of each other schema, newer ones included."""
    found: dict[str, int] = {}
    keys = [key for key, _ in store.scan(VIEWS.prefix)]
    for start in range(0, len(keys), _BATCH):
        for data in store.get_many(keys[start : start + _BATCH]).values():
            try:
                schema = str(json.loads(data)["schema"])
            except (ValueError, KeyError, TypeError):
                continue
            if schema != str(SCHEMA):
                found[schema] = found.get(schema, 0) + 1
    return found


def prune(
    store: Store, now: float, *, max_bytes: int | None = None, max_age: float | None = None, dry: bool = False
) -> Pruned:
    """Delete projects that nobody confirmed for ``max_age`` seconds, then the longest unconfirmed until ``max_bytes`` fit.

    Confirmed means fetched, or answered by its index that it has not changed. What a certificate covers stays.
    """
    kept_keys = covered(store)
    sizes = dict(store.scan())
    total = sum(sizes.values())
    aged = [(entry.view.freshness.fetched_at, entry.key) for entry in entries(store) if isinstance(entry, Entry)]
    gone: list[str] = []
    kept = 0
    freed = 0
    for fetched, key in sorted(aged):
        old = max_age is not None and now - fetched > max_age
        if not old and (max_bytes is None or total - freed <= max_bytes):
            continue
        if key in kept_keys:
            kept += 1
            continue
        pair = [stored for stored in (key, files_key_of(key), texts_key_of(key)) if stored in sizes]
        gone += pair
        freed += sum(sizes[stored] for stored in pair)
    if not dry:
        store.delete_many(gone)
    return Pruned(tuple(gone), freed, kept)
