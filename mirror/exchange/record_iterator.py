"""What a store holds, walked record by record: for everything that looks at a mirror as a whole.

``mirror.keys`` has the kinds of records.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from mirror.errors import Malformed, NotFound
from mirror.keys import ADDRESSES, VIEWS, files_key, project_of, view_key
from mirror.records.project import Project
from mirror.records.release_view import Absence, ReleaseView, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mirror.ports import Store

_VIEW_KEY = re.compile(VIEWS.prefix + r"([0-9a-f]{12})/([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)")
_BATCH = 200  # records read at once


class Entry(NamedTuple):
    """One project as a store holds it. ``view`` is an ``Absence`` where its index has none."""

    index_id: str
    name: str
    view: ReleaseView | Absence
    load: Callable[[], bytes | None]  # reads the stored file view
    stored: bytes = b""  # the record as it is stored

    @property
    def key(self) -> str:
        """Return the key of its release view."""
        return view_key(self.index_id, self.name)

    @property
    def sum(self) -> bytes:
        """Return how the stored record begins: its digest, which names what it says."""
        return self.stored[:24]


def split_key(key: str) -> tuple[str, str]:
    """Return (index id, project) of a release view's key; raises ``Malformed`` where it is none."""
    found = _VIEW_KEY.fullmatch(key)
    if found is None:
        raise Malformed(f"{key[:80]!r} is no key of a release view")
    return found[1], found[2]


def entries(store: Store, names: frozenset[str] | None = None) -> Iterator[Entry | tuple[str, Malformed]]:
    """Yield every project of a store, sorted by key; for a record that cannot be read its key and what is wrong with it.

    ``names`` restricts to these projects.
    """
    keys = sorted(key for key, _ in store.scan(VIEWS.prefix) if names is None or project_of(key) in names)
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        found = store.get_many(batch)
        for key in batch:
            if key not in found:  # deleted meanwhile
                continue
            try:
                index_id, name = split_key(key)
                if names is not None and name not in names:
                    continue
                view = named_view(found[key], name)
            except Malformed as error:
                yield key, error
            else:
                yield Entry(index_id, name, view, _loader(store, files_key(index_id, name)), found[key])


def readable(store: Store, names: frozenset[str] | None = None) -> Iterator[Entry]:
    """Yield every project of a store that can be read, sorted by key."""
    for entry in entries(store, names):
        if isinstance(entry, Entry):
            yield entry


def classified(entry: Entry) -> ReleaseView | None:
    """Return the view with every release classified whose files are stored; None if the project is absent."""
    if isinstance(entry.view, Absence):
        return None
    project = Project(entry.view, entry.index_id, "", "", load=entry.load)
    oldest = entry.view.classified
    with suppress(NotFound, Malformed):  # its files are missing or damaged: the classified releases stay
        while oldest and project.keeps(oldest - 1):
            oldest -= 1
        project.classify(oldest)
    return entry.view


def named_view(data: bytes, name: str) -> ReleaseView | Absence:
    """Return a stored view; raises ``Malformed`` also where it is another project's."""
    view = decode(data)
    if isinstance(view, ReleaseView) and view.name != name:
        raise Malformed(f"this is the release view of {view.name}")
    return view


def addresses(store: Store) -> dict[str, str]:
    """Return the URL of every index that the store knows by its id."""
    keys = [key for key, _ in store.scan(ADDRESSES.prefix)]
    return {key[2:]: value.decode("utf-8", "replace") for key, value in sorted(store.get_many(keys).items())}


def _loader(store: Store, key: str) -> Callable[[], bytes | None]:
    return lambda: store.get_many((key,)).get(key)
