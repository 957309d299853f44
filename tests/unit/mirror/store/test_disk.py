"""The embedded store: the contract, and a proof that nothing in it is unpickled."""

from __future__ import annotations

import gc
import os
import pickle
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mirror.errors import StoreError
from mirror.ports import Store
from mirror.store.disk import DiskStore
from mirror.store.new import NewStore
from mirror.store.shared import SharedStore
from mirror.store.write_behind import WriteBehind
from tests.support.dict_store import DictStore
from tests.unit.mirror.store.store_contract import StoreContract


class TestDiskStore(StoreContract):
    """The contract, on a real folder."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[DiskStore]:
        """Give an empty store."""
        opened = DiskStore(str(tmp_path / "mirror"))
        yield opened
        opened.close()


class TestNewStore(StoreContract):
    """The same contract without a database at the start."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[NewStore]:
        """Give a store that has only created its folder."""
        opened = NewStore(str(tmp_path / "mirror"))
        yield opened
        opened.close()


def test_a_new_store_creates_its_database_on_first_write(tmp_path: Path) -> None:
    """Reading does not create it. After the first write, records of other processes are visible."""
    folder = str(tmp_path / "mirror")
    store = NewStore(folder)
    assert (store.get_many(["k"]), os.listdir(folder)) == ({}, [])

    other = DiskStore(folder)
    other.put_many({"k": b"theirs"})
    other.close()
    store.update({"k": lambda stored: (stored or b"") + b", then ours"})

    assert store.get_many(["k"]) == {"k": b"theirs, then ours"}
    store.close()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted in /proc")
@pytest.mark.parametrize("wrap", [lambda store: store, SharedStore])
def test_a_thread_that_has_written_leaves_no_connection_open(tmp_path: Path, wrap: Callable[[Store], Store]) -> None:
    """Each has a page cache of 32 MB, and a cycle that only the garbage collector would find: it is off in short commands."""
    store = NewStore(str(tmp_path / "mirror"))
    writer = WriteBehind(wrap(store))
    opened = []
    gc.disable()
    try:
        for number in range(6):
            writer.put({f"k{number}": lambda _: b"value"})
            writer.flush()
            opened.append(len(os.listdir("/proc/self/fd")))
    finally:
        gc.enable()

    assert opened[1:] == opened[:-1]
    assert len(store.get_many([f"k{number}" for number in range(6)])) == 6
    store.close()


def test_a_new_store_reports_an_unusable_folder_at_once(tmp_path: Path) -> None:
    """Before any request is made."""
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(StoreError, match="name another with --mirror"):
        NewStore(str(tmp_path / "file" / "mirror"))


class TestDictStore(StoreContract):
    """The store that other tests use fulfils the same contract."""

    @pytest.fixture
    def store(self) -> DictStore:
        """Give an empty store."""
        return DictStore()


class Exploit:
    """An object that creates a folder when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        """Create a folder when unpickled."""
        return Path.mkdir, (Path("unpickled-by-the-mirror"),)


def test_a_pickled_row_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of another program with diskcache's mode for pickles is an error and is not executed."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "mirror"
    store = DiskStore(str(folder))
    store.put_many({"k": b"value"})
    store.close()
    with sqlite3.connect(folder / "cache.db") as database:
        database.execute("UPDATE Cache SET mode = 4, value = ?", (pickle.dumps(Exploit()),))
    database.close()

    again = DiskStore(str(folder))
    with pytest.raises(StoreError):
        again.get_many(["k"])
    again.close()
    assert not (tmp_path / "unpickled-by-the-mirror").exists()


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes")
@pytest.mark.parametrize("mode", [None, 0o777])
def test_the_folder_is_private(tmp_path: Path, mode: int | None) -> None:
    """Mode 0700, also if it existed with another mode."""
    folder = tmp_path / "mirror"
    if mode is not None:
        folder.mkdir()
        folder.chmod(mode)

    DiskStore(str(folder)).close()

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


# Adds 1 to a shared number 25 times, and writes keys of its own.
_COUNT_UP = """
import os, sys
from mirror.store.disk import DiskStore
store = DiskStore(sys.argv[1])
for number in range(25):
    own = f"p/{os.getpid()}/{number}"
    store.update({"count": lambda old: str(int(old or b"0") + 1).encode(), own: lambda _: b"x"})
store.close()
"""


def test_four_processes_write_at_once(tmp_path: Path) -> None:
    """No change is lost: reading and writing are one transaction."""
    folder = str(tmp_path / "mirror")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    started = [subprocess.Popen([sys.executable, "-c", _COUNT_UP, folder], env=environment) for _ in range(4)]

    assert [process.wait(timeout=60) for process in started] == [0] * 4
    store = DiskStore(folder)
    assert store.get_many(["count"]) == {"count": b"100"}
    assert len(list(store.scan("p/"))) == 100
    store.close()


def test_the_version_changes_with_every_commit_of_any_store(tmp_path: Path) -> None:
    """And with nothing else, so that a cache in memory can be checked without reading all records."""
    store, other = DiskStore(str(tmp_path / "m")), DiskStore(str(tmp_path / "m"))
    seen = [store.version()]
    store.get_many(["a"])
    assert store.version() == seen[0]
    for writer in (store, other, store):
        writer.put_many({"a": b"1"})
        seen.append(store.version())
    store.close()
    other.close()
    assert len(set(seen)) == 4


def test_more_keys_can_be_read_than_the_limit_of_a_statement(tmp_path: Path) -> None:
    """Keys are read in chunks; absent and repeated keys are allowed."""
    store = DiskStore(str(tmp_path / "m"))
    items = {f"k/{number}": str(number).encode() for number in range(1100)}
    store.put_many(items)

    assert store.get_many([*items, "k/none", "k/7"]) == items
    assert store.get_many([]) == {}
    store.close()


def test_a_store_that_is_only_read_loads_no_diskcache(tmp_path: Path) -> None:
    """Opening an existing store does not load it either."""
    folder = str(tmp_path / "m")
    store = DiskStore(folder)
    store.put_many({"k": b"v"})
    store.close()
    script = (
        "import sys\nfrom mirror.store.disk import DiskStore\nstore = DiskStore(sys.argv[1])\n"
        "print(store.get_many(['k']), store.version() > 0, 'diskcache' in sys.modules)\nstore.close()\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    ran = subprocess.run(
        [sys.executable, "-c", script, folder], env=environment, capture_output=True, text=True, check=True
    )

    assert ran.stdout == "{'k': b'v'} True False\n"


def test_a_database_that_was_removed_or_replaced_is_noticed(tmp_path: Path) -> None:
    """Else this store would go on with the old file, and nobody else would see what it writes."""
    folder = tmp_path / "mirror"
    store = DiskStore(str(folder))
    assert store.check()

    (folder / "cache.db").rename(tmp_path / "old.db")

    assert not store.check()
    (folder / "cache.db").write_bytes(b"")
    assert not store.check()
    store.close()


def test_a_key_that_a_damaged_index_holds_twice_is_scanned_once(tmp_path: Path) -> None:
    """And the keys are sorted, whatever the index says."""
    store = DiskStore(str(tmp_path / "mirror"))
    store.put_many({"v/b": b"1", "v/a": b"2"})
    with sqlite3.connect(tmp_path / "mirror" / "cache.db") as database:
        database.execute("DROP INDEX Cache_key_raw")
        names = "key, raw, store_time, access_time, access_count, size, mode, value"
        database.execute(f"INSERT INTO Cache ({names}) SELECT {names} FROM Cache WHERE key = 'v/b'")  # noqa: S608 - constants

    assert [key for key, _ in store.scan()] == ["v/a", "v/b"]
    store.close()
