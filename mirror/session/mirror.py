"""The public interface of the mirror: request projects and dependency sets in bulk, wait, read.

``open_mirror`` composes the parts. A ``Mirror`` belongs to one thread. Metadata is requested with ``want_*`` (never blocks, never
requests twice) and read with ``project`` and ``dependencies`` (block until it is available). The ``listener`` is called for each
result as it arrives, and may request more.

The other methods are grouped: ``files`` (the files of a release), ``records`` (other records of the store, and builds), ``report``
(cost and failures of the run) and ``admin`` (for the owner of the session).

Transports are imported inside functions: a warm or offline run must not load an HTTP stack (270 ms).
"""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.http.fetcher import Fetcher
from mirror.ports import MirrorObserver
from mirror.records.release_view import Absence, ReleaseView, decode
from mirror.session.index_lookup import IndexLookup
from mirror.session.metadata_loader import MetadataLoader
from mirror.session.page_loader import PageLoader, Signatures
from mirror.session.parts import SessionParts
from mirror.session.release_files import ReleaseFiles
from mirror.session.reporter import Reporter
from mirror.session.results import Results
from mirror.session.services import MirrorAdmin, MirrorRecords, RunReport
from mirror.session.shadowed_indexes import ShadowedIndexes
from mirror.session.write_buffer import WriteBuffer
from mirror.settings import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from typing import Any, Self

    from mirror.ports import Builder, Intervals, Request, Store, Transport, Work
    from mirror.records.dependency_sets import DependencySet
    from mirror.records.model import FetchFailure
    from mirror.records.project import Project
    from mirror.session.results import Listener
    from mirror.settings import MirrorSettings


class Mirror:
    """Metadata of projects: from the store if it is fresh, else from their index, and stored."""

    def __init__(  # noqa: PLR0913 - composition: one part each, keyword-only
        self,
        settings: MirrorSettings,
        store: Store,
        transport: Callable[[], Transport],
        *,
        clock: Callable[[], float] = time.time,
        observer: MirrorObserver | None = None,
        builder: Builder | None = None,
        decoder: Callable[[str, bytes], ReleaseView | Absence] | None = None,
    ) -> None:
        """Compose a mirror from its parts; ``open_mirror`` does it for settings.

        Args:
            settings: Indexes, freshness, limits.
            store: Where records are stored; ``close`` closes it.
            transport: Makes the transport when the first request is sent.
            clock: Returns seconds since the epoch.
            observer: Called for progress and warnings.
            builder: Runs build backends; None if builds are not allowed.
            decoder: Decodes the stored view of a key; a caller with many mirrors of one store can cache it.
        """
        signatures = Signatures()
        fetcher = _fetcher(settings, lambda: _signing(transport(), signatures))
        reporter = Reporter(observer or MirrorObserver())
        write_buffer, results = WriteBuffer(store, fetcher.counts, clock), Results(reporter)
        fetcher.idle = lambda: write_buffer.flush_encoded(results.ripe)
        self.settings = settings
        self._parts = parts = SessionParts(
            settings=settings,
            store=store,
            clock=clock,
            decode=decoder or _decoder(store),
            fetcher=fetcher,
            reporter=reporter,
            results=results,
            write_buffer=write_buffer,
            pages=PageLoader(fetcher, clock, signatures, write_buffer),
            lacks=cache(lambda: _lacking(settings, store)),
            shadowed=ShadowedIndexes(fetcher, reporter.warn),
            builder=builder,
        )
        self._lookup = IndexLookup(parts)
        self.files = ReleaseFiles(parts)
        self._metadata_loader = MetadataLoader(parts, self.files)
        self.records = MirrorRecords(parts, self._metadata_loader, self.run)
        self.report = RunReport(parts, self._lookup, self.pump)
        self.admin = MirrorAdmin(parts, self._lookup, self.want_projects, self.pump)

    @property
    def listener(self) -> Listener | None:
        """Return the listener that is called for every result as it arrives."""
        return self._parts.results.listener

    @listener.setter
    def listener(self, listener: Listener | None) -> None:
        self._parts.results.listener = listener

    # --- requesting ---------------------------------------------------------------------------------------------------

    def want_projects(
        self,
        names: Iterable[str],
        admits: Mapping[str, Sequence[Intervals]] | None = None,
        extras: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """Request the listings of projects (normalised names), except those that are available or under way.

        ``admits`` has, by project, the version intervals that specifiers admit: the files of the newest release in all of them are
        stored with the page, so that it need not be fetched again for an old release. ``extras`` has those that will be asked for.
        """
        results, fetcher = self._parts.results, self._parts.fetcher
        fresh = [name for name in names if name not in results.wanted]
        if not fresh:
            return
        results.wanted.update(fresh)
        if extras:
            self._parts.store.expect(extras)
        self._lookup.load(fresh, admits or {})
        self._lookup.read_pages(self.run)
        for name in fresh:
            if fetcher.is_pending("p/" + name):
                continue
            self._parts.reporter.observer.planned("listing", name)
            fetcher.submit("p/" + name, self._lookup.find(name), results.on_listing(name))

    def want_dependencies(self, project: Project, release: int, file_kind: int) -> None:
        """Request the dependencies of one file (release, file kind) of a project, unless that failed in this run."""
        view, fetcher, pages = project.view, self._parts.fetcher, self._parts.pages
        key = f"d/{view.name}/{release}/{file_kind}"
        if view.dependency_set(release, file_kind) is not None or self.report.failure(view.name, release, file_kind):
            return
        if pages.is_awaited(key) or fetcher.is_pending(key):
            return
        self._parts.reporter.observer.planned("metadata", view.name)
        deliver = self._parts.results.on_metadata(project, release, file_kind)

        def ask(error: Exception | None) -> None:
            if error is None:
                fetcher.submit(key, self._metadata_loader.find(project, release, file_kind), deliver)
            else:
                deliver(None, project.about(release, error) if isinstance(error, MirrorError) else error)

        pages.after_refetch([part for part in project.lacking(release) if part.can_refetch], key, ask)

    def run(self, jobs: Mapping[str, Generator[Request | Work, Any, Any]]) -> dict[str, Any]:
        """Run step generators concurrently; return, by key, each result or ``MirrorError``."""
        from mirror.session.gather import gather  # a warm lock has nothing to gather

        return gather(self._parts.fetcher, self.pump, jobs)

    def pump(self, *, block: bool = True) -> bool:
        """Process what has arrived; with ``block`` wait for at least one arrival. Return whether there was any."""
        moved = self._parts.fetcher.pump(block=block)
        if moved and self._parts.write_buffer.due:
            self.admin.checkpoint()
        return moved

    # --- reading ------------------------------------------------------------------------------------------------------

    def project(self, name: str) -> Project | FetchFailure:
        """Return a project or why it is not available; request it and wait if necessary."""
        self.want_projects((name,))
        results = self._parts.results
        while (project := results.projects.get(name)) is None:
            if not self.pump():
                return results.lost(name, None)
        return project

    def peek(self, name: str) -> Project | FetchFailure | None:
        """Return a project or its failure if that is available; never waits or sends a request."""
        return self._parts.results.projects.get(name)

    def dependencies(self, project: Project, release: int, file_kind: int) -> DependencySet | FetchFailure:
        """Return the dependencies of one file of a project, or why they are not available; wait if necessary."""
        self.want_dependencies(project, release, file_kind)
        view = project.view
        while (dependencies := view.dependency_set(release, file_kind)) is None:
            failure = self.report.failure(view.name, release, file_kind)
            if failure is not None:
                return failure
            if not self.pump():
                return self._parts.results.lost(view.name, view.versions[release])
        return dependencies

    # --- ending -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Cancel what is under way, store what is new, release everything. Raises ``StoreError`` if storing failed."""
        self.admin.seal()
        try:
            self._parts.write_buffer.finish(self._lookup.hits)
        finally:
            self._parts.stop()
            self._metadata_loader.close()
            self._parts.store.close()

    def __enter__(self) -> Self:
        """Return the mirror; leaving the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def _decoder(store: Store) -> Callable[[str, bytes], ReleaseView | Absence]:
    """Return what decodes a stored view, unless the store has just done that."""

    def read(key: str, data: bytes) -> ReleaseView | Absence:
        view = store.decoded(key)
        return view if isinstance(view, ReleaseView | Absence) else decode(data)

    return read


def _fetcher(settings: MirrorSettings, transport: Callable[[], Transport]) -> Fetcher:
    return Fetcher(
        transport,
        workers=settings.workers,
        policy=RetryPolicy(settings.retries),
        requests_per_second=settings.requests_per_second,
        budget=settings.budget,
    )


def _lacking(settings: MirrorSettings, store: Store) -> str:
    from mirror.session.lacking import lacking  # only for an error

    return lacking(settings, store)


def open_mirror(
    settings: MirrorSettings, *, observer: MirrorObserver | None = None, builder: Builder | None = None
) -> Mirror:
    """Open the mirror that the settings describe. Raises ``StoreError`` if its store cannot be used.

    ``builder`` runs build backends; without one, a release that has no static metadata is a failure.
    """
    from mirror.session.open_store import open_store

    store = open_store(settings.location, settings)
    if observer is not None and (warning := store.warning()):
        observer.warned(warning)
    return Mirror(settings, store, transport_for(settings, store), observer=observer, builder=builder)


def transport_for(settings: MirrorSettings, store: Store) -> Callable[[], Transport]:
    """Return a function that makes the transport of a mirror with these settings."""

    def make() -> Transport:
        from mirror.http.routing import RoutedTransport
        from mirror.http.transports import make_transport

        return RoutedTransport(lambda: make_transport(settings, store), settings.credentials)

    return make


def _signing(transport: Transport, signatures: Signatures) -> Transport:
    """Return a transport that sends signed URLs as pages of this run have them."""
    from mirror.http.signatures import SigningTransport  # with the first request

    return SigningTransport(transport, signatures.url_of)
