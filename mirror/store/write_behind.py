"""Writes to the store in a thread of its own, so that packing and SQLite never hold up a resolve.

Items become visible in whole batches: everything handed over in one ``put`` is written in one transaction. The first error
is kept and raised by ``flush``; later batches are then dropped, since half a mirror written after a failure helps nobody.
"""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mirror.ports import Store

    Change = Callable[[bytes | None], bytes | None]


class WriteBehind:
    """Hands batches of changes to a store, in order."""

    def __init__(self, store: Store) -> None:
        """Start nothing yet: a run that writes nothing has no thread."""
        self._store = store
        self._queue: SimpleQueue[Mapping[str, Change] | Callable[[], object] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def put(self, batch: Mapping[str, Change]) -> None:
        """Queue one transaction. Each change is called with what is stored (or None) inside it."""
        if batch:
            self._send(batch)

    def run(self, work: Callable[[], object]) -> None:
        """Queue preparation to be done in the writer's thread (packing); it must not touch the store."""
        self._send(work)

    @property
    def failure(self) -> Exception | None:
        """Return why a batch could not be stored, if that was so: from then on nothing is."""
        return self._error

    def flush(self) -> None:
        """Wait until everything queued is stored; raises the first error."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _send(self, item: Mapping[str, Change] | Callable[[], object]) -> None:
        self._queue.put(item)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="mirror-writer", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._error is not None:
                continue
            try:
                if callable(item):
                    item()
                else:
                    self._store.update(item)
            except Exception as error:  # noqa: BLE001 - it is raised where the owner flushes
                self._error = error
