"""Which records a snapshot has."""

from __future__ import annotations

from mirror.exchange.snapshot import Selection, export, read_snapshot
from mirror.exchange.snapshot_store import SnapshotStore
from mirror.keys import ADDRESSES, ADVISORIES, FACTS, FILES, KINDS, TEXTS, VIEWS, kind_of
from mirror.records.project import Project
from tests.support.dict_store import DictStore
from tests.support.scenarios import memory_mirror

SHARED = {VIEWS, FILES, TEXTS, FACTS, ADDRESSES, ADVISORIES}


def test_a_snapshot_has_records_of_the_shared_kinds_and_no_other() -> None:
    """All other records stay on the machine."""
    with memory_mirror({"app": {"1.0": []}}) as mirror:
        project = mirror.project("app")
        assert isinstance(project, Project)
        mirror.dependencies(project, 0, 0)
        store = mirror._parts.store
    records = {key: store.get_many((key,))[key] for key, _ in store.scan()}
    records |= {kind.key("x"): b"{}" for kind in KINDS if kind not in SHARED}
    records[ADVISORIES.key("")] = b'{"updated":1}'

    snapshot = SnapshotStore(read_snapshot(export(DictStore(records), Selection(files="all"))))

    assert {kind_of(key) for key, _ in snapshot.scan()} == SHARED
