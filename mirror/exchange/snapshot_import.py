"""Import a snapshot into a mirror: the newer listing wins, and the dependency sets of both are merged."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from mirror.errors import Integrity, Malformed
from mirror.exchange.advisory_set import take_newer
from mirror.exchange.record_iterator import named_view, split_key
from mirror.exchange.validation import checked, checked_texts
from mirror.keys import address_key, facts_key, files_key
from mirror.records.file_view import digest_of
from mirror.records.metadata_texts import add_texts
from mirror.records.model import Withdrawal
from mirror.records.release_view import Absence, ReleaseView, encode
from mirror.records.version_keys import version_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.exchange.snapshot import Snapshot
    from mirror.ports import Store

    Change = Callable[[bytes | None], bytes | None]

_BATCH = 50  # projects stored in one transaction


class Imported(msgspec.Struct, frozen=True):
    """The result of an import: numbers of projects."""

    added: int
    replaced: int
    retained: int  # the mirror had a newer listing; the dependency sets of the snapshot were added to it


def import_snapshot(snapshot: Snapshot, store: Store) -> Imported:
    """Write every record of a snapshot into a store.

    Raises:
        Integrity: A record is invalid. Then nothing is written.
    """
    views = {key: _checked(key, data) for key, data in snapshot.views.items()}
    texts = {key: checked_texts(key, record) for key, record in snapshot.texts.items()}
    outcomes: dict[str, str] = {}  # of each view, by key: a change may be called again after a conflict
    keys = list(views)
    for start in range(0, len(keys), _BATCH):
        changes: dict[str, Change] = {}
        for key in keys[start : start + _BATCH]:
            changes |= _changes(key, views[key], snapshot, outcomes)
        store.update(changes)
    store.update({key: _adding(record) for key, record in texts.items()})
    take_newer(store, snapshot.advisories)
    index_records: dict[str, Change] = {
        address_key(index): _if_absent(url.encode()) for index, url in snapshot.addresses.items()
    }
    index_records |= {facts_key(index): _if_absent(value) for index, value in snapshot.facts.items()}
    store.update(index_records)
    counts = Counter(outcomes.values())
    return Imported(counts["added"], counts["replaced"], counts["retained"])


def _changes(key: str, view: ReleaseView | Absence, snapshot: Snapshot, outcomes: dict[str, str]) -> dict[str, Change]:
    packed = snapshot.file_view(key)
    if isinstance(view, ReleaseView):
        view.digest = digest_of(packed) if packed is not None else ""
    ours = True

    def change_view(stored: bytes | None) -> bytes | None:
        nonlocal ours
        ours = True
        other = _decoded(key, stored)
        new = snapshot.views[key] if isinstance(view, Absence) else encode(view)
        if other is None:
            outcomes[key] = "added"
            return new
        emptied = _empties(view) and not _empties(other)
        if emptied or _wins(other, view, complete=snapshot.complete):
            ours = False
            outcomes[key] = "retained"
            merged = _withdrawn(other, view) if emptied else _absorbed(other, view)
            return None if merged == stored else merged
        outcomes[key] = "replaced"
        if isinstance(other, ReleaseView) and isinstance(view, ReleaseView):
            view.absorb(other)
            return encode(view)
        return new

    changes: dict[str, Change] = {key: change_view}
    if packed is not None:
        changes[files_key(*split_key(key))] = lambda _: packed if ours else None
    return changes


def _absorbed(other: ReleaseView | Absence, view: ReleaseView | Absence) -> bytes | None:
    """Return the stored view with the dependency sets of the snapshot's view added; None if one of them is an absence."""
    if not isinstance(other, ReleaseView) or not isinstance(view, ReleaseView):
        return None
    other.absorb(view)
    return encode(other)


def _withdrawn(other: ReleaseView | Absence, view: ReleaseView | Absence) -> bytes | None:
    """Return the stored view marked as withdrawn: a newer snapshot has no files of the project. None if it is not newer."""
    fetched_at = view.freshness.fetched_at
    if not isinstance(other, ReleaseView) or int(other.freshness.fetched_at) >= int(fetched_at):
        return None
    other.withdrawn = Withdrawal(fetched_at, 404)
    other.freshness = other.freshness._replace(lifetime=0.0)
    return encode(other)


def _empties(view: ReleaseView | Absence) -> bool:
    """Return whether a record has no releases."""
    return isinstance(view, Absence) or not view.versions


def _wins(other: ReleaseView | Absence, view: ReleaseView | Absence, *, complete: bool) -> bool:
    """Return whether the stored record stays: it is as new, or has the same releases and the snapshot lacks files."""
    if int(other.freshness.fetched_at) >= int(view.freshness.fetched_at):
        return True
    if complete or not isinstance(other, ReleaseView) or not isinstance(view, ReleaseView):
        return False
    return bool(other.digest) and list(other.versions) == list(view.versions)


def _checked(key: str, data: bytes) -> ReleaseView | Absence:
    """Return a record of an untrusted snapshot. Raises ``Integrity`` if it is invalid or its sort keys are wrong."""
    view = checked(key, data)
    if isinstance(view, ReleaseView) and [version_key(version) for version in view.versions] != list(view.keys):
        raise Integrity(f"{key}: a sort key does not match its version")
    return view


def _decoded(key: str, stored: bytes | None) -> ReleaseView | Absence | None:
    try:
        return None if stored is None else named_view(stored, key)
    except Malformed:
        return None


def _adding(texts: dict[str, bytes]) -> Change:
    return lambda stored: add_texts(stored, texts)


def _if_absent(value: bytes) -> Change:
    return lambda stored: value if stored is None else None
