"""Statistics of a mirror. Every record is read, so that damaged ones are counted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mirror.errors import Malformed
from mirror.exchange.record_iterator import addresses, named_view
from mirror.keys import ATTESTATIONS, FILES, TEXTS, USE_KEY, VIEWS, facts_key, files_key, simple_index
from mirror.records.file_view import digest_of, release_count
from mirror.records.release_view import Absence, ReleaseView
from mirror.records.wheel_variants import versions_only_as_variants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirror.ports import Store

_BATCH = 200  # records read at once: a large mirror does not fit into memory


class _Tally:
    """The counts of one index's records."""

    def __init__(self) -> None:
        self.projects = 0
        self.absent = 0
        self.releases = 0
        self.with_dependencies = 0  # (release, file kind) pairs with a dependency set
        self.stale = 0
        self.damaged: list[str] = []
        self.not_active: list[str] = []  # projects with another status (PEP 792)
        self.changed: list[str] = []  # projects of which files were changed, added late or removed, and how many
        self.variants: list[str] = []  # projects with releases that exist only as wheel variants, and these
        self.withdrawn: list[str] = []  # projects that their index no longer lists
        self.newest = 0.0
        self.oldest = 0.0

    def add(self, view: ReleaseView | Absence, now: float) -> None:
        """Count one record."""
        fetched, lifetime = view.freshness.fetched_at, view.freshness.lifetime
        self.newest = max(self.newest, fetched)
        self.oldest = min(self.oldest or fetched, fetched)
        self.stale += now - fetched >= lifetime
        if isinstance(view, Absence):
            self.absent += 1
            return
        self.projects += 1
        self.withdrawn += [view.name] if view.withdrawn is not None else []
        self.not_active += [f"{view.name}: {view.status_words}"] if view.status not in {None, "active"} else []
        variants = versions_only_as_variants(view)
        self.variants += [f"{view.name}: {' '.join(variants)}"] if variants else []
        self.changed += [f"{view.name}: {len(view.history)}"] if view.history else []
        self.releases += len(view.versions)
        self.with_dependencies += sum([mask.bit_count() for _, _, mask in view.known_rows()])


def describe(store: Store, indexes: Sequence[str], now: float) -> dict[str, object]:
    """Return the statistics of a store, by index and in total; ages are whole seconds.

    Args:
        store: The store.
        indexes: The configured URLs, to name indexes whose URL is not stored.
        now: The current time, in seconds since the epoch.

    Raises:
        StoreError: The store cannot be read.
    """
    sizes = dict(store.scan())
    keys = [key for key in sizes if VIEWS.owns(key)]
    tallies: dict[str, _Tally] = {}
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        records = store.get_many([*batch, *[files_key(*_parts(key)) for key in batch]])
        for key in batch:
            index_id, name = _parts(key)
            tally = tallies.setdefault(index_id, _Tally())
            _read(tally, key, records.get(key), records.get(files_key(index_id, name)), now)
    urls = {**addresses(store), **{simple_index(url).id: simple_index(url).url for url in indexes}}
    return {
        "projects": sum([tally.projects for tally in tallies.values()]),
        "releases": sum([tally.releases for tally in tallies.values()]),
        "dependencies_known": sum([tally.with_dependencies for tally in tallies.values()]),
        "stale": sum([tally.stale for tally in tallies.values()]),
        "withdrawn": sorted([name for tally in tallies.values() for name in tally.withdrawn]),
        "not_active": sorted([name for tally in tallies.values() for name in tally.not_active]),
        "changed_files": sorted([name for tally in tallies.values() for name in tally.changed]),
        "only_as_variants": sorted([name for tally in tallies.values() for name in tally.variants]),
        "damaged": sorted([key for tally in tallies.values() for key in tally.damaged]),
        "bytes": sum(sizes.values()),
        "bytes_of_release_views": sum([size for key, size in sizes.items() if VIEWS.owns(key)]),
        "bytes_of_file_views": sum([size for key, size in sizes.items() if FILES.owns(key)]),
        "bytes_of_metadata": sum([size for key, size in sizes.items() if TEXTS.owns(key)]),
        "certificates": sum([ATTESTATIONS.owns(key) for key in sizes]),
        "use": _use(store),
        "indexes": {
            urls.get(index_id, f"another index ({index_id})"): {
                **_figures(tallies[index_id], now),
                **_learned(store, index_id),
            }
            for index_id in sorted(tallies)
        },
    }


def _use(store: Store) -> dict[str, object]:
    """Return how often a listing was read from the store, counted over the runs that sent requests."""
    try:
        counts = json.loads(store.get_many((USE_KEY,))[USE_KEY])
        runs, hits, requests = (int(counts[name]) for name in ("runs", "hits", "requests"))
    except (KeyError, ValueError, TypeError):
        return {"runs": 0, "hits": 0, "requests": 0, "hit_rate": None}
    rate = round(hits / (hits + requests), 3) if hits + requests else None
    return {"runs": runs, "hits": hits, "requests": requests, "hit_rate": rate}


def _learned(store: Store, index_id: str) -> dict[str, object]:
    """Return the stored facts of an index."""
    key = facts_key(index_id)
    try:
        ranges, hits, misses, *_ = json.loads(store.get_many((key,))[key])
    except (KeyError, ValueError, TypeError):
        return {}
    return {
        "ranged_reads": "not tried" if ranges is None else "yes" if ranges else "no",
        "unadvertised_sidecars": f"{hits} found, {misses} missed",
    }


def _read(tally: _Tally, key: str, data: bytes | None, files: bytes | None, now: float) -> None:
    """Count one project, or list its key as damaged if its records are inconsistent."""
    try:
        view = named_view(data or b"", key)
        whole = (
            isinstance(view, Absence)
            or not view.digest
            or (  # without a digest: imported from a snapshot without files
                files is not None and digest_of(files) == view.digest and release_count(files) == len(view.versions)
            )
        )
    except Malformed:
        whole = False
    if whole:
        tally.add(view, now)
    else:
        tally.damaged.append(key)


def _figures(tally: _Tally, now: float) -> dict[str, object]:
    return {
        "projects": tally.projects,
        "absent": tally.absent,
        "releases": tally.releases,
        "stale": tally.stale,
        "newest_seconds": max(0, int(now - tally.newest)),
        "oldest_seconds": max(0, int(now - tally.oldest)),
    }


def _parts(key: str) -> tuple[str, str]:
    """Return index id and project of a view's key."""
    _, index_id, name = key.split("/", 2)
    return index_id, name
