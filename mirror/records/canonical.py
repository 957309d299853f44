"""One spelling for the same facts: release views renumbered so that the order in which they were learned leaves no trace."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from mirror.errors import Malformed
from mirror.records.dependency_sets import BASE, DependencySet
from mirror.records.freshness import FreshnessRecord
from mirror.records.release_view import ReleaseView

if TYPE_CHECKING:
    from mirror.records.model import Variant


def canonical(view: ReleaseView) -> ReleaseView:
    """Return an equal view: variants and dependency sets sorted, those that nothing uses left out, base lines compiled."""
    known = view.known_rows()
    used = {number for shape in view.shapes for number in shape} | {variant for variant, _, _ in known}
    order = sorted(used, key=lambda number: _order(view.variants[number]))
    variants: list[Variant] = []
    place: dict[int, int] = {}
    for number in order:  # equal variants become one
        if not variants or variants[-1] != view.variants[number]:
            variants.append(view.variants[number])
        place[number] = len(variants) - 1
    shapes: dict[tuple[int, ...], int] = {}
    for shape, mask in view.shapes.items():
        renumbered = tuple(sorted({place[number] for number in shape}))
        shapes[renumbered] = shapes.get(renumbered, 0) | mask
    fresh = view.freshness
    new = ReleaseView(
        name=view.name,
        digest=view.digest,
        freshness=FreshnessRecord(float(int(fresh.fetched_at)), fresh.lifetime, fresh.etag, fresh.last_modified),
        versions=view.versions,
        keys=view.keys,
        prereleases=view.prereleases,
        judged=view.judged,
        variants=variants,
        shapes=dict(sorted(shapes.items())),
        uploads_text=view.uploads_text,
        skipped=view.skipped,
        status=view.status,
        page_url=view.page_url,
    )
    _learn(new, view, [(place[variant], number, mask) for variant, number, mask in known])
    return new


def _learn(new: ReleaseView, view: ReleaseView, known: list[tuple[int, int, int]]) -> None:
    """Give the new view what the old one knows, in an order that depends on content alone."""
    sets = view.dependency_sets
    ordered = sorted(known, key=lambda row: (row[0], sets[row[1]].requires_python or "", sets[row[1]].lines, row[2]))
    plain: dict[int, DependencySet] = {}
    for variant, number, mask in ordered:
        more = mask & ~new.known_releases(variant)  # two equal variants may know the same release
        if not more:
            continue
        if number not in plain:
            plain[number] = DependencySet(sets[number].lines, sets[number].requires_python)
            _compile_base(plain[number])
        new.learn_mask(more, variant, plain[number])


def _compile_base(found: DependencySet) -> None:
    try:
        found.dependencies(BASE)
    except Malformed:
        return  # a line that nobody can read stays text; so do those after it, in every copy alike


def _order(variant: Variant) -> tuple[str, str, bool]:
    return variant.tags, variant.requires_python or "", variant.yanked


def facts_digest(view: ReleaseView) -> str:
    """Return the SHA-256 of what a canonical view says: neither when it was fetched nor how its files are packed."""
    value = [
        view.name, list(view.versions), [list(variant) for variant in view.variants],
        [[list(shape), format(mask, "x")] for shape, mask in view.shapes.items()], view.uploads_text, view.judged,
        view.skipped, view.status, view.page_url,
        [[found.requires_python, list(found.lines)] for found in view.dependency_sets],
        [[variant, number, format(mask, "x")] for variant, number, mask in view.known_rows()],
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()
