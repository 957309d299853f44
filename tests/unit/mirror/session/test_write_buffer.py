"""What two processes store of one project: a release view never stands without the file view that it names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from mirror.exchange.maintenance import check, prune
from mirror.exchange.snapshot import Selection, export, read_snapshot
from mirror.exchange.snapshot_import import Imported, import_snapshot
from mirror.http.fetch_job import FetchCounts
from mirror.ports import Request, Store
from mirror.records.dependency_sets import DependencySet
from mirror.records.file_view import pack
from mirror.records.metadata_texts import pack_texts
from mirror.records.project import Project
from mirror.records.release_view import Absence, decode
from mirror.session.mirror import Mirror
from mirror.session.write_buffer import WriteBuffer
from mirror.settings import MirrorSettings
from mirror.store.disk import DiskStore
from mirror.store.shared import SharedStore
from mirror.urls import page_address
from tests.support.dict_store import DictStore
from tests.support.memory_index import ROOT, MemoryIndex
from tests.support.redis_server import AVAILABLE, RedisServer

FEW = {"app": {"1.0": ["lib"], "2.0": ["lib"]}}
MORE = {"app": {"1.0": ["lib"], "2.0": ["lib"], "3.0": []}}
DAY = 86_400.0


@pytest.fixture(params=["dict", "disk", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Give an empty store of each kind."""
    if request.param == "dict":
        yield DictStore()
    elif request.param == "disk":
        disk = DiskStore(str(tmp_path / "mirror"))
        yield disk
        disk.close()
    elif not AVAILABLE:
        pytest.skip("redis-server is not installed")
    else:
        redis = pytest.importorskip("mirror.store.redis", reason="the extra [redis] is not installed")
        with RedisServer(tmp_path) as server:
            opened = redis.RedisStore(server.url)
            yield opened
            opened.close()


def session(
    store: Store,
    packages: Mapping[str, Mapping[str, list[str]]],
    now: float,
    *,
    refresh: bool = False,
    whole: bool = True,
) -> Mirror:
    """Return a mirror as a process of its own would have it."""
    settings = MirrorSettings("memory", (ROOT,), keep_whole=whole, refresh=refresh)
    index = MemoryIndex(packages)
    index.submit(Request(f"{ROOT}/app/"), lambda _: None)  # it has the files of pages that were asked for
    return Mirror(settings, SharedStore(store), lambda: index, clock=lambda: now)


def learn(mirror: Mirror, release: int) -> None:
    """Have a mirror learn what a release needs, so that it has something to store."""
    project = mirror.project("app")
    assert isinstance(project, Project)
    assert isinstance(mirror.dependencies(project, release, project.view.kind_set_of(release)[0]), DependencySet)


def known_releases(store: Store) -> list[int]:
    """Return the masks of releases whose dependencies the store knows."""
    (key,) = [key for key, _ in store.scan("v/")]
    view = decode(store.get_many((key,))[key])
    assert not isinstance(view, Absence)
    return [mask for _, _, mask in view.known_rows()]


def test_what_is_deleted_while_it_is_in_use_stays_deleted(store: Store) -> None:
    """A run learns of a project that `mirror prune` deletes before the run stores it."""
    with session(store, FEW, DAY) as first:
        learn(first, 0)
    with session(store, FEW, DAY) as second:
        learn(second, 1)
        prune(store, 9 * DAY, max_age=DAY)

    assert [key for key, _ in store.scan() if key[0] in "vf"] == []
    assert list(check(store)) == []


def test_what_is_fetched_anew_while_it_is_in_use_is_kept(store: Store) -> None:
    """Another run stores a newer listing: it stays, with its files, and what this run learned is added."""
    with session(store, FEW, DAY) as first:
        learn(first, 0)
    with session(store, FEW, DAY) as second:
        learn(second, 1)
        with session(store, MORE, 2 * DAY, refresh=True) as third:
            learn(third, 2)

    assert list(check(store)) == []
    assert sum(known_releases(store)) == 0b111


def test_what_is_fetched_is_stored_whole_though_it_was_deleted(store: Store) -> None:
    """A run has both records in hand, and stores both."""
    with session(store, FEW, DAY) as first:
        learn(first, 0)
    with session(store, MORE, 2 * DAY, refresh=True) as second:
        learn(second, 2)
        prune(store, 9 * DAY, max_age=DAY)

    assert list(check(store)) == []
    assert sum(known_releases(store)) & 0b100


def test_a_deletion_takes_what_was_added_meanwhile(store: Store) -> None:
    """`mirror prune` deletes the records of a project together, also one that was not there when it looked."""
    with session(store, FEW, DAY) as first:
        learn(first, 0)
        first.admin.checkpoint()

    pruned = prune(store, 9 * DAY, max_age=DAY)

    assert {key[0] for key in pruned.keys} >= {"v", "f"}
    assert [key for key, _ in store.scan() if key[0] in "vft"] == []


@pytest.mark.parametrize("kind", ["v/", "f/"])
def test_an_older_record_beside_a_newer_one_is_fetched_again(store: Store, kind: str) -> None:
    """Each of the two is sound and fresh by itself; together they say that one was not written with the other."""
    with session(store, FEW, DAY) as first:
        learn(first, 0)
    older = store.get_many([key for key, _ in store.scan(kind)])
    with session(store, MORE, DAY + 1, refresh=True) as second:
        learn(second, 2)
    store.put_many(older)

    with session(store, MORE, DAY + 2, whole=False) as third:
        project = third.project("app")

    assert isinstance(project, Project)
    assert list(project.view.versions) == ["1.0", "2.0", "3.0"]
    assert list(check(store)) == []


def test_a_project_that_is_stored_twice_in_one_batch_keeps_its_records_together(store: Store) -> None:
    """What it learned, then its page that was fetched again, while another process stores a newer listing."""
    with session(store, FEW, DAY) as first:
        learn(first, 0)
    with session(store, MORE, DAY + 9, refresh=True) as other:
        newer = other.project("app")
        assert isinstance(newer, Project)
        view_key, files = next(key for key, _ in store.scan("v/")), newer.new_files()
        old_view = decode(store.get_many((view_key,))[view_key])
        assert not isinstance(old_view, Absence)
        assert files is not None
        project = Project(old_view, newer.index_id, newer.index_url, newer.page_url)
        buffer = WriteBuffer(store, FetchCounts(), lambda: DAY + 1)
        project.changed = True
        buffer.add_project(project)
        project.replace_files(pack([(b'{"filename":"app-1.0.tar.gz"}',), (b"{}",)]), page_address(project.page_url))
        buffer.add_project(project)
    buffer.checkpoint(())
    buffer.flush()

    assert list(check(store)) == []


class Busy(DictStore):
    """A store in which another process deletes a record and writes it again."""

    absent = 2  # reads that do not find it

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values there are."""
        values = super().get_many(keys)
        if self.absent and any(values.pop(key, None) is not None for key in [*values] if key.startswith("t/")):
            self.absent -= 1
        return values


def test_a_record_that_another_process_writes_again_is_not_damaged() -> None:
    """Absent at one moment and there at the next is no checksum that differs."""
    store = Busy({"t/000000000000/app": pack_texts({"app-1.0-py3-none-any.whl": b"Name: app"})})

    assert list(check(store)) == []


class Contended(DictStore):
    """A store whose transactions fail at first: another process has the records deleted between reading and writing."""

    conflicts = 0

    def update(self, changes: Mapping[str, Callable[[bytes | None], bytes | None]]) -> None:
        """Call the changes, and again without any stored value if there is a conflict, as Redis does."""
        if self.conflicts and any(key.startswith("v/") for key in changes):
            self.conflicts -= 1
            for key, change in changes.items():
                change(self.items.get(key))
            self.delete_many([key for key in self.items if key[0] in "vft"])
        super().update(changes)


def test_a_batch_that_is_tried_again_decides_anew() -> None:
    """At the first try another process has a newer listing; at the second the project is deleted: both records are written."""
    store = Contended()
    with session(store, FEW, DAY) as first:
        learn(first, 0)
    with session(store, FEW, DAY + 1, refresh=True) as older:
        learn(older, 1)
        with session(store, MORE, 2 * DAY, refresh=True) as newer:
            learn(newer, 2)
        store.conflicts = 1

    assert list(check(store)) == []
    assert {key[0] for key, _ in store.scan() if key[0] in "vf"} == {"v", "f"}


def test_an_import_that_is_tried_again_decides_anew() -> None:
    """As above; each project is counted once."""
    store = Contended()
    with session(store, FEW, DAY) as first:
        learn(first, 0)
    snapshot = read_snapshot(export(store, Selection(files="all")))
    with session(store, MORE, 2 * DAY, refresh=True) as newer:
        learn(newer, 2)
    store.conflicts = 1

    imported = import_snapshot(snapshot, store)

    assert imported == Imported(added=1, replaced=0, retained=0)
    assert list(check(store)) == []
    assert {key[0] for key, _ in store.scan() if key[0] in "vf"} == {"v", "f"}
