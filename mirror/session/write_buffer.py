"""What a run has to store, and how: collected here, handed to the writer in batches, each one transaction.

Nothing here asks an index. After a batch is handed over a kill of the process loses none of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mirror.errors import Malformed
from mirror.keys import USE_KEY, address_key, facts_key, files_key, kind_of, texts_key, view_key
from mirror.records.file_view import digest_of
from mirror.records.release_view import ReleaseView, decode, encode

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterable, Mapping

    from mirror.http.fetch_job import FetchCounts
    from mirror.metadata.index_facts import IndexFacts
    from mirror.ports import Store
    from mirror.records.project import Project
    from mirror.store.write_behind import WriteBehind

    Change = Callable[[bytes | None], bytes | None]

_EARLY = 16  # file views written in one transaction while a resolve goes on
_RIPE = 64  # records of projects written in one transaction likewise: three a project
_CHECKPOINT = 2.0  # seconds of new facts that a killed process may lose


class WriteBuffer:
    """What is new in this run and not stored yet, beside what is stored."""

    def __init__(self, store: Store, counts: FetchCounts, clock: Callable[[], float]) -> None:
        """Start with nothing new; ``counts`` tells whether an index was asked: else nothing was learned of any."""
        self._store = store
        self._counts = counts
        self._clock = clock
        self._writer: WriteBehind | None = None
        self._unstored: dict[str, bytes] = {}
        self._facts: dict[str, IndexFacts] = {}
        self._early: dict[str, Change] = {}
        self._ripe: dict[str, Change] = {}
        self._checkpointed = clock()

    # --- small records ------------------------------------------------------------------------------------------------

    def read(self, key: str) -> bytes | None:
        """Return what is stored under a key, or None."""
        return self._store.get_many((key,)).get(key)

    def read_record(self, key: str) -> bytes | None:
        """Return what was given to ``write_record``, by this run or an earlier one, or None."""
        return self._unstored.get(key) or self._store.get_many((key,)).get(key)

    def write_record(self, key: str, value: bytes) -> None:
        """Store a record with the next batch. Raises ``ValueError`` for a key of no kind of ``mirror.keys.KINDS``."""
        if kind_of(key) is None:
            raise ValueError(f"Bug: {key!r} is of no kind of record")
        self._unstored[key] = value

    def facts_of(self, index_id: str) -> IndexFacts:
        """Return what is known of an index; what is added to it is stored."""
        facts = self._facts.get(index_id)
        if facts is None:
            from mirror.metadata.index_facts import IndexFacts  # only a run that asks an index

            stored = self._store.get_many((facts_key(index_id),)).get(facts_key(index_id))
            facts = self._facts[index_id] = IndexFacts(*json.loads(stored)) if stored else IndexFacts()
        return facts

    def add_file_view(self, key: str, files: bytes) -> None:
        """Store file views of new projects while the resolve goes on: it is most of what there is to write.

        Without its release view a file view means nothing to anybody, so a kill in between loses no truth; what is stored
        under that key already is left alone until the release view is stored with it.
        """
        self._early[key] = lambda stored: files if stored is None else None
        if len(self._early) >= _EARLY:
            self._put(self._early)
            self._early = {}

    def flush_encoded(self, ripe: deque[Project]) -> bool:
        """Encode one project of those of which something was learned, for the next batch; return whether there was one.

        For the time when nothing arrives: a first lock then has little left to store at its end, and a warm that is killed loses
        little. What is learned of a project later is stored again with the rest.
        """
        if not ripe:
            return False
        self._take(ripe.popleft(), self._ripe, lambda project: _constant_bytes(encode(project.view)))
        if len(self._ripe) >= _RIPE:
            self._put(self._ripe)
            self._ripe = {}
        return True

    def add_project(self, project: Project) -> None:
        """Store a project of which nothing else is made in this run."""
        self._take(project, self._ripe, lambda whole: _constant_bytes(encode(whole.view)))

    # --- batches ------------------------------------------------------------------------------------------------------

    @property
    def failure(self) -> Exception | None:
        """Return why storing has failed in this run, if it has."""
        return None if self._writer is None else self._writer.failure

    @property
    def due(self) -> bool:
        """Return whether the last batch is long enough ago for the next."""
        return self._clock() - self._checkpointed > _CHECKPOINT

    def checkpoint(self, projects: Iterable[Project]) -> None:
        """Hand over what is new of these projects as it is now, and every record: they may change while it is written."""
        self._hand_over(projects, lambda project: _constant_bytes(encode(project.view)))

    def seal(self, projects: Iterable[Project]) -> None:
        """Hand over likewise, encoding in the writer's thread: nothing more will be learned of them."""
        self._hand_over(projects, lambda project: lambda: encode(project.view))

    def finish(self, hits: int) -> None:
        """Store the rest and the figures of this run, and wait for it. Raises ``StoreError`` where storing failed."""
        self._put(self._early)
        if self._counts.requests:
            self._put({USE_KEY: lambda stored: _used(stored, hits, self._counts.requests)})
        if self._writer is not None:
            self._writer.flush()

    def _put(self, changes: Mapping[str, Change]) -> None:
        """Hand a batch to the writer, which the first one starts."""
        if changes and self._writer is None:
            from mirror.store.write_behind import WriteBehind  # a warm lock has nothing to store

            self._writer = WriteBehind(self._store)
        if self._writer is not None:
            self._writer.put(changes)

    def _hand_over(self, projects: Iterable[Project], encoder: Callable[[Project], Callable[[], bytes]]) -> None:
        self._checkpointed = self._clock()
        changes, self._ripe = self._ripe, {}
        for project in projects:
            self._take(project, changes, encoder)
        for key, value in self._unstored.items():
            changes[key] = _constant(value)
        self._unstored = {}
        if self._counts.requests:
            for index_id, facts in self._facts.items():
                changes[facts_key(index_id)] = _constant(json.dumps(facts.to_json()).encode())
        self._put(changes)

    def _take(
        self, whole: Project, changes: dict[str, Change], encoder: Callable[[Project], Callable[[], bytes]]
    ) -> None:
        """Add the changes that store what is new of a project."""
        for project in whole.parts():
            if project.changed:
                project.changed = False
                changes.update(_store_project(project, encoder(project)))
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
    except (ValueError, TypeError, AttributeError):  # derived data: begun anew
        runs = old_hits = old_requests = 0
    return json.dumps({"runs": runs + 1, "hits": old_hits + hits, "requests": old_requests + requests}).encode()


def _constant_bytes(value: bytes) -> Callable[[], bytes]:
    return lambda: value


def _constant(value: bytes) -> Change:
    return lambda _: value


def _adding(texts: Mapping[str, bytes], before: Change | None) -> Change:
    """Return the change that adds METADATA to what is stored, after a change of the same batch."""
    from mirror.records.metadata_texts import add_texts  # only where there is something to add

    def change(stored: bytes | None) -> bytes | None:
        changed = before(stored) if before is not None else None
        return add_texts(stored if changed is None else changed, texts) or changed

    return change


def _store_project(project: Project, encoded: Callable[[], bytes]) -> dict[str, Change]:
    """Return the changes that store a project together with what other processes have learned of it meanwhile.

    Both records are read and written in one transaction, and the invariant of the mirror holds after it: a release view never
    stands without the file view that it names. Where another process has stored a newer listing, that one stays, with its own
    file view, and only what was learned of dependencies is added to it.
    """
    view, files = project.view, project.new_files()
    key = files_key(project.index_id, view.name)
    if files is None:
        return _store_learned(project, encoded)
    ours = True

    def change_view(stored: bytes | None) -> bytes | None:
        nonlocal ours
        new = encoded()
        other, mine = _release_view(stored), _release_view(new)
        if stored == new or other is None or mine is None:
            return new
        if other.digest != mine.digest and other.freshness.fetched_at > mine.freshness.fetched_at:
            ours = False
            other.absorb(mine)
            return encode(other)
        mine.absorb(other)
        if mine.withdrawn is None and other.withdrawn is not None and mine.freshness.fetched_at < other.withdrawn.since:
            mine.withdrawn, mine.freshness = other.withdrawn, other.freshness  # found by another process meanwhile
        return encode(mine)

    def change_files(stored: bytes | None) -> bytes | None:
        return files if ours and stored != files else None

    return {view_key(project.index_id, view.name): change_view, key: change_files}


def _store_learned(project: Project, encoded: Callable[[], bytes]) -> dict[str, Change]:
    """Return the changes that store what was learned of a project whose files are in the store, as far as they still are.

    Another process may have deleted the project (`mirror prune`): then it stays deleted. The file view is read first, in the
    same transaction, and left as it is.
    """
    files: bytes | None = None

    def look_at_files(stored: bytes | None) -> bytes | None:
        nonlocal files
        files = stored
        return None

    def change_view(stored: bytes | None) -> bytes | None:
        mine, other = _release_view(encoded()), _release_view(stored)
        digest = digest_of(files) if files is not None else ""
        if mine is not None and mine.digest in ("", digest):
            if other is not None:
                mine.absorb(other)
            return encode(mine)
        if mine is None or other is None:
            return None
        other.absorb(mine)
        return encode(other)

    view = project.view
    return {
        files_key(project.index_id, view.name): look_at_files,
        view_key(project.index_id, view.name): change_view,
    }


def _release_view(stored: bytes | None) -> ReleaseView | None:
    """Return a stored release view; None for an absence, a damaged record or nothing."""
    try:
        row = None if stored is None else decode(stored)
    except Malformed:
        return None
    return row if isinstance(row, ReleaseView) else None
