"""The other services of a mirror: records of other kinds, figures of the run, and administration by its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.keys import DERIVED
from mirror.ports import Purpose
from mirror.records.model import RequestCount
from mirror.urls import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from typing import Any

    from mirror.http.fetch_job import FetchCounts
    from mirror.metadata.builds import Builds
    from mirror.ports import Intervals, Request, Work
    from mirror.records.model import BuildRecord, FetchFailure
    from mirror.records.project import Project
    from mirror.session.index_lookup import IndexLookup
    from mirror.session.metadata_loader import MetadataLoader
    from mirror.session.parts import SessionParts


class MirrorRecords:
    """Records of the store that belong to no project of an index: direct references, builds, derived values."""

    def __init__(
        self,
        parts: SessionParts,
        loader: MetadataLoader,
        run: Callable[[Mapping[str, Generator[Request | Work, Any, Any]]], dict[str, Any]],
    ) -> None:
        """Take the parts; ``run`` runs steps concurrently and returns their results."""
        self._parts = parts
        self._write_buffer = parts.write_buffer
        self._results = parts.results
        self._loader = loader
        self._run = run

    def read(self, key: str) -> bytes | None:
        """Return a record that ``write`` stored in this run or an earlier one, or None."""
        return self._write_buffer.read_record(key)

    def write(self, key: str, value: bytes) -> None:
        """Store a record; its key must be of one of ``keys.KINDS``."""
        self._write_buffer.write_record(key, value)

    def read_derived(self, key: str) -> bytes | None:
        """Return a derived value (``keys.DERIVED``), or None."""
        return self._write_buffer.read(DERIVED.key(key))

    def read_all_derived(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the derived values that are stored, of many at once."""
        stored = self._parts.store.get_many([DERIVED.key(key) for key in keys])
        return {DERIVED.name(key): value for key, value in stored.items()}

    def write_derived(self, key: str, value: bytes) -> None:
        """Store a derived value that can be computed again at any time."""
        self._write_buffer.write_record(DERIVED.key(key), value)

    def builds(self) -> Builds:
        """Return the stored builds, and the steps of new ones."""
        return self._loader.builds()

    @property
    def can_build(self) -> bool:
        """Return whether builds are allowed."""
        return self._loader.can_build

    def licences(self, rows: Sequence[tuple[Project, int]]) -> list[str | None]:
        """Return the licences of releases (project, release) as SPDX expressions: "" if none is stated, None if not available.

        METADATA that the mirror lacks is fetched, unless it is offline.
        """
        from mirror.session.licences import LicenceReader  # few runs ask for licences

        return LicenceReader(self._parts, self._loader.builds()).read(rows, self._run)

    def build(self, rows: Iterable[tuple[Project, int, int]]) -> None:
        """Build these files (project, release, file kind) concurrently, and wait; results are read like all others."""
        results = self._results
        jobs = {f"build/{row[0].view.name}/{row[1]}": row for row in rows}
        ended = self._run({key: self._loader.find(*row, build=True) for key, row in jobs.items()})
        for key, (project, release, file_kind) in jobs.items():
            results.failed.pop((project.view.name, release, file_kind), None)
            deliver = results.on_metadata(project, release, file_kind)
            if isinstance(ended[key], MirrorError):
                deliver(None, ended[key])
            else:
                deliver(ended[key], None)

    def end_at(self, deadline: float) -> None:
        """Build nothing any more, and let waiting raise ``DeadlineError`` after a time of the monotonic clock."""
        self._loader.disable_builds()
        self._parts.fetcher.budget.end_at(deadline)


class RunReport:
    """Cost and failures of a run."""

    def __init__(self, parts: SessionParts, lookup: IndexLookup, pump: Callable[[], bool]) -> None:
        """Take the parts; ``pump`` waits for what is under way."""
        self._parts = parts
        self._lookup = lookup
        self._pump = pump

    @property
    def busy(self) -> bool:
        """Return whether anything is under way."""
        return self._parts.fetcher.busy

    def failure(self, name: str, release: int, file_kind: int) -> FetchFailure | None:
        """Return why a file's dependencies are not available, or None; never waits or sends a request."""
        return self._parts.results.failed.get((name, release, file_kind))

    def failures(self) -> list[FetchFailure]:
        """Return every failure so far, sorted by project and release."""
        return self._parts.results.failures()

    def counts(self) -> Mapping[str, int]:
        """Return the cost so far: requests, retries, bytes, hits, revalidations, milliseconds waited."""
        counts = self._parts.fetcher.counts
        return {
            "requests": counts.requests,
            "retries": counts.retries,
            "bytes": counts.bytes,
            "hits": self._lookup.hits,
            "revalidated": self._lookup.revalidated,
            "waited_ms": int(counts.waited * 1000),
        }

    @property
    def fetches(self) -> FetchCounts:
        """Return the counts of the requests; they go on counting."""
        return self._parts.fetcher.counts

    def requests(self) -> tuple[RequestCount, ...]:
        """Return the requests so far, by purpose."""
        counts = self._parts.fetcher.counts.for_purpose
        return tuple([RequestCount(purpose.value, *counts[purpose]) for purpose in Purpose if purpose in counts])

    def builds(self) -> tuple[BuildRecord, ...]:
        """Return the builds so far."""
        return tuple(self._parts.results.builds)

    def later_projects(self, name: str) -> Sequence[Project]:
        """Return the project of each shadowed index; waits for them."""
        self._parts.shadowed.wait(self._pump)
        return self._parts.shadowed.of(name)

    def later_failures(self, name: str) -> Sequence[tuple[str, MirrorError]]:
        """Return the URL and error of each shadowed index that failed for a project."""
        return self._parts.shadowed.failures(name)

    def warn_shadowed(self, names: Iterable[str]) -> None:
        """Warn of every project of which a shadowed index has a higher release than the index in use."""
        self._parts.shadowed.warn_higher(names, self._parts.results.projects, self._pump)


class MirrorAdmin:
    """Administration by the owner of a session: prepare, refresh and store."""

    def __init__(
        self, parts: SessionParts, lookup: IndexLookup, want_projects: Callable[..., None], pump: Callable[[], bool]
    ) -> None:
        """Take the parts; ``pump`` waits for what is under way."""
        self._parts = parts
        self._lookup = lookup
        self._want_projects = want_projects
        self._pump = pump

    def prepare(self) -> None:
        """Create the store if it does not exist; called while the first responses are under way.

        Raises ``StoreError``.
        """
        self._parts.store.prepare()

    @property
    def keeps(self) -> bool:
        """Return whether what is written to the store is kept there."""
        return not self._parts.store.discards

    def admit_pins(self, pins: Mapping[str, Sequence[Intervals]]) -> bool:
        """Look for pinned releases on every index; all other releases come from the first index that has the project.

        Return whether a project got a release: then its releases have new numbers.
        """
        settings, results = self._parts.settings, self._parts.results
        if len(settings.indexes) < 2 or settings.strategy != "first-index" or not pins:
            return False
        self._want_projects(pins, pins)
        while any(name not in results.projects for name in pins) and self._pump():
            pass
        return self._parts.shadowed.admit(pins, results, self._pump)

    def forget(self, name: str) -> None:
        """Delete this run's results for a project, so that it can be requested again: for a server."""
        self._parts.results.forget(name)
        self._parts.pages.forget(name)
        self._parts.fetcher.new_run()

    def release(self, names: Iterable[str]) -> None:
        """Store what is new, wait for it, and drop these projects from memory. Raises ``StoreError``."""
        self.checkpoint(wait=True)
        for name in names:
            self.forget(name)
            self._lookup.forget(name)
            self._parts.shadowed.forget(name)

    def refresh(self, name: str) -> None:
        """Request a project again while the present result stays in use."""
        self._parts.results.wanted.discard(name)
        self._parts.pages.forget(name)
        self._parts.fetcher.new_run()
        self._want_projects((name,))

    def status(self) -> dict[str, object]:
        """Return what the mirror holds, per index and in total. Raises ``StoreError``."""
        from mirror.exchange.status import describe  # only for `mirror status`

        parts = self._parts
        return {
            "location": shown(parts.settings.location),
            **describe(parts.store, parts.settings.indexes, parts.clock()),
        }

    def checkpoint(self, *, wait: bool = False) -> None:
        """Write what is new in one transaction: a killed process loses nothing written before.

        With ``wait`` every reader of the store sees it when this returns; raises ``StoreError`` if storing failed.
        """
        self._parts.write_buffer.checkpoint(self._to_store())
        if wait:
            self._parts.write_buffer.flush()

    def store_failure(self) -> Exception | None:
        """Return why storing has failed, or None; after a failure nothing more is stored in this session."""
        return self._parts.write_buffer.failure

    def seal(self) -> None:
        """End fetching and start to store in the background.

        Reading stays allowed; requesting more does not.
        """
        self._parts.stop()
        self._parts.write_buffer.seal(self._to_store())

    def _to_store(self) -> list[Project]:
        return self._parts.results.available() + self._parts.shadowed.projects()
