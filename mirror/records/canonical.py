"""The canonical form of a release view: renumbered, so that it does not depend on the order in which facts were added."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from mirror.errors import Malformed
from mirror.records.dependency_sets import BASE, DependencySet
from mirror.records.freshness import FreshnessRecord
from mirror.records.release_view import ReleaseView

if TYPE_CHECKING:
    from mirror.records.model import FileKind


def canonical(view: ReleaseView) -> ReleaseView:
    """Return an equal view with file kinds and dependency sets sorted, unused ones left out, and base lines compiled."""
    rows = view.known_rows()
    used = {number for kind_set in view.kind_sets for number in kind_set} | {file_kind for file_kind, _, _ in rows}
    order = sorted(used, key=lambda number: _order(view.file_kinds[number]))
    file_kinds: list[FileKind] = []
    new_numbers: dict[int, int] = {}
    for number in order:  # equal file kinds are merged
        if not file_kinds or file_kinds[-1] != view.file_kinds[number]:
            file_kinds.append(view.file_kinds[number])
        new_numbers[number] = len(file_kinds) - 1
    kind_sets: dict[tuple[int, ...], int] = {}
    for kind_set, mask in view.kind_sets.items():
        renumbered = tuple(sorted({new_numbers[number] for number in kind_set}))
        kind_sets[renumbered] = kind_sets.get(renumbered, 0) | mask
    fresh = view.freshness
    new = ReleaseView(
        name=view.name,
        digest=view.digest,
        freshness=FreshnessRecord(float(int(fresh.fetched_at)), fresh.lifetime, fresh.etag, fresh.last_modified),
        versions=view.versions,
        keys=view.keys,
        prereleases=view.prereleases,
        classified=view.classified,
        file_kinds=file_kinds,
        kind_sets=dict(sorted(kind_sets.items())),
        uploads_text=view.uploads_text,
        skipped=view.skipped,
        status=view.status,
        status_reason=view.status_reason,
        attested=view.attested,
        history=view.history,
        page_url=view.page_url,
        withdrawn=view.withdrawn and view.withdrawn._replace(since=float(int(view.withdrawn.since))),
    )
    _learn(new, view, [(new_numbers[file_kind], number, mask) for file_kind, number, mask in rows])
    return new


def _learn(new: ReleaseView, view: ReleaseView, rows: list[tuple[int, int, int]]) -> None:
    """Add the dependency sets of the old view to the new view, in an order that depends only on their content."""
    sets = view.dependency_sets
    ordered = sorted(rows, key=lambda row: (row[0], sets[row[1]].requires_python or "", sets[row[1]].lines, row[2]))
    plain: dict[int, DependencySet] = {}
    for file_kind, number, mask in ordered:
        more = mask & ~new.known_releases(file_kind)  # two merged file kinds may have a set for the same release
        if not more:
            continue
        if number not in plain:
            plain[number] = DependencySet(sets[number].lines, sets[number].requires_python)
            _compile_base(plain[number])
        new.learn_mask(more, file_kind, plain[number])


def _compile_base(dependency_set: DependencySet) -> None:
    try:
        dependency_set.dependencies(BASE)
    except Malformed:
        return  # an invalid line and those after it stay text: the same in every copy


def _order(file_kind: FileKind) -> tuple[str, str, bool]:
    return file_kind.tags, file_kind.requires_python or "", file_kind.yanked


def facts_digest(view: ReleaseView) -> str:
    """Return the SHA-256 of a canonical view's content, without its fetch time and the digest of its files."""
    value = [
        view.name, list(view.versions), [list(file_kind) for file_kind in view.file_kinds],
        [[list(kind_set), format(mask, "x")] for kind_set, mask in view.kind_sets.items()], view.uploads_text, view.classified,
        view.skipped, view.status, view.status_reason, view.attested, view.history, view.page_url,
        [[dependency_set.requires_python, list(dependency_set.lines)] for dependency_set in view.dependency_sets],
        [[file_kind, number, format(mask, "x")] for file_kind, number, mask in view.known_rows()],
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()


def timeless(record: bytes) -> bytes:
    """Return the text of a stored release view without its digest and its freshness: equal while the facts are."""
    head, _, rest = record.partition(b'",')[2].partition(b',"fresh":[')
    return head + rest.partition(b'],"versions":"')[2]  # a quotation mark in a validator is escaped
