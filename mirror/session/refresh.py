"""Revalidate many projects in one run, and report what changed since they were stored. Memory grows with the changes alone.

The run records its progress in the mirror, each change in the transaction that stores its project, so that a run that was killed is
continued by the next one, whose report has the changes of both.
"""

from __future__ import annotations

import hashlib
import json
from itertools import islice
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import Malformed, NotFound, Unreachable, Withdrawn
from mirror.exchange.diff import ProjectChange, compare
from mirror.exchange.record_iterator import Entry, classified, named_view
from mirror.keys import DERIVED, files_key, simple_index, view_key
from mirror.limits import BudgetSpentError
from mirror.records.model import FetchFailure
from mirror.records.release_view import ReleaseView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mirror.ports import Store
    from mirror.records.dependency_sets import DependencySet
    from mirror.records.project import Project
    from mirror.session.mirror import Mirror

_UNDER_WAY = 256  # projects that are requested at once; the fetcher decides how many requests are
_AT_ONCE = 512  # projects that are stored, recorded as done and dropped from memory together
_MOST_FAILURES = 20  # one after the other: then the index is down, and nothing more is asked
_VALID = 86_400.0  # seconds: what was done longer ago is done again


class RefreshReport(NamedTuple):
    """The result of a refresh, with what earlier runs that it continues did."""

    done: int  # projects that an index has, or had
    failures: tuple[FetchFailure, ...]  # of this run: projects whose index could not be used, sorted by name
    unknown: tuple[str, ...]  # names that neither an index nor the mirror has, sorted
    finished: bool  # False if the budget or the failures ended the run


class RefreshProgress:
    """What a refresh of some projects has done, in the mirror: the next run continues it.

    Changes are kept as they are stored: 100,000 of them take 40 MB.
    """

    def __init__(self, names: Iterable[str], indexes: Iterable[str]) -> None:
        """Name the refresh by its projects and indexes; nothing is done."""
        text = "\n".join((*sorted(names), "", *indexes))
        self._prefix = DERIVED.key("refresh", hashlib.blake2s(text.encode(), digest_size=16).hexdigest(), "")
        self._done_prefix, self._change_prefix = f"{self._prefix}done/", f"{self._prefix}change/"
        self.done: set[str] = set()  # the index answered
        self.unknown: set[str] = set()  # those of them that no index has
        self._changes: dict[str, bytes] = {}  # project and index id -> JSON
        self._batches: list[str] = []

    def load(self, store: Store, now: float) -> None:
        """Read what earlier runs have recorded; ``now`` is in epoch seconds. Raises ``StoreError``."""
        if not store.get_many([self._prefix]):
            return
        for key, value in sorted(store.get_many([key for key, _ in store.scan(self._prefix)]).items()):
            if key.startswith(self._done_prefix):
                self._batches.append(key)
                when, names, *unknown = json.loads(value)  # earlier versions did not record what is unknown
                if now - when < _VALID:
                    self.done.update(names)
                    self.unknown.update(*unknown)
            elif key.startswith(self._change_prefix):
                self._changes[key.removeprefix(self._change_prefix)] = value

    def changes(self) -> Iterator[ProjectChange]:
        """Yield every change, sorted by name and index."""
        for key in sorted(self._changes):
            yield ProjectChange.from_json(json.loads(self._changes[key]))

    def begin(self) -> tuple[str, bytes]:
        """Return the record that says that there is such a refresh."""
        return self._prefix, b"{}"

    def add(self, change: ProjectChange) -> tuple[str, bytes]:
        """Take a change, and return its record."""
        key, value = f"{change.name}/{change.index_id}", json.dumps(change.to_json()).encode()
        self._changes[key] = value
        return self._change_prefix + key, value

    def finish(self, names: Sequence[str], now: float) -> tuple[str, bytes]:
        """Take projects as done, and return the record of it."""
        self.done.update(names)
        self._batches.append(f"{self._done_prefix}{names[0]}")
        return self._batches[-1], json.dumps([now, names, sorted(self.unknown.intersection(names))]).encode()

    def delete(self, store: Store) -> None:
        """Delete the records: the refresh is finished and reported. Raises ``StoreError``."""
        keys = [*self._batches, *[self._change_prefix + key for key in self._changes], self._prefix]
        for start in range(0, len(keys), _AT_ONCE):
            store.delete_many(keys[start : start + _AT_ONCE])


class Refresh:
    """One run. It listens to the mirror: a page is compared when it arrives, before anything of it is stored."""

    def __init__(self, mirror: Mirror, progress: RefreshProgress, clock: Callable[[], float]) -> None:
        """Take the mirror, whose settings say that everything is revalidated, and a clock in epoch seconds."""
        self._mirror = mirror
        self._progress = progress
        self._clock = clock
        self._began = clock()
        self._failures: dict[str, FetchFailure] = {}
        self._failed_in_a_row = 0
        self._most = _MOST_FAILURES  # under way; more as soon as an index has answered
        self._under_way: set[str] = set()
        self._arrived: list[str] = []
        mirror.listener = self

    def run(self, names: Iterable[str]) -> RefreshReport:
        """Ask for every project that is not done, until the budget of the mirror is spent."""
        left = iter([name for name in names if name not in self._progress.done])
        self._mirror.records.write(*self._progress.begin())
        finished = True
        try:
            self._ask(left)
        except BudgetSpentError:
            self._take_arrived()
            finished = False
        self._put_away()
        failures = tuple([self._failures[name] for name in sorted(self._failures)])
        finished = finished and next(left, None) is None
        done, unknown = self._progress.done, self._progress.unknown
        return RefreshReport(len(done - unknown), failures, tuple(sorted(unknown)), finished)

    def _ask(self, left: Iterator[str]) -> None:
        finished = False
        while not finished or self._under_way:
            going_on = self._failed_in_a_row < _MOST_FAILURES
            fresh = list(islice(left, self._most - len(self._under_way))) if going_on else []
            finished = len(fresh) + len(self._under_way) < self._most
            self._under_way.update(fresh)
            self._mirror.want_projects(fresh)
            self._take_arrived()
            if not self._mirror.pump():  # all have arrived
                self._take_arrived()
                self._under_way.clear()

    def listed(self, project: Project) -> None:
        """Compare a project with what is stored of it, and record what changed."""
        for part in project.parts():
            if not part.of_index:
                continue
            new = part.view
            if new.freshness.fetched_at < self._began:
                error = Unreachable(f"{new.name}: {part.index_url} could not be used")
                self._failures[new.name] = FetchFailure(new.name, None, error)
            elif (change := self._compared(part)) is not None:
                self._mirror.records.write(*self._progress.add(change))

    def learned(self, project: Project, release: int, file_kind: int, dependencies: DependencySet) -> None:
        """Do nothing: a refresh reads no dependencies."""

    def _compared(self, part: Project) -> ProjectChange | None:
        new = part.view
        old = self._stored(part.index_id, new.name)
        if old is None:
            return ProjectChange(new.name, part.index_id, "added", added=tuple(new.versions))
        change = None
        if old.digest != new.digest or old.versions != new.versions:
            key = files_key(part.index_id, new.name)
            classified(Entry(part.index_id, new.name, old, lambda: self._mirror.records.read(key)))
            classified(Entry(part.index_id, new.name, new, part.new_files))
            change = compare(old, new, part.index_id)
        if old.withdrawn is None:
            return change
        return ProjectChange(new.name, part.index_id, "returned", added=change.added if change else ())

    def _take_arrived(self) -> None:
        """Sort what has arrived into done and failed."""
        for name in [name for name in self._under_way if self._mirror.peek(name) is not None]:
            entry = self._mirror.peek(name)
            self._under_way.discard(name)
            self._arrived.append(name)
            if isinstance(entry, FetchFailure):
                self._take_failure(name, entry)
            if name in self._failures:
                self._failed_in_a_row += 1
            else:
                self._failed_in_a_row, self._most = 0, _UNDER_WAY
        if len(self._arrived) >= _AT_ONCE:
            self._put_away()

    def _take_failure(self, name: str, failure: FetchFailure) -> None:
        if isinstance(failure.error, NotFound):
            self._progress.unknown.add(name)
        elif not isinstance(failure.error, Withdrawn):
            self._failures[name] = failure
        else:
            settings = self._mirror.settings
            for url in (*settings.indexes, *dict(settings.routes).values()):
                index_id = simple_index(url).id
                view = self._stored(index_id, name)
                if view is not None and (view.withdrawn is None or view.withdrawn.since >= self._began):
                    self._mirror.records.write(*self._progress.add(ProjectChange(name, index_id, "withdrawn")))

    def _put_away(self) -> None:
        """Store what has arrived, in one transaction with the record that it is done, and drop it from memory."""
        done = [name for name in self._arrived if name not in self._failures]
        if done:
            self._mirror.records.write(*self._progress.finish(done, self._clock()))
        self._mirror.admin.release(self._arrived)
        self._arrived = []

    def _stored(self, index_id: str, name: str) -> ReleaseView | None:
        key = view_key(index_id, name)
        stored = self._mirror.records.read(key)
        try:
            view = None if stored is None else named_view(stored, key)
        except Malformed:
            return None
        return view if isinstance(view, ReleaseView) else None
