"""The mirror as everything else sees it: ask for projects and dependency sets in bulk, wait, read.

``open_mirror`` is the only place where the edge is put together. A ``Mirror`` belongs to one thread. Facts are asked for with
``want_*`` (never blocks, never twice) and read with ``project``, ``dependencies`` and ``files`` (block until the fact is
there). Whoever speculates listens: ``listener`` is told of every fact as it arrives, and may want more.

Its parts: ``listings`` (which index answers), ``needs`` (what a file needs), ``results`` (what came of it), ``write_buffer`` (what
is stored); ``pages``, ``shadowed_indexes`` and ``reporter`` are below them. None of them knows this module.

Imports of transports stand inside functions: a warm or offline run must not load an HTTP stack (270 ms).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mirror.http.fetcher import Fetcher
from mirror.http.retry import RetryPolicy
from mirror.ports import MirrorObserver
from mirror.records.release_view import decode
from mirror.session.gather import gather
from mirror.session.index_lookup import Listings
from mirror.session.metadata_loader import MetadataLoader
from mirror.session.page_loader import Pages
from mirror.session.reporter import Reporter
from mirror.session.results import Results
from mirror.session.shadowed_indexes import ShadowedIndexes
from mirror.session.write_buffer import WriteBuffer

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from typing import Any, Self

    from mirror.metadata.builds import Builds
    from mirror.ports import Builder, Exchange, Request, Store, Transport
    from mirror.records.dependency_sets import DependencySet
    from mirror.records.model import FetchFailure
    from mirror.records.project import Project
    from mirror.records.release_view import Absence, ReleaseView
    from mirror.records.simple_file import FileList
    from mirror.session.results import Listener
    from mirror.settings import MirrorSettings


class Mirror:
    """Facts about projects: from the store where they are fresh, from their index where not, kept for ever after."""

    def __init__(  # noqa: PLR0913 - where the mirror is put together: one part each, by name
        self,
        settings: MirrorSettings,
        store: Store,
        transport: Callable[[], Transport],
        *,
        clock: Callable[[], float] = time.time,
        observer: MirrorObserver | None = None,
        builder: Builder | None = None,
        decoder: Callable[[str, bytes], ReleaseView | Absence] = lambda _, data: decode(data),
    ) -> None:
        """Compose a mirror from its parts; use ``open_mirror`` unless you bring your own.

        ``decoder`` reads the stored view of a key: who makes many mirrors of one store need not decode each time.
        """
        self.settings = settings
        self.observer = observer or MirrorObserver()
        self._store = store
        self._clock = clock
        self._wanted: set[str] = set()
        self._fetcher = fetcher = Fetcher(
            transport,
            workers=settings.workers,
            policy=RetryPolicy(settings.retries),
            requests_per_second=settings.requests_per_second,
        )
        reporter = Reporter(self.observer)
        self._results = Results(reporter)
        self._write_buffer = write_buffer = WriteBuffer(store, fetcher.counts, clock)
        fetcher.idle = lambda: write_buffer.flush_encoded(self._results.ripe)
        self._pages = pages = Pages(fetcher, clock)
        self._shadowed = ShadowedIndexes(fetcher, reporter.warn)
        self._listings = Listings(settings, store, write_buffer, pages, self._shadowed, reporter, clock, decoder)
        self._metadata_loader = MetadataLoader(store, write_buffer, pages, builder, offline=settings.offline)

    @property
    def listener(self) -> Listener | None:
        """Return who is told of every fact as it arrives."""
        return self._results.listener

    @listener.setter
    def listener(self, listener: Listener | None) -> None:
        self._results.listener = listener

    # --- asking -------------------------------------------------------------------------------------------------------

    def want_projects(self, names: Iterable[str]) -> None:
        """Ask for the listings of projects (normalised names); what is known or under way is not asked for again."""
        fresh = [name for name in names if name not in self._wanted]
        if not fresh:
            return
        self._wanted.update(fresh)
        self._listings.load(fresh)
        self._listings.read_pages(self.run)
        for name in fresh:
            self.observer.planned("listing", name)
            self._fetcher.submit("p/" + name, self._listings.find(name), self._results.on_listing(name))

    def prepare(self) -> None:
        """Make what storing will need, if it is not there yet: for the time when the first answers are on their way.

        Raises ``StoreError``.
        """
        prepare: Callable[[], object] | None = getattr(self._store, "prepare", None)
        if prepare is not None:
            prepare()

    def want_dependencies(self, project: Project, release: int, file_kind: int) -> None:
        """Ask for what one file (release, variant) of a project needs."""
        view = project.view
        if view.dependency_set(release, file_kind) is not None:
            return
        self.observer.planned("metadata", view.name)
        steps, key = self._metadata_loader.find(project, release, file_kind), f"d/{view.name}/{release}/{file_kind}"
        self._fetcher.submit(key, steps, self._results.on_metadata(project, release, file_kind))

    def want_files(self, project: Project, release: int) -> bool:
        """Return whether the files of a release are at hand; if not, the listener is told of the project again once they are."""
        if project.keeps(release) or self.settings.offline:
            return True
        self._fetcher.submit(f"r/{project.view.name}", self._pages.refill(project), self._results.on_refetch(project))
        return False

    def override_project(self, project: Project) -> None:
        """Have a project answer for its name whatever the indexes say: a direct reference."""
        self._wanted.add(project.view.name)
        self._results.override_project(project)

    def run(self, jobs: Mapping[str, Generator[Request, Exchange, Any]]) -> dict[str, Any]:
        """Run step generators side by side to their ends; return, by key, what each gave, or the ``MirrorError`` it raised."""
        return gather(self._fetcher, self.pump, jobs)

    def pump(self, *, block: bool = True) -> bool:
        """Take in what has arrived; with ``block`` wait for at least one answer. Return whether anything moved."""
        moved = self._fetcher.pump(block=block)
        if moved and self._write_buffer.due:
            self.checkpoint()
        return moved

    # --- reading ------------------------------------------------------------------------------------------------------

    def project(self, name: str) -> Project | FetchFailure:
        """Return a project, waiting for it if need be."""
        self.want_projects((name,))
        while (found := self._results.projects.get(name)) is None:
            if not self.pump():
                return self._results.lost(name, None)
        return found

    def peek(self, name: str) -> Project | FetchFailure | None:
        """Return a project if it is here already; never waits, never asks."""
        return self._results.projects.get(name)

    def peek_failure(self, name: str, release: int, file_kind: int) -> FetchFailure | None:
        """Return why a file's dependencies could not be had, if that was so; never waits, never asks."""
        return self._results.failed.get((name, release, file_kind))

    def forget(self, name: str) -> None:
        """Drop what this run found out about a project, so that it can be asked for again: for runs that never end."""
        self._wanted.discard(name)
        self._results.forget(name)

    def refresh(self, name: str) -> None:
        """Ask for a project again while the answer that is here stays in use."""
        self._wanted.discard(name)
        self.want_projects((name,))

    @property
    def busy(self) -> bool:
        """Return whether anything is under way."""
        return self._fetcher.busy

    def dependencies(self, project: Project, release: int, file_kind: int) -> DependencySet | FetchFailure:
        """Return what one file of a project needs, waiting for it if need be."""
        self.want_dependencies(project, release, file_kind)
        view = project.view
        while (found := view.dependency_set(release, file_kind)) is None:
            failure = self._results.failed.get((view.name, release, file_kind))
            if failure is not None:
                return failure
            if not self.pump():
                return self._results.lost(view.name, view.versions[release])
        return found

    def files(self, project: Project, release: int) -> FileList:
        """Return every file of a release. Raises ``Malformed`` or ``NotFound`` where the file view cannot serve it."""
        return self._metadata_loader.files(project, release)

    def prefetch_files(self, rows: Iterable[tuple[Project, int]]) -> None:
        """Say whose files will be asked for: a store on the web then fetches them in one go."""
        self._metadata_loader.prefetch_files(rows)

    def failures(self) -> list[FetchFailure]:
        """Return everything that could not be had so far, sorted by project and release."""
        return self._results.failures()

    def tell_ignored(self, names: Iterable[str]) -> None:
        """Warn of every project of which an index that was passed over has a higher release than the one that answered."""
        self._shadowed.tell(names, self._results.projects, self.pump)

    def known_names(self) -> list[str]:
        """Return the names of all projects in the mirror, sorted: for suggesting the nearest one."""
        return sorted({key.rpartition("/")[2] for key, _ in self._store.scan("v/")})

    def counts(self) -> Mapping[str, int]:
        """Return what the run cost so far: requests, retries, bytes, hits, revalidations, milliseconds waited."""
        fetched, listings = self._fetcher.counts, self._listings
        return {
            "requests": fetched.requests,
            "retries": fetched.retries,
            "bytes": fetched.bytes,
            "hits": listings.hits,
            "revalidated": listings.revalidated,
            "waited_ms": int(fetched.waited * 1000),
        }

    def status(self) -> dict[str, object]:
        """Return what the mirror holds, per index and in all. Raises ``StoreError``."""
        from mirror.exchange.status import describe  # this question's own

        return {"location": self.settings.location, **describe(self._store, self.settings.indexes, self._clock())}

    def read_derived(self, key: str) -> bytes | None:
        """Return a derived value kept in the mirror (under ``m/``), or None."""
        return self._write_buffer.read(f"m/{key}")

    def write_derived(self, key: str, value: bytes) -> None:
        """Keep a derived value that can be computed again at any time."""
        self._write_buffer.write_record(f"m/{key}", value)

    def read_record(self, key: str) -> bytes | None:
        """Return a record that was given to ``write_record`` by an earlier run."""
        return self._write_buffer.read_record(key)

    def write_record(self, key: str, value: bytes) -> None:
        """Keep a record of what was learned; keys begin with the letter of their kind (docs/mirror-format.md)."""
        self._write_buffer.write_record(key, value)

    def builds(self) -> Builds:
        """Return what was built before, and the way to build what was not."""
        return self._metadata_loader.builds()

    def disable_builds(self) -> None:
        """Build nothing from now on: whatever only a build would tell stays unknown in this run."""
        self._metadata_loader.disable_builds()

    # --- keeping and ending -------------------------------------------------------------------------------------------

    def checkpoint(self) -> None:
        """Hand what is new to the writer, one transaction: after it, a kill loses none of it."""
        self._write_buffer.checkpoint(self._results.known() + self._shadowed.projects())

    def seal(self) -> None:
        """Say that nothing more will be learned in this run: storing goes on beside whatever the caller does next.

        Reading stays allowed; asking for more does not.
        """
        self._fetcher.close()
        self._write_buffer.seal(self._results.known() + self._shadowed.projects())

    def close(self) -> None:
        """Cancel what is under way, store what is new, release everything. Raises ``StoreError`` where storing failed."""
        self.seal()
        try:
            self._write_buffer.finish(self._listings.hits)
        finally:
            self._fetcher.close()
            self._store.close()

    def __enter__(self) -> Self:
        """Return the mirror; leaving the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def open_mirror(
    settings: MirrorSettings, *, observer: MirrorObserver | None = None, builder: Builder | None = None
) -> Mirror:
    """Open the mirror that the settings describe. Raises ``StoreError`` where its storage cannot be used.

    ``builder`` runs build backends; without one, a release that only its backend knows is a failure of its own.
    """
    from mirror.session.open_store import open_store

    store = open_store(settings.location, settings)
    return Mirror(settings, store, transport_for(settings, store, builder), observer=observer, builder=builder)


def transport_for(settings: MirrorSettings, store: Store, builder: Builder | None = None) -> Callable[[], Transport]:
    """Return what makes the transport of a mirror with these settings, for who composes one."""

    def make() -> Transport:
        from mirror.http.routing import RoutedTransport
        from mirror.http.transports import make_transport

        return RoutedTransport(lambda: make_transport(settings, store), settings.credentials, builder)

    return make
