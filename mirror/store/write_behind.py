"""Write to the store in a separate thread, so that packing and SQLite do not delay a resolve.

Each ``put`` is one transaction. ``flush`` raises the first error. After an error, later batches are dropped, because a mirror
with missing batches would be inconsistent.
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
    """A queue of batches of changes, and the thread that writes them to a store in order."""

    def __init__(self, store: Store) -> None:
        """Store the parts. The thread starts with the first batch."""
        self._store = store
        self._queue: SimpleQueue[Mapping[str, Change] | Callable[[], object] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def put(self, batch: Mapping[str, Change]) -> None:
        """Queue one transaction. Each change is called in it with the stored value or None."""
        if batch:
            self._send(batch)

    def run(self, work: Callable[[], object]) -> None:
        """Queue work for the writer thread, such as packing. It must not use the store."""
        self._send(work)

    @property
    def failure(self) -> Exception | None:
        """Return the error of the first batch that could not be stored, or None. After it, no batch is stored."""
        return self._error

    def flush(self) -> None:
        """Wait until all batches are stored; raise the first error."""
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
            except Exception as error:  # noqa: BLE001 - ``flush`` raises it
                self._error = error
        self._store.end_thread()
