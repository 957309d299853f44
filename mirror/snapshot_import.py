"""Taking a snapshot into a mirror: what is newer wins, what either knew of dependencies stays known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from mirror.contents import named_view, split_key
from mirror.errors import Integrity, Malformed
from mirror.file_view import digest_of
from mirror.indexes import files_key
from mirror.release_view import Absence, ReleaseView, decode, encode
from mirror.version_keys import version_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.ports import Store
    from mirror.snapshot import Snapshot

    Change = Callable[[bytes | None], bytes | None]

_BATCH = 50  # projects stored in one transaction
_WORDS = re.compile(
    r"[0-9A-Za-z.!+_-]*"
)  # what a version or a tag is made of: nothing that a shell or a lock would read


class Imported(NamedTuple):
    """What an import did, in projects."""

    added: int
    replaced: int
    kept: int  # the mirror had a newer listing; what the snapshot knew of dependencies was added to it


def import_snapshot(snapshot: Snapshot, store: Store) -> Imported:
    """Take every record of a snapshot into a store. Raises ``Integrity`` before anything is written where one is unfit."""
    views = {key: _checked(key, data) for key, data in snapshot.views.items()}
    counts = {"added": 0, "replaced": 0, "kept": 0}
    keys = list(views)
    for start in range(0, len(keys), _BATCH):
        changes: dict[str, Change] = {}
        for key in keys[start : start + _BATCH]:
            changes |= _changes(key, views[key], snapshot, counts)
        store.update(changes)
    said: dict[str, Change] = {f"n/{index}": _if_absent(url.encode()) for index, url in snapshot.addresses.items()}
    said |= {f"i/{index}": _if_absent(value) for index, value in snapshot.facts.items()}
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
        if _wins(other, view, complete=snapshot.complete):
            ours = False
            counts["kept"] += 1
            if not isinstance(other, ReleaseView) or not isinstance(view, ReleaseView):
                return None
            other.absorb(view)
            merged = encode(other)
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


def _wins(other: ReleaseView | Absence, view: ReleaseView | Absence, *, complete: bool) -> bool:
    """Return whether what is stored stays: it is as new, or its files are all there for the same releases."""
    if int(other.freshness.fetched_at) >= int(view.freshness.fetched_at):
        return True
    if complete or not isinstance(other, ReleaseView) or not isinstance(view, ReleaseView):
        return False
    return bool(other.digest) and list(other.versions) == list(view.versions)


def _checked(key: str, data: bytes) -> ReleaseView | Absence:
    """Return a record of a stranger's snapshot; raises ``Integrity`` unless everything that may end in a lock is harmless."""
    try:
        view = named_view(data, split_key(key)[1])
        trouble = None if isinstance(view, Absence) else _trouble(view)
    except (Malformed, TypeError, ValueError) as error:
        raise Integrity(f"{key}: {error}") from error
    if trouble is not None:
        raise Integrity(f"{key}: {trouble}")
    return view


def _trouble(view: ReleaseView) -> str | None:
    """Return what is wrong with a view that can be read, or None."""
    if [version_key(version) for version in view.versions] != list(view.keys) or list(view.keys) != sorted(view.keys):
        return "its versions are not what their sort keys say"
    words = [*view.versions, *(variant.tags for variant in view.variants)]
    if not all(_WORDS.fullmatch(word) for word in words):
        return "a version or a tag holds characters that none has"
    count = len(view.versions)
    known = view.known_rows()
    masks = [*view.shapes.values(), *(mask for _, _, mask in known), view.prereleases]
    numbers = [number for shape in view.shapes for number in shape] + [variant for variant, _, _ in known]
    if any(mask < 0 or mask >> count for mask in masks) or any(not 0 <= one < len(view.variants) for one in numbers):
        return "it speaks of releases or files that it does not have"
    if not 0 <= view.judged <= count or len(view.uploads_text) != count - view.judged:
        return "it has more or fewer upload times than releases"
    if any(not 0 <= number < len(view.dependency_sets) for _, number, _ in known):
        return "it speaks of dependencies that it does not have"
    return None


def _decoded(stored: bytes | None) -> ReleaseView | Absence | None:
    try:
        return None if stored is None else decode(stored)
    except Malformed:
        return None


def _if_absent(value: bytes) -> Change:
    return lambda stored: value if stored is None else None
