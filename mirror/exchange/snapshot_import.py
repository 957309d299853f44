"""Taking a snapshot into a mirror: what is newer wins, what either knew of dependencies stays known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mirror.errors import Integrity, Malformed
from mirror.exchange.record_iterator import split_key
from mirror.exchange.validation import checked, checked_texts
from mirror.keys import address_key, facts_key, files_key
from mirror.records.file_view import digest_of
from mirror.records.metadata_texts import add_texts
from mirror.records.model import Withdrawal
from mirror.records.release_view import Absence, ReleaseView, decode, encode
from mirror.records.version_keys import version_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.exchange.snapshot import Snapshot
    from mirror.ports import Store

    Change = Callable[[bytes | None], bytes | None]

_BATCH = 50  # projects stored in one transaction


class Imported(NamedTuple):
    """What an import did, in projects."""

    added: int
    replaced: int
    kept: int  # the mirror had a newer listing; what the snapshot knew of dependencies was added to it


def import_snapshot(snapshot: Snapshot, store: Store) -> Imported:
    """Take every record of a snapshot into a store. Raises ``Integrity`` before anything is written where one is unfit."""
    views = {key: _checked(key, data) for key, data in snapshot.views.items()}
    texts = {key: checked_texts(key, record) for key, record in snapshot.texts.items()}
    counts = {"added": 0, "replaced": 0, "kept": 0}
    keys = list(views)
    for start in range(0, len(keys), _BATCH):
        changes: dict[str, Change] = {}
        for key in keys[start : start + _BATCH]:
            changes |= _changes(key, views[key], snapshot, counts)
        store.update(changes)
    store.update({key: _adding(record) for key, record in texts.items()})
    said: dict[str, Change] = {
        address_key(index): _if_absent(url.encode()) for index, url in snapshot.addresses.items()
    }
    said |= {facts_key(index): _if_absent(value) for index, value in snapshot.facts.items()}
    store.update(said)
    return Imported(**counts)


def _changes(key: str, view: ReleaseView | Absence, snapshot: Snapshot, counts: dict[str, int]) -> dict[str, Change]:
    packed = snapshot.file_view(key)
    if isinstance(view, ReleaseView):
        view.digest = digest_of(packed) if packed is not None else ""
    ours = True

    def change_view(stored: bytes | None) -> bytes | None:
        nonlocal ours
        other = _decoded(stored)
        new = snapshot.views[key] if isinstance(view, Absence) else encode(view)
        if other is None:
            counts["added"] += 1
            return new
        emptied = _empties(view) and not _empties(other)
        if emptied or _wins(other, view, complete=snapshot.complete):
            ours = False
            counts["kept"] += 1
            merged = _withdrawn(other, view) if emptied else _absorbed(other, view)
            return None if merged == stored else merged
        counts["replaced"] += 1
        if isinstance(other, ReleaseView) and isinstance(view, ReleaseView):
            view.absorb(other)
            return encode(view)
        return new

    changes: dict[str, Change] = {key: change_view}
    if packed is not None:
        changes[files_key(*split_key(key))] = lambda _: packed if ours else None
    return changes


def _absorbed(other: ReleaseView | Absence, view: ReleaseView | Absence) -> bytes | None:
    """Return what is stored with what a snapshot knew of dependencies; None where there is nothing to add."""
    if not isinstance(other, ReleaseView) or not isinstance(view, ReleaseView):
        return None
    other.absorb(view)
    return encode(other)


def _withdrawn(other: ReleaseView | Absence, view: ReleaseView | Absence) -> bytes | None:
    """Return what is stored, marked where a newer snapshot says that the index does not list the project any more."""
    found = view.freshness.fetched_at
    if not isinstance(other, ReleaseView) or int(other.freshness.fetched_at) >= int(found):
        return None
    other.withdrawn = Withdrawal(found, 404)
    other.freshness = other.freshness._replace(lifetime=0.0)
    return encode(other)


def _empties(view: ReleaseView | Absence) -> bool:
    """Return whether a record says that its index lists nothing of a project."""
    return isinstance(view, Absence) or not view.versions


def _wins(other: ReleaseView | Absence, view: ReleaseView | Absence, *, complete: bool) -> bool:
    """Return whether what is stored stays: it is as new, or its files are all there for the same releases."""
    if int(other.freshness.fetched_at) >= int(view.freshness.fetched_at):
        return True
    if complete or not isinstance(other, ReleaseView) or not isinstance(view, ReleaseView):
        return False
    return bool(other.digest) and list(other.versions) == list(view.versions)


def _checked(key: str, data: bytes) -> ReleaseView | Absence:
    """Return a record of a stranger's snapshot; raises ``Integrity`` also where its releases have other keys than they should."""
    view = checked(key, data)
    if isinstance(view, ReleaseView) and [version_key(version) for version in view.versions] != list(view.keys):
        raise Integrity(f"{key}: its versions are not what their sort keys say")
    return view


def _decoded(stored: bytes | None) -> ReleaseView | Absence | None:
    try:
        return None if stored is None else decode(stored)
    except Malformed:
        return None


def _adding(texts: dict[str, bytes]) -> Change:
    return lambda stored: add_texts(stored, texts)


def _if_absent(value: bytes) -> Change:
    return lambda stored: value if stored is None else None
