"""What /healthz says of a store, without waiting for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from mirror.errors import StoreError
from mirror.server.store_watch import StoreWatch
from tests.support.dict_store import DictStore


class UnsteadyStore(DictStore):
    """A store that fails, hangs or is replaced when a test asks for it."""

    def __init__(self) -> None:
        """Work at first."""
        super().__init__()
        self.fails = self.gone = False
        self.goes_on = threading.Event()
        self.goes_on.set()

    def check(self) -> bool:
        """Hang, fail, or return what the test says."""
        self.goes_on.wait()
        if self.fails:
            raise StoreError("the disk is full")
        return not self.gone


def wait_for(met: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + 30
    while not met():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_failure_is_known_until_it_is_over() -> None:
    """With its reason."""
    store = UnsteadyStore()
    watch = StoreWatch(store, period=0.01)
    watch.start()
    assert watch.problem is None

    store.fails = True
    wait_for(lambda: watch.problem == "the disk is full")
    store.fails = False
    wait_for(lambda: watch.problem is None)
    watch.stop()


def test_a_store_that_does_not_answer_is_a_problem() -> None:
    """Though its check has not ended."""
    store, now = UnsteadyStore(), [0.0]
    watch = StoreWatch(store, period=0.01, clock=lambda: now[0])
    watch.start()
    store.goes_on.clear()

    now[0] = 60.0

    wait_for(lambda: watch.problem is not None and "has not answered" in watch.problem)
    store.goes_on.set()
    watch.stop()


def test_a_store_that_was_replaced_ends_the_watch() -> None:
    """Who waits for it opens the store again."""
    store = UnsteadyStore()
    watch = StoreWatch(store, period=0.01)
    watch.start()

    store.gone = True
    watch.wait()

    assert (watch.replaced, watch.problem is not None) == (True, True)
