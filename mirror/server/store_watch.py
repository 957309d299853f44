"""Asks the store again and again whether it can be used, so that /healthz can tell without waiting."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from mirror.errors import MirrorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.ports import Store

_PERIOD = 1.0  # seconds between two checks
_SILENCE = 5.0  # seconds without the end of a check after which the store counts as not answering


class StoreWatch:
    """Checks a store in a thread of its own, from ``start`` to ``stop``."""

    def __init__(self, store: Store, *, period: float = _PERIOD, clock: Callable[[], float] = time.monotonic) -> None:
        """Check nothing yet."""
        self._store = store
        self._period = period
        self._clock = clock
        self._stopped = threading.Event()
        self._problem: str | None = None
        self._checked = clock()
        self.replaced = False  # only opening the store again helps
        self._thread = threading.Thread(target=self._run, name="store-watch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._checked = self._clock()
        self._thread.start()

    def stop(self) -> None:
        """End the thread, unless a check hangs."""
        self._stopped.set()
        self._thread.join(self._period)

    def wait(self) -> None:
        """Return when the store was replaced, or when the watch was stopped."""
        self._stopped.wait()

    @property
    def problem(self) -> str | None:
        """Return why the store cannot be used, or None. Never waits."""
        silent = self._clock() - self._checked
        if silent > self._period + _SILENCE:
            return f"the mirror's store has not answered for {silent:.0f} s"
        return self._problem

    def _run(self) -> None:
        while not self._stopped.wait(self._period):
            self._problem = self._result()
            self._checked = self._clock()
            if self.replaced:
                self._stopped.set()

    def _result(self) -> str | None:
        try:
            self.replaced = not self._store.check()
        except (MirrorError, OSError) as error:
            return str(error) or type(error).__name__
        return "the mirror was removed or replaced; it is opened again" if self.replaced else None
