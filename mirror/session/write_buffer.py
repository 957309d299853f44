"""Collects what a run stores and passes it to the writer in batches; each batch is one transaction.

A killed process loses nothing of a batch that was passed on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mirror.errors import Malformed
from mirror.keys import USE_KEY, VIEWS, address_key, facts_key, files_key, kind_of, texts_key, view_key
from mirror.records.file_view import digest_of
from mirror.records.release_view import Absence, ReleaseView, decode, encode, encode_absence

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mirror.http.fetch_job import FetchCounts
    from mirror.metadata.index_facts import IndexFacts
    from mirror.ports import Store
    from mirror.records.freshness import FreshnessRecord
    from mirror.records.project import Project
    from mirror.store.write_behind import WriteBehind

    Change = Callable[[bytes | None], bytes | None]
    Encoder = Callable[[Project], Callable[[], bytes]]

_EARLY = 16  # file views written in one transaction while a resolve goes on
_RIPE = 64  # records of projects written in one transaction meanwhile; three per project
_CHECKPOINT = 2.0  # seconds of new records that a killed process may lose


class WriteBuffer:
    """The new records of a run, in front of the store."""

    def __init__(self, store: Store, counts: FetchCounts, clock: Callable[[], float]) -> None:
        """Start empty; ``counts`` shows whether requests were sent: without them no index facts are stored."""
        self._store = store
        self._counts = counts
        self._clock = clock
        self._writer: WriteBehind | None = None
        self._unstored: dict[str, bytes] = {}
        self._sightings: dict[str, Change] = {}
        self._facts: dict[str, IndexFacts] = {}
        self._early: dict[str, Change] = {}
        self._ripe: dict[str, Change] = {}
        self._encoded: dict[int, Project] = {}  # those that ``flush_encoded`` has encoded, by identity
        self._checkpointed = clock()

    # --- small records ------------------------------------------------------------------------------------------------

    def read(self, key: str) -> bytes | None:
        """Return the stored value of a key, or None."""
        return self._store.get_many((key,)).get(key)

    def read_record(self, key: str) -> bytes | None:
        """Return a record of ``write_record``, of this run or an earlier one, or None."""
        stored = self._unstored.get(key) or self.read(key)
        change = self._sightings.get(key)
        return stored if change is None else change(stored) or stored

    def texts_of(self, project: Project) -> Mapping[str, bytes]:
        """Return METADATA of wheels of a project that is stored, by file name."""
        from mirror.records.metadata_texts import readable_texts  # only if METADATA is asked for

        return readable_texts(self.read(texts_key(project.index_id, project.view.name)))

    def write_absence(self, key: str, freshness: FreshnessRecord) -> None:
        """Record that an index does not have a project; ``key`` is that of its release view."""
        self.write_record(key, encode_absence(Absence(freshness, VIEWS.name(key))))

    def write_record(self, key: str, value: bytes) -> None:
        """Store a record with the next batch. Raises ``ValueError`` for a key of no kind of ``mirror.keys.KINDS``."""
        if kind_of(key) is None:
            raise ValueError(f"Bug: {key!r} is of no kind of record")
        self._unstored[key] = value

    def add_sightings(self, key: str, digests: Sequence[str], now: float) -> None:
        """Store with the next batch when these files were first seen, unless that is known."""
        from mirror.records.first_seen import extended  # few indexes state no upload times

        self._sightings[key] = lambda stored: extended(stored, digests, int(now))

    def facts_of(self, index_id: str) -> IndexFacts:
        """Return the facts of an index; changes to them are stored."""
        facts = self._facts.get(index_id)
        if facts is None:
            from mirror.metadata.index_facts import IndexFacts  # only a run that asks an index

            stored = self._store.get_many((facts_key(index_id),)).get(facts_key(index_id))
            facts = self._facts[index_id] = IndexFacts(*json.loads(stored)) if stored else IndexFacts()
        return facts

    def add_file_view(self, key: str, files: bytes) -> None:
        """Store the file view of a new project while the resolver runs: file views are most of the bytes to write.

        A file view without its release view is never read, so a process may be killed in between. A file view that is stored
        already is replaced only together with its release view.
        """
        self._early[key] = lambda stored: files if stored is None else None
        if len(self._early) >= _EARLY:
            self._put(self._early)
            self._early = {}

    def flush_encoded(self, ripe: deque[Project]) -> bool:
        """Encode one project with new dependencies for the next batch, each project once; return whether there was one.

        Called while nothing arrives: then little is left to store at the end of a first lock, and a killed `mirror warm` loses
        little. Later changes of the project are stored with the rest.
        """
        while ripe and id(ripe[0]) in self._encoded:  # a long search learns of one project again and again
            ripe.popleft()
        if not ripe:
            return False
        project = ripe.popleft()
        self._encoded[id(project)] = project
        self._take(project, self._ripe, lambda project: _constant_bytes(encode(project.view)))
        if len(self._ripe) >= _RIPE:
            self._put(self._ripe)
            self._ripe = {}
        return True

    def add_project(self, project: Project) -> None:
        """Store a project that is not among the results of this run."""
        self._take(project, self._ripe, lambda whole: _constant_bytes(encode(whole.view)))

    # --- batches ------------------------------------------------------------------------------------------------------

    @property
    def failure(self) -> Exception | None:
        """Return why storing has failed in this run, or None."""
        return None if self._writer is None else self._writer.failure

    @property
    def due(self) -> bool:
        """Return whether it is time for the next checkpoint."""
        return self._clock() - self._checkpointed > _CHECKPOINT

    def checkpoint(self, projects: Iterable[Project]) -> None:
        """Write the new data of these projects and every record; encoded now, because the projects may change meanwhile."""
        self._hand_over(projects, lambda project: _constant_bytes(encode(project.view)))

    def seal(self, projects: Iterable[Project]) -> None:
        """As ``checkpoint``, but encode in the writer's thread: the projects do not change any more."""
        self._hand_over(projects, lambda project: lambda: encode(project.view))

    def finish(self, hits: int) -> None:
        """Write the rest and the figures of this run, and wait. Raises ``StoreError`` if storing failed."""
        self._put(self._early)
        if self._counts.requests:
            self._put({USE_KEY: lambda stored: _used(stored, hits, self._counts.requests)})
        self.flush()

    def flush(self) -> None:
        """Wait until all batches are written. Raises ``StoreError`` if storing failed."""
        if self._writer is not None:
            self._writer.flush()

    def _put(self, changes: Mapping[str, Change]) -> None:
        """Pass a batch to the writer; the first batch starts it."""
        if changes and self._writer is None:
            from mirror.store.write_behind import WriteBehind  # a warm lock has nothing to store

            self._writer = WriteBehind(self._store)
        if self._writer is not None:
            self._writer.put(changes)

    def _hand_over(self, projects: Iterable[Project], encoder: Encoder) -> None:
        self._checkpointed = self._clock()
        changes, self._ripe = self._ripe, {}
        for project in projects:
            self._take(project, changes, encoder)
        for key, value in self._unstored.items():
            changes[key] = _constant(value)
        changes.update(self._sightings)
        self._unstored, self._sightings = {}, {}
        if self._counts.requests:
            for index_id, facts in self._facts.items():
                changes[facts_key(index_id)] = _constant(json.dumps(facts.to_json()).encode())
        self._put(changes)

    def _take(self, whole: Project, changes: dict[str, Change], encoder: Encoder) -> None:
        """Add the changes that store the new data of a project."""
        for project in whole.parts():
            if project.changed:
                project.changed = False
                new = _store_project(project, encoder(project))
                for key in new:  # the order of the keys matters: an earlier change may have the other one
                    changes.pop(key, None)
                changes.update(new)
                key = texts_key(project.index_id, project.view.name)
                texts, project.new_texts = project.new_texts, {}
                if texts:
                    changes[key] = _adding(texts, changes.get(key))
                changes[address_key(project.index_id)] = _constant(project.index_url.encode())


def _used(stored: bytes | None, hits: int, requests: int) -> bytes:
    """Return the figures of all runs so far with this one's added."""
    try:
        before = json.loads(stored or b"{}")
        runs, old_hits, old_requests = (int(before.get(name, 0)) for name in ("runs", "hits", "requests"))
    except (ValueError, TypeError, AttributeError):  # derived data: start again at 0
        runs = old_hits = old_requests = 0
    return json.dumps({"runs": runs + 1, "hits": old_hits + hits, "requests": old_requests + requests}).encode()


def _constant_bytes(value: bytes) -> Callable[[], bytes]:
    return lambda: value


def _constant(value: bytes) -> Change:
    return lambda _: value


def _adding(texts: Mapping[str, bytes], before: Change | None) -> Change:
    """Return the change that adds METADATA to the stored record, after an earlier change of the same batch."""
    from mirror.records.metadata_texts import add_texts  # only if there is METADATA to add

    def change(stored: bytes | None) -> bytes | None:
        changed = before(stored) if before is not None else None
        return add_texts(stored if changed is None else changed, texts) or changed

    return change


def _store_project(project: Project, encoded: Callable[[], bytes]) -> dict[str, Change]:
    """Return the changes that store a project, merged with the changes of other processes.

    Both records are read and written in one transaction. Invariant: a release view is never stored without the file view that
    it names. If another process has stored a newer listing, that one stays, with its file view, and only dependencies are added.
    """
    view, files = project.view, project.new_files()
    key = files_key(project.index_id, view.name)
    if files is None:
        return _store_learned(project, encoded)
    ours = True

    def change_view(stored: bytes | None) -> bytes | None:
        nonlocal ours
        ours = True  # it may be the second call, after a conflict
        new = encoded()
        other = None if stored == new else _release_view(stored, view.name)
        mine = None if other is None else _release_view(new, view.name)
        if other is None or mine is None:
            return new
        if other.digest != mine.digest and other.freshness.fetched_at > mine.freshness.fetched_at:
            ours = False
            other.absorb(mine)
            return encode(other)
        mine.absorb(other)
        if mine.withdrawn is None and other.withdrawn is not None and mine.freshness.fetched_at < other.withdrawn.since:
            mine.withdrawn, mine.freshness = other.withdrawn, other.freshness  # withdrawn according to another process
        return encode(mine)

    def change_files(stored: bytes | None) -> bytes | None:
        return files if ours and stored != files else None

    return {view_key(project.index_id, view.name): change_view, key: change_files}


def _store_learned(project: Project, encoded: Callable[[], bytes]) -> dict[str, Change]:
    """Return the changes that store new dependencies of a project whose files are stored already.

    Another process may have deleted the project (`mirror prune`): then it stays deleted. The file view is read first in the
    same transaction, and not changed.
    """
    view = project.view
    files: bytes | None = None

    def read_files(stored: bytes | None) -> bytes | None:
        nonlocal files
        files = stored
        return None

    def change_view(stored: bytes | None) -> bytes | None:
        mine, other = _release_view(encoded(), view.name), _release_view(stored, view.name)
        digest = digest_of(files) if files is not None else ""
        if mine is not None and mine.digest in ("", digest):
            if other is not None:
                mine.absorb(other)
            return encode(mine)
        if mine is None or other is None:
            return None
        other.absorb(mine)
        return encode(other)

    return {files_key(project.index_id, view.name): read_files, view_key(project.index_id, view.name): change_view}


def _release_view(stored: bytes | None, name: str) -> ReleaseView | None:
    """Return a stored release view; None for an absence, a damaged record, one of another project, or no record."""
    try:
        row = None if stored is None else decode(stored)
    except Malformed:
        return None
    return row if isinstance(row, ReleaseView) and row.name == name else None
