"""The attestation of a closed mirror: its roots and targets, the time of its oldest listing, and the records it covers.

It is not a signature. With it, a check of the mirror shows whether the covered records are still the same.
"""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from mirror.errors import Malformed
from mirror.exchange.record_iterator import classified, readable
from mirror.keys import ATTESTATIONS, project_of
from mirror.records.canonical import canonical, facts_digest
from mirror.records.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mirror.ports import Store

_VERSION = 1


class Attestation(msgspec.Struct, frozen=True):
    """An attestation. ``projects`` are (key of the release view, digest of its facts), sorted by key."""

    roots: tuple[str, ...]  # as written, sorted
    targets: tuple[str, ...]
    as_of: int  # epoch seconds: when the oldest covered listing was last fetched or revalidated
    releases: int
    projects: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        """Raise ``ValueError`` if the projects are not sorted: the same content would have two digests."""
        keys = [key for key, _ in self.projects]
        if any(key >= later for key, later in pairwise(keys)):
            raise ValueError("projects: must be sorted by key, each once")

    @property
    def digest(self) -> str:
        """Return the digest of all covered records. It identifies the state of the mirror."""
        return hashlib.sha256(json.dumps(self.projects).encode()).hexdigest()

    @property
    def key(self) -> str:
        """Return the store key of the attestation."""
        return ATTESTATIONS.key(hashlib.sha256(self.to_bytes()).hexdigest()[:24])

    def to_bytes(self) -> bytes:
        """Return the file form: JSON. Equal attestations give the same bytes."""
        value = {"certificate": _VERSION, **msgspec.structs.asdict(self), "digest": self.digest}
        return json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"


def from_bytes(data: bytes) -> Attestation:
    """Read the file form. Raises ``Malformed``."""
    try:
        table = Table(json.loads(data))
        version = table.integer("certificate")
        if version != _VERSION:
            raise Malformed(f"certificate: version {version}, this program reads {_VERSION}")
        attestation = Attestation(
            table.texts("roots"),
            table.texts("targets"),
            table.integer("as_of"),
            table.integer("releases"),
            tuple([(key, digest) for key, digest in table.rows("projects", str, str)]),
        )
        digest = table.text("digest")
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not an attestation of a mirror: {error}") from error
    if attestation.digest != digest:
        raise Malformed("the attestation was altered: its digest differs")
    return attestation


def certify(
    store: Store, names: Iterable[str], roots: Sequence[str], targets: Sequence[str], releases: int
) -> Attestation:
    """Return the attestation of the records that a store now has of these projects."""
    as_of = None
    projects = []
    for entry in readable(store, frozenset(names)):
        fetched = int(entry.view.freshness.fetched_at)
        as_of = fetched if as_of is None else min(as_of, fetched)
        view = classified(entry)
        projects.append((entry.key, "absent" if view is None else facts_digest(canonical(view))))
    return Attestation(tuple(sorted(roots)), tuple(targets), as_of or 0, releases, tuple(projects))


def changed_since(store: Store, attestation: Attestation) -> list[str]:
    """Return the keys of covered records that are missing or have changed, sorted."""
    names = frozenset(project_of(key) for key, _ in attestation.projects)
    now = dict(certify(store, names, (), (), 0).projects)
    return sorted(key for key, digest in attestation.projects if now.get(key) != digest)


def covered(store: Store) -> frozenset[str]:
    """Return the keys of release views that a stored attestation covers. An unreadable attestation covers nothing."""
    keys = [key for key, _ in store.scan(ATTESTATIONS.prefix)]
    view_keys: set[str] = set()
    for data in store.get_many(keys).values():
        try:
            view_keys.update(key for key, _ in from_bytes(data).projects)
        except Malformed:
            continue
    return frozenset(view_keys)
