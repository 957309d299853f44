"""What a run noted of the records that it read: enough to tell later whether its answer still holds."""

from __future__ import annotations

from mirror.store.shared import HEAD, NotingStore
from tests.support.dict_store import DictStore

OLD, NEW, THEIRS = b"o" * 30, b"n" * 30, b"t" * 30


def test_what_a_run_writes_over_what_it_read_is_noted() -> None:
    """It knows what it wrote; else its own writing would make its answer useless."""
    store = NotingStore(DictStore({"v/x/a": OLD}))
    store.get_many(["v/x/a", "f/x/a"])

    store.update({"v/x/a": lambda _: NEW})

    assert store.noted == {"v/x/a": NEW[:HEAD]}


def test_a_write_of_another_process_is_not_noted() -> None:
    """The answer was not made of it, whatever is merged into it now."""
    shared = DictStore({"v/x/a": OLD})
    store = NotingStore(shared)
    store.get_many(["v/x/a"])
    shared.put_many({"v/x/a": THEIRS})

    store.update({"v/x/a": lambda _: NEW, "v/x/never-read": lambda _: NEW})

    assert store.noted == {"v/x/a": OLD[:HEAD]}
