"""Publishing: what is written and read, in which order, by a client without anything and by one of an older publication."""

from __future__ import annotations

import hashlib
import json
import random
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from mirror.errors import Integrity, StoreError
from mirror.exchange.publish import Published, publish
from mirror.exchange.publish_memo import PublishMemo
from mirror.exchange.publish_packs import LEAST_CHANGES
from mirror.exchange.publish_target import FolderTarget
from mirror.exchange.published_cache import PublishedCache
from mirror.exchange.published_index import DELTA, INDEX, Delta, PublishedIndex, needed_names
from mirror.exchange.published_source import Part, Source
from mirror.exchange.published_store import PublishedStore, read_index
from mirror.keys import address_key, files_key, view_key
from mirror.records.compression import pack_frame, unpack_frame
from mirror.records.dependency_sets import DependencySet
from mirror.records.file_view import digest_of, pack, read_slice
from mirror.records.freshness import FreshnessRecord
from mirror.records.model import FileKind
from mirror.records.release_view import ReleaseView, decode, encode
from mirror.records.version_keys import version_key
from tests.support.dict_store import DictStore

DOCS = Path(__file__).parents[4] / "docs"
INDEX_ID = "0123456789ab"
NOW = 1_000_000.0
DAY = 86_400.0


class FolderSource(Source):
    """Reads a published folder, and notes what it is asked for."""

    def __init__(self, folder: Path) -> None:
        """Take the folder."""
        self.label = "folder"
        self.requests = 0
        self.asked: list[str] = []
        self._folder = folder

    def fetch(self, parts: Sequence[Part]) -> list[bytes | None]:
        """Read each part."""
        self.asked += [part.path for part in parts]
        self.requests += len(parts)
        return [self._read(part) for part in parts]

    def _read(self, part: Part) -> bytes | None:
        path = self._folder / part.path
        if not path.exists():
            return None
        data = path.read_bytes()
        return data[part.start : part.end] if part.end else data

    def close(self) -> None:
        """Do nothing."""


class Client:
    """A client with a cache of its own."""

    def __init__(self, folder: Path, folder_of_cache: Path | str = "") -> None:
        """Open the mirror."""
        self.source = FolderSource(folder)
        cache = PublishedCache(str(folder_of_cache), "folder")
        index = read_index(self.source, cache)
        assert isinstance(index, PublishedIndex)
        self.index = index
        self.store = PublishedStore(self.source, index, cache)

    def versions(self, *names: str) -> dict[str, list[str]]:
        """Return the releases of some projects."""
        values = self.store.get_many([view_key(INDEX_ID, name) for name in names])
        views = [decode(value) for value in values.values()]
        return {view.name: list(view.versions) for view in views if isinstance(view, ReleaseView)}


def put(store: DictStore, name: str, versions: Sequence[str], *requirements: str, filler: int = 0) -> None:
    """Store a project whose newest release has known dependencies."""
    view = ReleaseView(
        name=name,
        freshness=FreshnessRecord(NOW, 600.0),
        versions=list(versions),
        keys=[version_key(version) or "" for version in versions],
        prereleases=0,
        classified=0,
        file_kinds=[FileKind("py3-none-any", None)],
        uploads_text=["10"] * len(versions),
        status_reason="".join(hashlib.sha256(b"%d" % number).hexdigest() for number in range(filler // 64)) or None,
    )
    for release in range(len(versions)):
        view.add_kind_set((0,), release)
    view.learn(len(versions) - 1, 0, DependencySet(requirements))
    rows = [
        (json.dumps({"filename": f"{name}-{version}.whl", "hashes": {"sha256": "ab" * 32}}).encode(),)
        for version in versions
    ]
    files = pack(rows)
    view.digest = digest_of(files)
    store.put_many({view_key(INDEX_ID, name): encode(view), files_key(INDEX_ID, name): files})


def mirror(count: int = 30) -> DictStore:
    """Return a mirror of projects that form chains of three."""
    store = DictStore({address_key(INDEX_ID): b"http://index.example/simple"})
    for number in range(count):
        put(store, f"p{number}", ["1.0", "2.0"], *([f"p{number - 1}>=1"] if number % 3 else []))
    return store


def published(store: DictStore, folder: Path, now: float = NOW) -> Published:
    """Publish without pages."""
    return publish(store, FolderTarget(str(folder)), now, pages=None)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_new_client_reads_the_index_and_one_range(tmp_path: Path) -> None:
    """All that the named projects depend on comes in it, and so do the files that a lock may pin."""
    published(mirror(), tmp_path)

    client = Client(tmp_path)
    assert client.versions("p5", "p11") == {"p5": ["1.0", "2.0"], "p11": ["1.0", "2.0"]}
    assert set(client.versions("p3", "p4", "p9")) == {"p3", "p4", "p9"}
    client.store.prefetch_files([(files_key(INDEX_ID, "p4"), "2.0")])
    files = client.store.get_many([files_key(INDEX_ID, "p4")])[files_key(INDEX_ID, "p4")]

    assert json.loads(read_slice(files, 1))[0]["filename"] == "p4-2.0.whl"
    assert client.source.requests == 2
    assert client.source.asked[0] == INDEX


def test_a_release_whose_dependencies_were_not_known_has_its_files_elsewhere(tmp_path: Path) -> None:
    """They take one request, of the complete file view."""
    published(mirror(), tmp_path)
    client = Client(tmp_path)
    client.versions("p4")
    client.store.prefetch_files([(files_key(INDEX_ID, "p4"), "1.0")])

    files = client.store.get_many([files_key(INDEX_ID, "p4")])[files_key(INDEX_ID, "p4")]

    assert [json.loads(read_slice(files, release))[0]["filename"] for release in (0, 1)] == ["p4-1.0.whl", "p4-2.0.whl"]
    assert client.source.requests == 3


def test_one_changed_project_writes_three_files_and_the_delta(tmp_path: Path) -> None:
    """Its file view, the pack of changes, the index; and nothing if nothing has changed."""
    store = mirror()
    published(store, tmp_path)
    before = contents(tmp_path)
    assert published(store, tmp_path).written == 0
    assert contents(tmp_path) == before
    put(store, "p7", ["1.0", "2.0", "3.0"], "p6>=1")

    done = published(store, tmp_path)

    new = {path for path, data in contents(tmp_path).items() if before.get(path) != data}
    assert sorted(path.partition("/")[0] for path in new) == ["delta.zst", "files", "index.zst", "packs"]
    assert done.written == 4


def test_a_client_of_yesterday_reads_the_delta_and_one_range(tmp_path: Path) -> None:
    """Whether one or several publications passed; what it has stays usable."""
    store, folder, cache = mirror(), tmp_path / "pub", tmp_path / "cache"
    published(store, folder)
    first = Client(folder, cache)
    first.versions("p8", "p29")
    first.store.close()
    for version in ("3.0", "4.0", "5.0"):
        put(store, "p7", ["1.0", "2.0", version], "p6>=1")
        put(store, "q", [version])
        published(store, folder)

    client = Client(folder, cache)

    assert client.versions("p7", "p8", "p29", "q")["p7"] == ["1.0", "2.0", "5.0"]
    assert [path.partition("/")[0] for path in client.source.asked] == [DELTA, "packs"]
    client.store.close()
    unchanged = Client(folder, cache)
    assert set(unchanged.versions("p7", "q")) == {"p7", "q"}
    assert unchanged.source.asked == [DELTA]


@pytest.mark.parametrize("state", ["another mirror", "damaged", "missing"])
def test_a_delta_that_does_not_lead_on_is_not_used(tmp_path: Path, state: str) -> None:
    """The index is read instead."""
    folder, cache, store = tmp_path / "pub", tmp_path / "cache", mirror()
    published(store, folder)
    Client(folder, cache).store.close()
    put(store, "p7", ["9.0"])
    if state == "another mirror":
        (folder / INDEX).unlink()  # the publication begins anew, with the serial number that the client has
    published(store, folder)
    if state == "damaged":
        (folder / DELTA).write_bytes((folder / DELTA).read_bytes()[:-3] + b"???")
    elif state == "missing":
        (folder / DELTA).unlink()

    client = Client(folder, cache)

    assert client.source.asked == [DELTA, INDEX]
    assert client.versions("p7") == {"p7": ["9.0"]}


def test_a_project_that_is_gone_is_gone_for_everybody(tmp_path: Path) -> None:
    """For a new client and for one of yesterday."""
    folder, cache, store = tmp_path / "pub", tmp_path / "cache", mirror()
    published(store, folder)
    Client(folder, cache).store.close()
    store.delete_many([view_key(INDEX_ID, "p7"), files_key(INDEX_ID, "p7")])
    published(store, folder)

    for client in (Client(folder), Client(folder, cache)):
        assert client.versions("p6", "p7") == {"p6": ["1.0", "2.0"]}


def test_many_changes_become_a_new_base(tmp_path: Path) -> None:
    """The pack of changes does not grow for ever; a client of yesterday reads the index and what changed."""
    folder, cache, store = tmp_path / "pub", tmp_path / "cache", mirror()
    published(store, folder)
    old = Client(folder, cache)
    old.versions("p5", "p8")
    old.store.close()
    put(store, "p6", ["1.0", "7.0"])
    published(store, folder)
    for number in range(4):
        put(store, f"large{number}", ["1.0"], filler=LEAST_CHANGES)
    published(store, folder)

    client = Client(folder, cache)

    assert len(client.index.packs) == 1
    assert client.versions("p5", "p8")["p8"] == ["1.0", "2.0"]
    assert [path.partition("/")[0] for path in client.source.asked] == [DELTA, INDEX, "packs"]


def test_what_no_index_names_is_removed_after_the_grace_period(tmp_path: Path) -> None:
    """An old pack and file view, and what a killed publication wrote; a client that began before may finish."""
    store = mirror()
    published(store, tmp_path)
    before = Client(tmp_path)
    put(store, "p7", ["1.0", "3.0"])
    left = tmp_path / "packs" / f"{'0' * 64}.pack"
    left.write_bytes(b"x")
    published(store, tmp_path)
    put(store, "p7", ["1.0", "4.0"])
    published(store, tmp_path, NOW + DAY - 1)

    assert before.versions("p7") == {"p7": ["1.0", "2.0"]}
    assert (left.exists(), len(list(tmp_path.rglob("*.pack"))), len(list(tmp_path.rglob("*.ppf")))) == (True, 4, 32)
    assert published(store, tmp_path, NOW + DAY).removed == 2  # not the pack that was in use for a day
    assert (left.exists(), len(list(tmp_path.rglob("*.pack"))), len(list(tmp_path.rglob("*.ppf")))) == (False, 3, 31)
    assert published(store, tmp_path, NOW + 2 * DAY).removed == 2
    assert (len(list(tmp_path.rglob("*.pack"))), len(list(tmp_path.rglob("*.ppf")))) == (2, 30)


class _Killed(Exception):
    """Ends a publication."""


class Dying(FolderTarget):
    """A folder that can be written a number of times."""

    def __init__(self, folder: Path, writes: int) -> None:
        """Take the number."""
        super().__init__(str(folder))
        self._writes = writes

    def put(self, path: str, data: bytes) -> bool:
        """Write, or end."""
        written = super().put(path, data)
        self._writes -= written
        if self._writes < 0:
            raise _Killed
        return written


@pytest.mark.parametrize("writes", range(4))
def test_a_publication_that_is_killed_leaves_a_readable_mirror(tmp_path: Path, writes: int) -> None:
    """After each file: all clients read the old state or the new one, and the next publication repairs the rest."""
    folder, store = tmp_path / "pub", mirror()
    published(store, folder)
    caches = [tmp_path / "killed", tmp_path / "late"]
    for cache in caches:
        Client(folder, cache).store.close()
    put(store, "p7", ["1.0", "2.0", "3.0"])
    with pytest.raises(_Killed):
        publish(store, Dying(folder, writes), NOW, pages=None)

    for client in (Client(folder), Client(folder, caches[0])):
        assert client.versions("p7")["p7"] in (["1.0", "2.0"], ["1.0", "2.0", "3.0"])
        client.store.close()
    put(store, "p7", ["1.0", "2.0", "4.0"])  # another state under the number that the killed one had
    published(store, folder)
    for client in (Client(folder), *(Client(folder, cache) for cache in caches)):
        assert client.versions("p7")["p7"] == ["1.0", "2.0", "4.0"]


def _flip(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]


def test_a_changed_byte_is_found_and_repaired(tmp_path: Path) -> None:
    """In each file: the client refuses it or does not need it, and publishing again writes the same bytes as before."""
    store = mirror(6)
    published(store, tmp_path)
    right = contents(tmp_path)
    names = [f"p{number}" for number in range(6)]
    for path, data in right.items():
        (tmp_path / path).write_bytes(_flip(data))
        try:
            assert Client(tmp_path).versions(*names) == {name: ["1.0", "2.0"] for name in names}
            assert not path.startswith("packs")
        except (Integrity, StoreError):
            assert path == INDEX or path.startswith("packs")
        published(store, tmp_path)
        assert contents(tmp_path) == right, path


def test_a_folder_of_an_older_version_is_refused(tmp_path: Path) -> None:
    """With what to do, by the publisher and by the client."""
    (tmp_path / "index.json").write_text('{"published":1}')

    with pytest.raises(StoreError, match="older version"):
        FolderTarget(str(tmp_path))
    with pytest.raises(StoreError, match="published again"):
        Client(tmp_path)


def test_another_format_or_schema_is_named(tmp_path: Path) -> None:
    """In one sentence."""
    published(mirror(), tmp_path)
    index = json.loads(unpack_frame((tmp_path / INDEX).read_bytes()))
    changes: dict[str, dict[str, object]] = {"version 3": {"published": 3}, "schema 99": {"schema": 99}}
    for message, change in changes.items():
        (tmp_path / INDEX).write_bytes(pack_frame(json.dumps({**index, **change}).encode()))
        with pytest.raises(StoreError, match=message):
            Client(tmp_path)


def test_extras_are_followed_only_where_they_are_asked_for(tmp_path: Path) -> None:
    """By a requirement, transitively."""
    store = DictStore({})
    put(store, "app", ["1.0"], "lib[fast]>=1")
    put(store, "lib", ["1.0"], "base", "quick ; extra == 'fast'", "slow ; extra == 'slow'")
    for name in ("base", "quick", "slow"):
        put(store, name, ["1.0"])
    published(store, tmp_path)
    index = Client(tmp_path).index

    assert needed_names(index, {"app": ()}) == ["app", "base", "lib", "quick"]
    assert needed_names(index, {"lib": ()}) == ["base", "lib"]
    assert needed_names(index, {"lib": ("fast", "slow", "other")}) == ["base", "lib", "quick", "slow"]


@pytest.mark.parametrize("announced", [True, False])
def test_what_the_extras_of_the_input_need_is_read_with_their_projects(tmp_path: Path, *, announced: bool) -> None:
    """If the input names them; otherwise it is read when it is asked for."""
    store = DictStore({})
    put(store, "lib", ["1.0"], "base", "quick ; extra == 'fast'")
    for name in ("base", "quick"):
        put(store, name, ["1.0"])
    for number in range(30):  # so that the shards are not beside each other
        put(store, f"other{number}", ["1.0"], filler=64_000)
    published(store, tmp_path)
    client = Client(tmp_path)
    if announced:
        client.store.expect({"lib": ("fast",)})

    client.versions("lib")
    before = client.source.requests
    assert client.versions("quick") == {"quick": ["1.0"]}

    assert (client.source.requests == before) is announced


def test_the_documents_match_the_schema(tmp_path: Path) -> None:
    """Index and delta, as check-jsonschema reads the schema."""
    folder, store = tmp_path / "pub", mirror()
    published(store, folder)
    put(store, "p7", ["1.0", "3.0"], "p6[x]")
    store.delete_many([view_key(INDEX_ID, "p9")])
    published(store, folder)
    paths = []
    for name in (INDEX, DELTA):
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_bytes(unpack_frame((folder / name).read_bytes()))
    check = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(DOCS / "published.schema.json")]

    assert subprocess.run([*check, *map(str, paths)], capture_output=True, text=True, check=False).returncode == 0
    paths[0].write_text(paths[0].read_text().replace('"serial":2', '"serial":"2"'))
    assert subprocess.run([*check, str(paths[0])], capture_output=True, text=True, check=False).returncode == 1


def test_the_reader_in_the_documentation_works(tmp_path: Path) -> None:
    """Run as its own program, at most 60 lines, without this project."""
    text = (DOCS / "mirror-format.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "reader.py").write_text(program)
    published(mirror(), tmp_path / "pub")

    ran = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "reader.py"), str(tmp_path / "pub"), "p4"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert len(program.splitlines()) <= 60
    assert ran.stdout.splitlines()[-1] == f"2.0 1 p4-2.0.whl {'ab' * 32}", ran.stderr


def test_a_delta_leads_from_every_number_since_its_first(tmp_path: Path) -> None:
    """Applied to each older index, it gives the present one; to any other, nothing."""
    store = mirror()
    indexes = []
    for number in range(5):
        put(store, f"p{number}", ["1.0", f"{number + 2}.0"])
        if number == 3:
            store.delete_many([view_key(INDEX_ID, "p20")])
        published(store, tmp_path)
        indexes.append(PublishedIndex.read((tmp_path / INDEX).read_bytes()))
    delta = Delta.read((tmp_path / DELTA).read_bytes())

    assert [index.serial for index in indexes] == [1, 2, 3, 4, 5]
    assert all(delta.applied(index) == indexes[-1] for index in indexes)
    assert delta.applied(indexes[0]._replace(serial=9)) is None
    assert delta.applied(indexes[0]._replace(projects={INDEX_ID: {}})) is None


def test_a_link_in_the_place_of_a_file_is_replaced(tmp_path: Path) -> None:
    """What it leads to is not of the publication, and stays as it is."""
    site, other = tmp_path / "site", tmp_path / "other"
    site.mkdir()
    other.write_bytes(b"mine")
    (site / "a").symlink_to(other)
    (site / "b").symlink_to("nowhere")
    target = FolderTarget(str(site))

    written = [target.put("a", b"new"), target.put("b", b"new")]

    assert (written, other.read_bytes()) == ([True, True], b"mine")
    assert [(path.name, path.is_symlink(), path.read_bytes()) for path in sorted(site.iterdir())] == [
        ("a", False, b"new"), ("b", False, b"new"),
    ]  # fmt: skip


class Reading(DictStore):
    """Notes the file views that are read."""

    def __init__(self, store: DictStore) -> None:
        """Take the records of a store."""
        super().__init__(store.items)
        self.read: list[str] = []

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Note, and return the values there are."""
        wanted = list(keys)
        self.read += [key for key in wanted if key.startswith("f/")]
        return super().get_many(wanted)


def published_with(store: DictStore, folder: Path, memo: Path) -> Published:
    """Publish without pages, with what the publication before left."""
    return publish(store, FolderTarget(str(folder)), NOW, pages=None, memo=PublishMemo(str(memo)))


def test_what_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    """Of a publication of one change only this project's files are read; a later confirmation by the index changes nothing."""
    store, folder, memo = Reading(mirror()), tmp_path / "pub", tmp_path / "memo"
    published_with(store, folder, memo)
    view = decode(store.items[view_key(INDEX_ID, "p3")])
    assert isinstance(view, ReleaseView)
    view.freshness = FreshnessRecord(NOW + 5, 60.0, '"],"versions":"', "yesterday")
    store.items[view_key(INDEX_ID, "p3")] = encode(view)
    put(store, "p7", ["1.0", "2.0", "3.0"], "p6>=1")
    store.read.clear()

    done = published_with(store, folder, memo)

    assert set(store.read) == {files_key(INDEX_ID, "p7")}
    assert done.written == 4
    assert Client(folder).versions("p6", "p7") == {"p6": ["1.0", "2.0"], "p7": ["1.0", "2.0", "3.0"]}


@pytest.mark.parametrize("seed", range(12))
def test_a_publication_that_skips_is_the_publication_that_does_not(tmp_path: Path, seed: int) -> None:
    """After any changes: projects that are new, gone, changed, or named by others before they are there."""
    choose = random.Random(seed)  # noqa: S311 - a test
    store, memo = mirror(), tmp_path / "memo"
    for step in range(6):
        for _ in range(choose.randrange(5)):
            name = f"p{choose.randrange(36)}"
            if choose.random() < 0.3:
                store.delete_many([view_key(INDEX_ID, name), files_key(INDEX_ID, name)])
            else:
                needed = [f"p{choose.randrange(36)}" for _ in range(choose.randrange(3))]
                put(store, name, ["1.0", f"{step}.{choose.randrange(9)}"], *needed, filler=choose.choice((0, 300_000)))
        published_with(store, tmp_path / "skips", memo)
        published(store, tmp_path / "whole")

        assert contents(tmp_path / "skips") == contents(tmp_path / "whole")


@pytest.mark.parametrize("fault", ["file view", "pack", "index", "memo", "other index"])
def test_what_is_missing_in_the_target_is_published_again(tmp_path: Path, fault: str) -> None:
    """Whatever the memo says; and a memo that is damaged, or of another publication, is not used."""
    store, folder, memo = mirror(), tmp_path / "pub", tmp_path / "memo"
    published_with(store, folder, memo)
    expected = contents(folder)
    if fault == "memo":
        memo.write_bytes(b"?")
    elif fault == "other index":
        put(store, "p7", ["1.0", "9.0"])
        published_with(store, folder, tmp_path / "another")
        put(store, "p7", ["1.0", "2.0"], "p6>=1")
    else:
        next(folder.rglob({"file view": "*.ppf", "pack": "*.pack", "index": "index.zst"}[fault])).unlink()

    published_with(store, folder, memo)

    assert Client(folder).versions(*[f"p{number}" for number in range(30)])["p7"] == ["1.0", "2.0"]
    assert {path for path in expected if path.startswith("files/")} <= contents(folder).keys()


def test_a_damaged_record_is_refused_whether_others_are_skipped_or_not(tmp_path: Path) -> None:
    """The check is asked about what is made anew: everything, or what has changed."""
    store, memo = mirror(), tmp_path / "memo"
    asked: list[frozenset[str] | None] = []
    for _ in range(2):
        put(store, "p7", ["1.0", f"{len(asked)}.0"])
        publish(
            store, FolderTarget(str(tmp_path / "pub")), NOW, pages=None, memo=PublishMemo(str(memo)), check=asked.append
        )

    assert asked == [None, frozenset({"p7"})]
