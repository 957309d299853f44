"""A ``mirror.ports.Store`` in memory, whole and typed: for tests that need a store and no disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

from mirror.ports import Store


class DictStore(Store):
    """Holds bytes in a dict; every batch is written under one lock, so it is complete or not written."""

    def __init__(self, items: Mapping[str, bytes] | None = None) -> None:
        """Start with a copy of ``items``."""
        self.items: dict[str, bytes] = dict(items or {})
        self.closed = False
        self._lock = threading.Lock()

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values there are."""
        with self._lock:
            return {key: self.items[key] for key in keys if key in self.items}

    def put_many(self, items: Mapping[str, bytes]) -> None:
        """Write all items; refuse anything but bytes, as a real store must."""
        for key, value in items.items():
            if type(value) is not bytes:
                raise TypeError(f"{key}: a store keeps bytes, not {type(value).__name__}")
        with self._lock:
            self.items.update(items)

    def update(self, changes: Mapping[str, Callable[[bytes | None], bytes | None]]) -> None:
        """Read, change and write each key."""
        with self._lock:
            changed = {key: change(self.items.get(key)) for key, change in changes.items()}
            self.items.update({key: value for key, value in changed.items() if value is not None})

    def delete_many(self, keys: Iterable[str]) -> int:
        """Remove the keys that are there."""
        with self._lock:
            return sum([self.items.pop(key, None) is not None for key in keys])

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size) sorted by key."""
        with self._lock:
            sizes = sorted((key, len(value)) for key, value in self.items.items() if key.startswith(prefix))
        yield from sizes

    def heads(self, keys: Iterable[str], size: int) -> dict[str, bytes]:
        """Return the first bytes of the values there are."""
        return {key: value[:size] for key, value in self.get_many(keys).items()}

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True
