"""Maintenance of a store: check, repair and prune its records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from mirror.errors import Integrity, Malformed, OtherSchema
from mirror.exchange.attestation import covered
from mirror.exchange.record_iterator import Entry, entries, named_view
from mirror.exchange.secrets import clean_records, holds_secrets
from mirror.exchange.validation import checked_texts
from mirror.keys import FILES, TEXTS, VALIDATORS, VIEWS, files_key, files_key_of, kind_of, texts_key_of, view_key_of
from mirror.records.file_view import digest_of, is_whole, read_all
from mirror.records.release_view import SCHEMA, Absence, ReleaseView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mirror.ports import Store

_BATCH = 200
_LOOKS = 3  # number of repeated checks of a project that seems damaged: another process may be writing


class Damage(msgspec.Struct, frozen=True):
    """One damaged record."""

    key: str
    problem: str
    repair: str  # "delete": it is fetched again when needed; "clean": remove credentials; "": no repair
    is_old: bool = False  # sound, but written by another version of this program

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for an unknown repair."""
        if self.repair not in {"delete", "clean", ""}:
            raise ValueError(f"{self.repair!r} is no repair")


class Pruned(msgspec.Struct, frozen=True):
    """The result of pruning, or of a dry run."""

    keys: tuple[str, ...]
    freed: int  # bytes
    retained: int  # projects not removed because an attestation covers them


def check(store: Store, names: frozenset[str] | None = None) -> Iterator[Damage]:
    """Yield every record that is damaged, foreign, or of another schema, sorted by key; with ``names`` of these projects only."""
    # The digest of a snapshot covers its files. They are packed again when read, so the digest in the file view is not checked.
    sealed = not store.repacks
    for entry in entries(store, names):
        if not isinstance(entry, Entry):
            key, error = entry
            yield Damage(key, str(error), "delete", isinstance(error, OtherSchema))
            continue
        damage = _check_files(entry, sealed=sealed)
        # Another process may store a newer listing between the two reads. Real damage is there at every check.
        for _ in range(_LOOKS):
            if damage is not None:
                damage = _check_again(store, entry, sealed=sealed)
        if damage is not None:
            yield damage
        elif holds_secrets(entry):
            yield Damage(entry.key, "a URL in it, or in its files, holds credentials", "clean")
    if names is None:
        yield from _check_small(store)


def _check_small(store: Store) -> Iterator[Damage]:
    """Yield the foreign or damaged records that belong to no project."""
    keys = [key for key, _ in store.scan() if not (VIEWS.owns(key) or FILES.owns(key))]
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        sound = store.get_many(batch)
        for key in batch:
            if kind_of(key) is None:
                yield Damage(key, "it was not written by this program", "delete")
            elif key not in sound and all(_is_unreadable(store, key) for _ in range(_LOOKS)):
                yield Damage(key, "damaged record: its checksum differs", "delete")
            elif VALIDATORS.owns(key) and b"?" in sound.get(key, b"").partition(b'", {')[0]:
                yield Damage(key, "the URL in it may hold a signature", "delete")
            elif TEXTS.owns(key) and key in sound:
                yield from _check_texts(key, sound[key])


def _is_unreadable(store: Store, key: str) -> bool:
    """Return whether a key is there without a value; another process may delete it, or write it, between the two reads."""
    return key not in store.get_many((key,)) and key in dict(store.scan(key))


def _check_again(store: Store, entry: Entry, *, sealed: bool) -> Damage | None:
    files = files_key(entry.index_id, entry.name)
    records = store.get_many((entry.key, files))
    try:
        view = named_view(records[entry.key], entry.key)
    except (KeyError, Malformed):  # deleted since; a damaged view is reported separately
        return None
    return _check_files(entry._replace(view=view, load=lambda: records.get(files)), sealed=sealed)


def _check_files(entry: Entry, *, sealed: bool) -> Damage | None:
    view = entry.view
    if isinstance(view, Absence) or not view.digest:
        return None
    key = files_key(entry.index_id, entry.name)
    packed = entry.load()
    if packed is None:
        return Damage(key, "the files of this project are missing", "delete")
    if sealed and not is_whole(packed):
        return Damage(key, "damaged file view: its digest differs", "delete")
    if digest_of(packed) != view.digest:
        return Damage(key, "the files are of another listing than the release view", "delete")
    if len(read_all(packed)) != len(view.versions):
        return Damage(key, "the number of releases in the files differs from the release view", "delete")
    return None


def _check_texts(key: str, data: bytes) -> Iterator[Damage]:
    try:
        checked_texts(key, data)
    except Integrity as error:
        yield Damage(key, str(error), "delete")


def damage_remedy(*, read_only: bool) -> str:
    """Return what to do about damaged records."""
    if read_only:
        return "this mirror can only be read: export or publish it again from the mirror that it was made of"
    return "run `mirror doctor --repair`, then `mirror warm` to fetch them again"


def refuse_damaged(store: Store, names: frozenset[str] | None = None) -> None:
    """Raise ``Integrity`` if a record is damaged: a publication or export would silently lack its project.

    With ``names`` only the records of these projects are looked at.
    """
    damages = list(check(store, names))
    if damages:
        raise Integrity(
            f"{damages[0].key}: {damages[0].problem}; {len(damages)} records of the mirror are damaged: "
            + damage_remedy(read_only=False)
        )


def repair(store: Store, damages: list[Damage]) -> int:
    """Delete or clean damaged records; return the number of changed records. Deleted records are fetched again when needed."""
    keys = [damage.key for damage in damages if damage.repair == "delete"]
    keys += [view_key_of(key) for key in keys if FILES.owns(key)]  # view and files are fetched together
    cleaned = clean_records(store, [damage.key for damage in damages if damage.repair == "clean"])
    return store.delete_many(dict.fromkeys(keys)) + cleaned


def old_schemas(store: Store) -> dict[str, int]:
    """Return the number of records by schema, for every other schema, older or newer."""
    counts: dict[str, int] = {}
    keys = [key for key, _ in store.scan(VIEWS.prefix)]
    for start in range(0, len(keys), _BATCH):
        for data in store.get_many(keys[start : start + _BATCH]).values():
            try:
                schema = str(json.loads(data)["schema"])
            except (ValueError, KeyError, TypeError):
                continue
            if schema != str(SCHEMA):
                counts[schema] = counts.get(schema, 0) + 1
    return counts


def prune(  # noqa: PLR0913 - independent criteria
    store: Store,
    now: float,
    *,
    max_bytes: int | None = None,
    max_age: float | None = None,
    withdrawn: bool = False,
    dry: bool = False,
) -> Pruned:
    """Delete projects that were not fetched or revalidated for long. A project that an attestation covers is retained.

    Args:
        store: The store.
        now: The current time, in seconds since the epoch.
        max_bytes: Delete the projects with the oldest fetch times until the store is not larger.
        max_age: Delete projects that were not fetched or revalidated for so many seconds.
        withdrawn: Delete projects that their index no longer lists.
        dry: Delete nothing; only return the result.
    """
    covered_keys = covered(store)
    sizes = dict(store.scan())
    total = sum(sizes.values())
    projects = [entry for entry in entries(store) if isinstance(entry, Entry)]
    aged = [(entry.view.freshness.fetched_at, entry.key) for entry in projects]
    withdrawn_keys = {
        entry.key for entry in projects if isinstance(entry.view, ReleaseView) and entry.view.withdrawn is not None
    }
    removed: list[str] = []
    retained = 0
    freed = 0
    for fetched, key in sorted(aged):
        old = (max_age is not None and now - fetched > max_age) or (withdrawn and key in withdrawn_keys)
        if not old and (max_bytes is None or total - freed <= max_bytes):
            continue
        if key in covered_keys:
            retained += 1
            continue
        removed += [key, files_key_of(key), texts_key_of(key)]  # also records that another process added since the scan
        freed += sum(sizes.get(stored, 0) for stored in removed[-3:])
    if not dry:
        store.delete_many(removed)
    return Pruned(tuple(stored for stored in removed if stored in sizes), freed, retained)
