"""Records in bulk: what ``mirror.exchange.web_store`` asks a server for."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.exchange.advisory_set import pack_advisories
from mirror.exchange.dependency_closure import dependency_closure
from mirror.exchange.published_index import FORMAT
from mirror.exchange.record_iterator import addresses, named_view
from mirror.exchange.snapshot import Selection, export
from mirror.keys import FACTS, FILES, TEXTS, VIEWS, project_of, view_key
from mirror.names import is_project_name, normalize_name
from mirror.records.compression import pack_frame
from mirror.records.release_view import SCHEMA, Absence, ReleaseView
from mirror.records.version_keys import version_key
from mirror.server.answers import Answer, Page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mirror.ports import Store

_MOST_BULK = 64  # cached bulk answers: 0.3 MB each for a closure of 171 projects
_MOST_NAMES = 5000  # in one query


class BulkRecords:
    """Answers questions for many records at once. Its methods may block: call them in a thread."""

    def __init__(self, store: Store, shown: Callable[[str], bool], fetch: Callable[[list[str]], object]) -> None:
        """``shown`` says whether a project may be seen at all; ``fetch`` stores projects that are not, if that is possible."""
        self._store = store
        self._shown = shown
        self._fetch = fetch
        self._lock = threading.Lock()
        self._views: dict[str, tuple[bytes, ReleaseView | Absence]] = {}
        self._bulk: OrderedDict[tuple[tuple[str, str], ...], tuple[object, Answer]] = OrderedDict()

    def answer(self, route: str, query: Mapping[str, str]) -> Answer:
        """Return the answer for ``index.zst``, ``keys.json`` or ``records``."""
        if route == "records":
            return self.records(query)
        return self.mirror_index() if route == "index.zst" else self.keys()

    def mirror_index(self) -> Answer:
        """Return the index that ``mirror.exchange.web_store`` reads first."""
        facts = self._store.get_many([key for key, _ in self._store.scan(FACTS.prefix)])
        head = {
            "published": FORMAT,
            "schema": SCHEMA,
            "bulk": True,
            "indexes": addresses(self._store),
            "facts": {FACTS.name(key): json.loads(value) for key, value in facts.items()},
        }
        body = pack_frame(json.dumps(head, sort_keys=True).encode())
        return Page(body, "application/zstd").answer(zips=False)

    def keys(self) -> Answer:
        """Return the key and size of every record: what a client that reads the whole mirror asks for first."""
        rows = [
            [key, size]
            for kind in (VIEWS, FILES, TEXTS)
            for key, size in self._store.scan(kind.prefix)
            if self._shown(project_of(key))
        ]
        return Page(json.dumps({"keys": rows}).encode(), "application/json").answer()

    def records(self, query: Mapping[str, str]) -> Answer:
        """Return a snapshot of the projects in the query, of their dependency closure (``reach=1``), or of more about them.

        That is files (``files=1``) or METADATA (``texts=1``). With ``advisories=1`` it is all advisories of the mirror. A repeated
        query is answered from memory while the version of the store stays the same.
        """
        if query.get("reach") == "1":
            self._fill(query)
        version = self._store.version()  # before the first read, so that later changes are noticed
        bulk_key = tuple(sorted(query.items()))
        with self._lock:
            ready = self._bulk.get(bulk_key)
        if ready is not None and version is not None and ready[0] == version:
            return ready[1]
        answer = self._records(query)
        with self._lock:
            self._bulk[bulk_key] = (version, answer)
            while len(self._bulk) > _MOST_BULK:
                self._bulk.popitem(last=False)
        return answer

    def _records(self, query: Mapping[str, str]) -> Answer:
        if query.get("advisories") == "1":
            return Page(pack_advisories(self._store), "application/json").answer()
        index_id, wanted = query.get("index", ""), _rows(query)
        releases = {name: version for name, _, version in (row.partition(":") for row in wanted)}
        names = [name for name in releases if self._shown(name)]
        if query.get("reach") == "1":
            names = dependency_closure(names, lambda wave: self._load(index_id, wave))
        selection = Selection(frozenset(name for name in names if self._shown(name)), "none", named=True)
        if query.get("texts") == "1":
            selection = selection._replace(texts=True)
        if query.get("files") == "1":
            views = self._load(index_id, names)
            masks = {name: _mask(views.get(name), releases.get(name, "")) for name in names}
            selection = Selection(selection.names, "chosen", masks, named=True)
        body = export(self._store, selection)
        return Page(body, "application/octet-stream").answer(zips=False)

    def _fill(self, query: Mapping[str, str]) -> None:
        """Have the projects of a query fetched that are not stored: this client asks for them in no other way."""
        names = [n for n in _rows(query) if is_project_name(n) and normalize_name(n) == n and self._shown(n)]
        keys = {view_key(query.get("index", ""), name): name for name in names}
        stored = self._store.get_many(keys)
        absent = [name for key, name in keys.items() if key not in stored]
        if absent:
            self._fetch(absent)

    def _load(self, index_id: str, names: list[str]) -> dict[str, ReleaseView | Absence]:
        """Return the stored views of some projects; each is decoded once."""
        stored = self._store.get_many([view_key(index_id, name) for name in names])
        views: dict[str, ReleaseView | Absence] = {}
        for key, data in stored.items():
            cached = self._views.get(key)
            if cached is None or cached[0] != data:
                try:
                    cached = self._views[key] = (data, named_view(data, key))
                except MirrorError:
                    continue
            views[project_of(key)] = cached[1]
        return views


def _rows(query: Mapping[str, str]) -> list[str]:
    return [name for name in query.get("names", "").split(",") if name][:_MOST_NAMES]


def _mask(view: ReleaseView | Absence | None, version: str) -> int:
    """Return the mask of a release; of all releases if ``version`` is empty."""
    if not isinstance(view, ReleaseView):
        return 0
    if not version:
        return (1 << len(view.versions)) - 1
    key = version_key(version)
    release = view.index_of(key) if key is not None else None
    return 0 if release is None else 1 << release
