"""Finds the index of a project, and its listing: the stored view if it is fresh, else the page, else the stale view.

Every look-up in an index is a generator that yields requests (``mirror.ports.Request``) and is sent their exchanges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import Malformed, MirrorError, NotFound, Offline, Unreachable, Withdrawn
from mirror.keys import files_key, simple_index, view_key
from mirror.limits import PAGE_BYTES
from mirror.ports import PageWish, Purpose, Request
from mirror.records.file_view import digest_of, is_complete, is_whole
from mirror.records.freshness import FETCH, SERVE, conditional_headers, decide, from_headers, revalidated
from mirror.records.model import Withdrawal
from mirror.records.project import Project
from mirror.records.release_view import Absence, ReleaseView
from mirror.session.local_sources import LocalSources
from mirror.session.page_loader import ACCEPT
from mirror.session.release_files import unpaired
from mirror.session.reporter import age_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from typing import Any

    from mirror.keys import SimpleIndex
    from mirror.ports import Exchange, Intervals
    from mirror.session.parts import SessionParts

    Row = ReleaseView | Absence | None
    Runner = Callable[[Mapping[str, Generator[Request, Exchange, Any]]], dict[str, Any]]


class IndexLookup:
    """Projects as their indexes list them, by the strategy, routes and freshness rules of the settings."""

    def __init__(self, parts: SessionParts) -> None:
        """Read nothing yet."""
        self.hits = self.revalidated = 0  # listings from the store without a request; confirmed by the index (304)
        self._settings = parts.settings
        self._indexes = tuple([simple_index(url) for url in parts.settings.indexes])
        self._store = parts.store
        self._write_buffer = parts.write_buffer
        self._pages = parts.pages
        self._shadowed = parts.shadowed
        self._reporter = parts.reporter
        self._observer = parts.reporter.observer
        self._clock = parts.clock
        self._decode = parts.decode
        self._lacks = parts.lacks
        self._local = LocalSources(parts.settings.find_links, parts.reporter.warn)
        self._rows: dict[tuple[str, str], Row] = {}
        self._admits: dict[str, Sequence[Intervals]] = {}
        self._reached: set[str] = set()  # ids of indexes that have answered in this run
        self._down: set[str] = set()  # ids of indexes that failed while a stale view was available

    def load(self, names: Sequence[str], admits: Mapping[str, Sequence[Intervals]]) -> None:
        """Read the stored views of projects in one batch; ``admits`` has the intervals that specifiers admit, by project."""
        self._admits.update(admits)
        keys = {view_key(index.id, name): (index.id, name) for name in names for index in self._indexes_for(name)}
        stored = self._store.get_many(keys)
        for key, row_key in keys.items():
            data = stored.get(key)
            try:
                self._rows[row_key] = None if data is None else _of_project(row_key, self._decode(key, data))
            except Malformed as error:
                self._reject(row_key, str(error))
        for key in unpaired(self._store, {key: self._rows[row_key] for key, row_key in keys.items()}):
            self._reject(keys[key], "its release view and its files are of two listings")

    def _reject(self, row_key: tuple[str, str], problem: str) -> None:
        """Take a damaged or foreign record for absent: it is fetched again."""
        remedy = "it counts as missing" if self._settings.offline else "asking its index again"
        self._reporter.warn(f"{row_key[1]}: {problem}; {remedy}")
        self._rows[row_key] = None

    def forget(self, name: str) -> None:
        """Drop the stored views of a project from memory."""
        self._admits.pop(name, None)
        for index in self._indexes_for(name):
            self._rows.pop((index.id, name), None)

    def read_pages(self, run: Runner) -> None:
        """Read the find-links pages on the web before the first look-up; warn of each that is not available."""
        pages = self._local.pages()
        if not pages:
            return
        from mirror.session.find_links import page_key, read_page  # only if there are such pages

        stored = self._store.get_many([page_key(page) for page in pages])
        now, keep = self._clock(), self._write_buffer.write_record
        jobs = {
            page: read_page(page, stored.get(page_key(page)), self._settings, now, keep, self._pages.signatures.add)
            for page in dict.fromkeys(pages)
        }
        for page, result in run(jobs).items():
            if isinstance(result, MirrorError):
                self._local.lose_page(page, result)
            else:
                self._local.add_page(page, *result)

    # --- which index is used ------------------------------------------------------------------------------------------

    def find(self, name: str) -> Generator[Request, Exchange, Project]:
        """Look in the indexes in order; the first that has the project is used (no dependency confusion).

        With ``best-match`` all that have it are merged. Files of find-links locations are always added. Files of an index come
        first, so that a lock names them if both have the same file.

        Raises ``NotFound``, ``Offline``, ``Unreachable``, ``Malformed``.
        """
        settings = self._settings
        linked = [] if self._routed(name) or not settings.find_links else self._local.linked(name)
        projects: list[Project] = []
        indexes = list(self._indexes_for(name))
        while indexes and not (projects and settings.strategy == "first-index"):
            try:
                project = yield from self._look(indexes.pop(0), name)
            except Offline:
                if not (linked or projects):
                    raise
                continue
            projects += [project] if project is not None else []
        if not (projects or linked):
            raise NotFound(f"{name}: no index has a project of this name")
        if projects and indexes:
            self._shadowed.ask(name, self._look_aside(name, indexes))
        if len(projects) + len(linked) == 1:
            return (projects or linked)[0]
        from mirror.session.merged_project import MergedProject  # only if several have the project

        return MergedProject([*projects, *linked])

    def _indexes_for(self, name: str) -> Sequence[SimpleIndex]:
        return [simple_index(url) for url in self._settings.indexes_of(name)] if self._routed(name) else self._indexes

    def _routed(self, name: str) -> bool:
        return any(project == name for project, _ in self._settings.routes)

    def _look_aside(self, name: str, indexes: Sequence[SimpleIndex]) -> Generator[Request, Exchange, None]:
        """Look in the shadowed indexes too, to warn of higher releases there."""
        for index in indexes:
            try:
                project = yield from self._look(index, name)
            except MirrorError as error:  # reported only if no other index has a pinned release
                self._shadowed.add_failure(name, index.url, error)
                continue
            if project is not None:
                self._shadowed.add(name, project)

    def _look(self, index: SimpleIndex, name: str) -> Generator[Request, Exchange, Project | None]:
        """Return the project of one index, from the store or by a request; None if the index does not have it."""
        if index.url.startswith("file:"):
            return self._local.local(index, name)
        settings = self._settings
        row = self._rows.get((index.id, name))
        record = row.freshness if row is not None else None
        action = decide(record, self._clock(), refresh=settings.refresh, offline=settings.offline)
        if action == SERVE and not settings.offline and settings.keep_whole and isinstance(row, ReleaseView):
            action = SERVE if self._keeps_all(index, name, row) else FETCH
        if action == SERVE and row is not None:
            self.hits += 1
            self._observer.arrived("listing", name, "store")
            return self._stored(index, name, row)
        if settings.offline:
            raise Offline(f"{name}: {self._lacks()}")
        if row is not None and index.id in self._down and not _is_withdrawn(row):
            self._observer.arrived("listing", name, "stale")
            return self._stored(index, name, row)
        headers = conditional_headers(record) if record is not None and action != FETCH else ()
        url = index.page(name)
        whole, depth = settings.keep_whole or self._keeps_all(index, name, row), settings.depth
        admits = tuple(self._admits.get(name, ()))
        wish = PageWish(name, whole or depth.everything, depth.everything, admits, depth.before)
        exchange = yield Request(
            url,
            (*ACCEPT, *headers),
            cache_key=url,
            limit=PAGE_BYTES,
            fallback=row is not None,
            page=wish,
            purpose=Purpose.PAGES,
        )
        if exchange.status and not exchange.stale:
            self._reached.add(index.id)
        if exchange.status == 200 and exchange.problem is None:
            return self._listed(index, name, row, exchange)
        return self._answered(index, name, row, exchange)

    def _answered(self, index: SimpleIndex, name: str, row: Row, exchange: Exchange) -> Project | None:
        """Process a response without a page: absence, not modified, or an error for which a stale view may be used."""
        now = self._clock()
        if exchange.status in (404, 410):
            if isinstance(row, ReleaseView) and row.versions:
                raise self._withdrawn(index, row, exchange.status)
            self._write_buffer.write_absence(view_key(index.id, name), from_headers(exchange.headers, now))
            return None
        if row is not None and exchange.status == 304 and not exchange.stale:
            return self._confirmed(index, name, row, exchange, now)
        if row is not None and not exchange.refused and not _is_withdrawn(row):
            self._reporter.warn_stale(exchange.trouble, now - row.freshness.fetched_at)
            self._pages.failed(index.id, name, exchange)
            if index.id not in self._reached:  # no response so far: stale views are used from here on
                self._down.add(index.id)
            self._observer.arrived("listing", name, "stale")
            return self._stored(index, name, row)
        raise Unreachable(f"{name}: {exchange.trouble}")

    def _confirmed(
        self, index: SimpleIndex, name: str, row: ReleaseView | Absence, exchange: Exchange, now: float
    ) -> Project | None:
        """Return the stored project: the index has nothing newer."""
        self.revalidated += 1
        self._observer.arrived("listing", name, "revalidated")
        renewed = revalidated(row.freshness, exchange.headers, now)
        if isinstance(row, Absence):
            self._write_buffer.write_absence(view_key(index.id, name), renewed)
            return None
        row.freshness, row.withdrawn = renewed, None
        project = self._stored(index, name, row)
        if project is not None:
            project.changed = True
        return project

    def _listed(self, index: SimpleIndex, name: str, row: Row, exchange: Exchange) -> Project:
        """Return the project of a new page; dependencies in the older view are carried over."""
        view, files = self._pages.read(exchange)
        if isinstance(row, ReleaseView) and row.versions:
            if not view.versions:
                row.status, row.status_reason = view.status, view.status_reason
                raise self._withdrawn(index, row, exchange.status)
            from mirror.records.file_history import absorb_with_history  # only where a page is fetched again

            self._reporter.warn_shrunk(row, view, self._clock())
            absorb_with_history(row, self._write_buffer.read(files_key(index.id, name)), view, files)
        self._observer.arrived("listing", name, "index")
        if row is None:
            self._write_buffer.add_file_view(files_key(index.id, name), files)
        return Project(view, index.id, index.url, exchange.url, packed=files, refetch=self._pages.refetch_now)

    def _withdrawn(self, index: SimpleIndex, row: ReleaseView, status: int) -> Withdrawn:
        """Keep the stored data of a project that its index does not list any more; return the error of this run.

        This is an error, not an absence: the cause may be an expired token or a maintenance page, and no other index may be used
        instead.
        """
        now = self._clock()
        row.withdrawn = row.withdrawn or Withdrawal(now, status)
        row.freshness = row.freshness._replace(lifetime=0.0)  # stale: every run requests it again
        project = self._stored(index, row.name, row)
        if project is not None:
            project.changed = True
            self._write_buffer.add_project(project)
        quarantined = f", with status {row.status_words}" if row.status not in {None, "active"} else ""
        return Withdrawn(
            f"{row.name}: {index.url} {row.withdrawn.words}{quarantined}, and listed {len(row.versions)} releases "
            f"{age_in_words(now - row.freshness.fetched_at)} ago; the mirror keeps what it holds. If that is a mistake (an expired "
            "token, maintenance), mend it; --offline uses what is kept, `mirror prune --withdrawn` deletes it"
        )

    def _stored(self, index: SimpleIndex, name: str, row: ReleaseView | Absence) -> Project | None:
        """Return a stored project; its files are read on first use."""
        if isinstance(row, Absence):
            return None
        if row.withdrawn is not None and self._settings.offline:
            since = age_in_words(self._clock() - row.freshness.fetched_at)
            self._reporter.warn(f"{name}: {index.url} {row.withdrawn.words}; answering from what it listed {since} ago")
        key = files_key(index.id, name)
        return Project(
            row,
            index.id,
            index.url,
            row.page_url or index.page(name),
            load=lambda: self._write_buffer.read(key),
            refetch=None if self._settings.offline else self._pages.refetch_now,
        )

    def _keeps_all(self, index: SimpleIndex, name: str, row: Row) -> bool:
        """Return whether every file of a project is stored, undamaged and of this listing: then the next page is stored whole."""
        if not isinstance(row, ReleaseView):
            return False
        stored = self._write_buffer.read(files_key(index.id, name))
        return stored is not None and digest_of(stored) == row.digest and is_whole(stored) and is_complete(stored)


def _of_project(key: tuple[str, str], row: ReleaseView | Absence) -> ReleaseView | Absence:
    """Return a stored row. Raises ``Malformed`` if it belongs to another project."""
    if row.name != key[1] if isinstance(row, ReleaseView) else row.owner not in ("", "/".join(key)):
        raise Malformed("this is the release view of another project")
    return row


def _is_withdrawn(row: ReleaseView | Absence) -> bool:
    return isinstance(row, ReleaseView) and row.withdrawn is not None
