"""Looking after a store: what is damaged in it, what may go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from mirror.errors import Integrity, Malformed
from mirror.exchange.attestation import covered
from mirror.exchange.record_iterator import Entry, entries, named_view
from mirror.exchange.secrets import clean_records, holds_secrets
from mirror.keys import FILES, TEXTS, VALIDATORS, VIEWS, files_key, files_key_of, kind_of, texts_key_of, view_key_of
from mirror.records.file_view import digest_of, is_whole, read_all
from mirror.records.metadata_texts import unpack_texts
from mirror.records.release_view import SCHEMA, Absence, ReleaseView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mirror.ports import Store

_BATCH = 200
_LOOKS = 3  # at a project that seems damaged, beside processes that write


class Damage(NamedTuple):
    """One record that is not as it should be."""

    key: str
    problem: str
    repair: str  # "delete": fetched again when it is needed; "clean": credentials are taken out; "": nothing to be done


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
        damage = _check_files(entry, sealed=sealed)
        # Another process may have stored a newer listing between the two reads: what is wrong is so at every look.
        for _ in range(_LOOKS):
            if damage is not None:
                damage = _check_again(store, entry, sealed=sealed)
        if damage is not None:
            yield damage
        elif holds_secrets(entry):
            yield Damage(entry.key, "an address in it, or in its files, holds credentials", "clean")
    yield from _check_small(store)


def _check_small(store: Store) -> Iterator[Damage]:
    """Yield the records that no project owns and that are foreign or damaged."""
    keys = [key for key, _ in store.scan() if not (VIEWS.owns(key) or FILES.owns(key))]
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        sound = store.get_many(batch)
        for key in batch:
            if kind_of(key) is None:
                yield Damage(key, "it was not written by this program", "delete")
            elif key not in sound and key not in store.get_many((key,)) and key in dict(store.scan(key)):
                yield Damage(key, "damaged record: its checksum differs", "delete")
            elif VALIDATORS.owns(key) and b"?" in sound.get(key, b"").partition(b'", {')[0]:
                yield Damage(key, "the address in it may hold a signature", "delete")
            elif TEXTS.owns(key) and key in sound:
                yield from _check_texts(key, sound[key])


def _check_again(store: Store, entry: Entry, *, sealed: bool) -> Damage | None:
    files = files_key(entry.index_id, entry.name)
    found = store.get_many((entry.key, files))
    try:
        view = named_view(found[entry.key], entry.name)
    except (KeyError, Malformed):  # deleted meanwhile; a damaged view is reported by itself
        return None
    return _check_files(entry._replace(view=view, load=lambda: found.get(files)), sealed=sealed)


def _check_files(entry: Entry, *, sealed: bool) -> Damage | None:
    view = entry.view
    if isinstance(view, Absence) or not view.digest:
        return None
    key = files_key(entry.index_id, entry.name)
    packed = entry.load()
    if packed is None:
        return Damage(key, "the files of this project are gone", "delete")
    if sealed and not is_whole(packed):
        return Damage(key, "damaged file view: its digest differs", "delete")
    if digest_of(packed) != view.digest:
        return Damage(key, "the files are of another listing than the release view", "delete")
    if len(read_all(packed)) != len(view.versions):
        return Damage(key, "the files are of another number of releases", "delete")
    return None


def _check_texts(key: str, data: bytes) -> Iterator[Damage]:
    try:
        unpack_texts(data)
    except Malformed as error:
        yield Damage(key, str(error), "delete")


def refuse_damaged(store: Store) -> None:
    """Raise ``Integrity`` where a record is damaged: what is published or exported would lack its project without a word."""
    damages = list(check(store))
    if damages:
        raise Integrity(
            f"{damages[0].key}: {damages[0].problem}; {len(damages)} records of the mirror are damaged: run `mirror doctor "
            "--repair`, then `mirror warm` to fetch them again"
        )


def repair(store: Store, damages: list[Damage]) -> int:
    """Delete what is damaged, so that it is fetched again when it is needed; return how many records went."""
    keys = [damage.key for damage in damages if damage.repair == "delete"]
    keys += [
        view_key_of(key) for key in keys if FILES.owns(key)
    ]  # a view whose files are gone is fetched again with them
    cleaned = clean_records(store, [damage.key for damage in damages if damage.repair == "clean"])
    return store.delete_many(dict.fromkeys(keys)) + cleaned


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


def prune(  # noqa: PLR0913 - what may go, each by name
    store: Store,
    now: float,
    *,
    max_bytes: int | None = None,
    max_age: float | None = None,
    withdrawn: bool = False,
    dry: bool = False,
) -> Pruned:
    """Delete projects that nobody confirmed for ``max_age`` seconds, then the longest unconfirmed until ``max_bytes`` fit.

    With ``withdrawn`` also those that their index does not list any more.

    Confirmed means fetched, or answered by its index that it has not changed. What a certificate covers stays.
    """
    kept_keys = covered(store)
    sizes = dict(store.scan())
    total = sum(sizes.values())
    found = [entry for entry in entries(store) if isinstance(entry, Entry)]
    aged = [(entry.view.freshness.fetched_at, entry.key) for entry in found]
    unlisted = {
        entry.key for entry in found if isinstance(entry.view, ReleaseView) and entry.view.withdrawn is not None
    }
    gone: list[str] = []
    kept = 0
    freed = 0
    for fetched, key in sorted(aged):
        old = (max_age is not None and now - fetched > max_age) or (withdrawn and key in unlisted)
        if not old and (max_bytes is None or total - freed <= max_bytes):
            continue
        if key in kept_keys:
            kept += 1
            continue
        gone += (key, files_key_of(key), texts_key_of(key))  # together, also those that another process has added since
        freed += sum(sizes.get(stored, 0) for stored in gone[-3:])
    if not dry:
        store.delete_many(gone)
    return Pruned(tuple(stored for stored in gone if stored in sizes), freed, kept)
