"""A mirror without write access is only read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mirror.errors import StoreError
from mirror.session.open_store import is_fixed, open_store, refuse_fixed
from mirror.store.disk import DiskStore
from mirror.store.read_only import ReadOnlyStore

ITEMS = {"v/x/a": b"one", "v/x/b": b"two", "f/x/a": b"three"}


def filled(folder: Path) -> DiskStore:
    """Return an open store with items: they may be only in the write-ahead log."""
    store = DiskStore(str(folder))
    store.put_many(ITEMS)
    return store


@pytest.mark.parametrize("closed", [True, False])
def test_it_reads_what_a_store_wrote_and_changes_nothing(tmp_path: Path, closed: bool) -> None:
    """Also records in the write-ahead log, and with special characters in the path."""
    folder = tmp_path / "m ?#%41ü"
    writer = filled(folder)
    if closed:
        writer.close()
    store = ReadOnlyStore(str(folder))

    store.put_many({"v/x/c": b"lost"})
    store.update({"v/x/a": lambda _: b"lost"})
    assert store.delete_many(["v/x/a"]) == 0

    assert store.get_many([*ITEMS, "v/x/c"]) == ITEMS
    assert list(store.scan("v/")) == [("v/x/a", 3), ("v/x/b", 3)]
    store.close()
    store.close()
    writer.close()


def test_a_damaged_store_is_one_clear_error(tmp_path: Path) -> None:
    """The error names the folder."""
    filled(tmp_path / "m").close()
    (tmp_path / "m" / "cache.db").write_bytes(b"nonsense" * 1000)

    with pytest.raises(StoreError, match="cannot read the mirror in"):
        ReadOnlyStore(str(tmp_path / "m")).get_many(["v/x/a"])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_folder_without_write_permission_is_read_and_not_changed(tmp_path: Path) -> None:
    """As a snapshot does."""
    folder = tmp_path / "m"
    filled(folder).close()
    folder.chmod(0o500)
    try:
        assert is_fixed(str(folder))
        assert open_store(str(folder)).get_many(["v/x/a"]) == {"v/x/a": b"one"}
        with pytest.raises(StoreError, match="can only be read"):
            refuse_fixed(str(folder))
    finally:
        folder.chmod(0o700)
