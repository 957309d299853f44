"""The part of a store that cannot be written: what is written is discarded, and computed again when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.ports import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class FixedStore(Store):
    """``mirror.ports.Store`` that is read-only. Derived values are computed again, which takes time."""

    repacks = True
    discards = True

    def put_many(self, items: Mapping[str, bytes]) -> None:
        """Discard the items."""

    def update(self, changes: Mapping[str, Callable[[bytes | None], bytes | None]]) -> None:
        """Discard the changes."""

    def delete_many(self, keys: Iterable[str]) -> int:  # noqa: ARG002 - the port's signature
        """Delete nothing."""
        return 0
