"""Iteration over the projects of a store. ``mirror.keys`` has the kinds of records."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import Malformed, NotFound
from mirror.keys import ADDRESSES, VIEWS, files_key, files_key_of, project_of, view_key
from mirror.records.project import Project
from mirror.records.release_view import Absence, ReleaseView, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mirror.ports import Store

_VIEW_KEY = re.compile(VIEWS.prefix + r"([0-9a-f]{12})/([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)")
_BATCH = 200  # records read at once


class Entry(NamedTuple):
    """One project of a store. ``view`` is an ``Absence`` if its index does not have the project."""

    index_id: str
    name: str
    view: ReleaseView | Absence
    load: Callable[[], bytes | None]  # reads the stored file view
    stored: bytes = b""  # the stored form of the view

    @property
    def key(self) -> str:
        """Return the key of its release view."""
        return view_key(self.index_id, self.name)

    @property
    def sum(self) -> bytes:
        """Return the first bytes of the stored view, which have its digest."""
        return self.stored[:24]


def split_key(key: str) -> tuple[str, str]:
    """Return (index id, project) of a release view's key. Raises ``Malformed`` if it is not such a key."""
    match = _VIEW_KEY.fullmatch(key)
    if match is None:
        raise Malformed(f"{key[:80]!r} is not the key of a release view")
    return match[1], match[2]


def entries(store: Store, names: frozenset[str] | None = None) -> Iterator[Entry | tuple[str, Malformed]]:
    """Yield every project of a store, sorted by key, or (key, error) for a record that cannot be read.

    ``names`` restricts the result to these projects.
    """
    keys = sorted(key for key, _ in store.scan(VIEWS.prefix) if names is None or project_of(key) in names)
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        records = store.get_many(batch)
        store.prefetch_files((files_key_of(key), "") for key in records if names is None)
        for key in batch:
            if key not in records:  # deleted since the scan
                continue
            try:
                index_id, name = split_key(key)
                if names is not None and name not in names:
                    continue
                view = named_view(records[key], key)
            except Malformed as error:
                yield key, error
            else:
                yield Entry(index_id, name, view, _loader(store, files_key(index_id, name)), records[key])


def readable(store: Store, names: frozenset[str] | None = None) -> Iterator[Entry]:
    """Yield every readable project of a store, sorted by key."""
    for entry in entries(store, names):
        if isinstance(entry, Entry):
            yield entry


def classified(entry: Entry) -> ReleaseView | None:
    """Classify every release whose files are stored; return the view, or None if the project is absent."""
    if isinstance(entry.view, Absence):
        return None
    project = Project(entry.view, entry.index_id, "", "", load=entry.load)
    oldest = entry.view.classified
    with suppress(NotFound, Malformed):  # its files are missing or damaged: only the classified releases are used
        while oldest and project.keeps(oldest - 1):
            oldest -= 1
        project.classify(oldest)
    return entry.view


def named_view(data: bytes, key: str) -> ReleaseView | Absence:
    """Return a stored view. Raises ``Malformed`` if it is damaged or not the one that belongs under its key."""
    view = decode(data)
    if isinstance(view, ReleaseView) and view.name != project_of(key):
        raise Malformed(f"this is the release view of {view.name}")
    if isinstance(view, Absence) and view.owner not in ("", VIEWS.name(key)):
        raise Malformed(f"this says that there is no {view.owner}")
    return view


def addresses(store: Store) -> dict[str, str]:
    """Return the URL of every index of the store, by id."""
    keys = [key for key, _ in store.scan(ADDRESSES.prefix)]
    return {key[2:]: value.decode("utf-8", "replace") for key, value in sorted(store.get_many(keys).items())}


def _loader(store: Store, key: str) -> Callable[[], bytes | None]:
    return lambda: store.get_many((key,)).get(key)
