"""The contract of ``mirror.ports.Store`` as tests to inherit."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mirror.errors import StoreError
from mirror.ports import Store


class StoreContract:
    """A subclass gives the fixture ``store``: an open and empty store."""

    def test_a_written_value_is_read_back(self, store: Store) -> None:
        """Values are the same bytes."""
        store.put_many({"v/a": b"one", "v/b": bytes(range(256))})

        assert store.get_many(["v/a", "v/b", "v/c"]) == {"v/a": b"one", "v/b": bytes(range(256))}

    def test_a_later_value_replaces_an_earlier_one(self, store: Store) -> None:
        """The last write wins."""
        store.put_many({"k": b"old"})
        store.put_many({"k": b"new"})

        assert store.get_many(["k"]) == {"k": b"new"}

    def test_a_change_gets_the_stored_value(self, store: Store) -> None:
        """Update reads, changes and writes."""
        store.put_many({"k": b"1"})
        store.update({"k": lambda old: (old or b"") + b"2", "new": lambda old: b"made" if old is None else None})

        assert store.get_many(["k", "new"]) == {"k": b"12", "new": b"made"}

    def test_none_leaves_a_key_as_it_is(self, store: Store) -> None:
        """A change may return None."""
        store.put_many({"k": b"1"})
        store.update({"k": lambda _: None, "absent": lambda _: None})

        assert store.get_many(["k", "absent"]) == {"k": b"1"}

    def test_a_change_that_raises_writes_nothing(self, store: Store) -> None:
        """A batch is atomic."""

        def fail(_: bytes | None) -> bytes:
            raise RuntimeError("no")

        with pytest.raises(RuntimeError):
            store.update({"a": lambda _: b"written", "b": fail})

        assert store.get_many(["a", "b"]) == {}

    def test_deleting_returns_the_number_of_existing_keys(self, store: Store) -> None:
        """Absent keys do not count."""
        store.put_many({"a": b"1", "b": b"2"})

        assert store.delete_many(["a", "c"]) == 1
        assert store.get_many(["a", "b"]) == {"b": b"2"}

    def test_a_scan_is_sorted_and_bounded_by_its_prefix(self, store: Store) -> None:
        """Also if a prefix has a character that is a wildcard in a pattern."""
        store.put_many({"v/b": b"22", "v/a": b"1", "f/a": b"333", "v*": b"4444"})

        assert list(store.scan("v/")) == [("v/a", 1), ("v/b", 2)]
        assert list(store.scan("v*")) == [("v*", 4)]
        assert [key for key, _ in store.scan()] == sorted(["v/b", "v/a", "f/a", "v*"])

    def test_only_bytes_are_stored(self, store: Store) -> None:
        """No value that would need pickle."""
        untyped: Any = {"k": {"not": "bytes"}}
        with pytest.raises((StoreError, TypeError)):
            store.put_many(untyped)

    def test_many_and_large_values_are_stored(self, store: Store) -> None:
        """More keys than the limit of one command, and a value of megabytes."""
        items = {f"v/{number:05}": b"%d" % number for number in range(1200)}
        store.put_many({**items, "f/large": b"x" * 4_000_000})

        values = store.get_many([*items, "f/large"])
        assert len(values) == 1201
        assert len(values["f/large"]) == 4_000_000

    def test_no_change_is_lost_between_threads(self, store: Store) -> None:
        """Each thread adds its letter 25 times; all are in the value at the end."""

        def work(letter: bytes) -> None:
            for _ in range(25):
                store.update({"k": lambda old: (old or b"") + letter})

        threads = [threading.Thread(target=work, args=(letter,)) for letter in (b"a", b"b", b"c", b"d")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(store.get_many(["k"])["k"]) == sorted(b"abcd" * 25)

    def test_heads_are_the_first_bytes_or_not_known(self, store: Store) -> None:
        """A store that can tell the heads of some values tells those of all; absent keys are left out."""
        store.put_many({"f/0/a": b"x" * 100_000, "f/0/b": b"short", **{f"f/0/c{n}": b"y" * 9 for n in range(700)}})

        heads = store.heads(["f/0/a", "f/0/b", "f/0/none", *(f"f/0/c{n}" for n in range(700))], 8)

        assert heads in (
            {},
            {"f/0/a": b"x" * 8, "f/0/b": b"short", **{f"f/0/c{n}": b"y" * 8 for n in range(700)}},
        )

    def test_closing_twice_is_safe(self, store: Store) -> None:
        """The second call does nothing."""
        store.close()
        store.close()
