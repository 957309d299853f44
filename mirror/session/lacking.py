"""Why a record is missing where no index may be asked, for messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.keys import ADDRESSES, address_key, simple_index
from mirror.urls import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mirror.ports import Store
    from mirror.settings import MirrorSettings

_WEB = ("http://", "https://")


def lacking(settings: MirrorSettings, store: Store) -> str:
    """Return the reason: offline, a mirror on the web, or a mirror of other indexes than those of this run."""
    reason = "not in the mirror, and offline"
    if settings.location.lower().startswith(_WEB):
        reason = f"not in the mirror {shown(settings.location)}, and no index is asked beside it"
    others = _others(store, [url for url in settings.indexes if url.startswith(_WEB)])
    return f"{reason}; it holds {others}: give the index that it was made from" if others else reason


def _others(store: Store, configured: Iterable[str]) -> str:
    """Return the indexes of a mirror that has none of the configured; "" if it has one or is empty."""
    keys = [address_key(simple_index(url).id) for url in configured]
    if not keys or store.get_many(keys):
        return ""
    held = store.get_many([key for key, _ in store.scan(ADDRESSES.prefix)])
    urls = sorted(shown(value.decode("utf-8", "replace")) for value in held.values())
    return f"{', '.join(urls)}, not {', '.join(map(shown, configured))}" if urls else ""
