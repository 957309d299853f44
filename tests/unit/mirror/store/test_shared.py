"""The release views that a run has read, noted so that a later check can tell whether its result is still valid."""

from __future__ import annotations

from mirror.store.shared import HEAD, NotingStore
from tests.support.dict_store import DictStore

OLD, NEW, THEIRS = b"o" * 30, b"n" * 30, b"t" * 30


def test_a_record_that_a_run_replaces_is_noted() -> None:
    """Otherwise its own write would invalidate its result."""
    store = NotingStore(DictStore({"v/x/a": OLD}))
    store.get_many(["v/x/a", "f/x/a"])

    store.update({"v/x/a": lambda _: NEW})

    assert store.noted == {"v/x/a": NEW[:HEAD]}


def test_a_write_of_another_process_is_not_noted() -> None:
    """The result was not made of it, whatever is merged into it later."""
    shared = DictStore({"v/x/a": OLD})
    store = NotingStore(shared)
    store.get_many(["v/x/a"])
    shared.put_many({"v/x/a": THEIRS})

    store.update({"v/x/a": lambda _: NEW, "v/x/never-read": lambda _: NEW})

    assert store.noted == {"v/x/a": OLD[:HEAD]}
