"""The thread of a server that owns its mirror: many requests for pages and metadata at once.

A stale page is returned as it is and fetched again in the background, so that no client waits for an index that has not changed.
The dependencies of a page are prefetched: an installer requests them next, one project after the other.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from mirror.errors import MirrorError, NotFound, Offline, StoreError
from mirror.records.filenames import split_filename
from mirror.records.model import FetchFailure
from mirror.records.version_keys import version_key
from mirror.server.metrics import Lookups
from mirror.server.prefetch_listener import PrefetchListener
from mirror.session.page_loader import FilesState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mirror.records.model import DistFile
    from mirror.records.project import Project
    from mirror.server.store_watch import StoreWatch
    from mirror.session.mirror import Mirror
    from mirror.session.services import RunReport

_NAP = 0.002  # seconds between checks of the queue while requests are under way
_RETRY = 5.0  # seconds after which a failed project is requested again
_CHECKPOINT = 2.0  # seconds after which new records are stored
_STORED = "/"  # no file has such a name: asks for everything to be stored


class MirrorWorker:
    """Answers requests for projects from any thread; the mirror is used by the worker's thread only."""

    def __init__(
        self,
        open_mirror: Callable[[], Mirror],
        *,
        clock: Callable[[], float] = time.time,
        watch: StoreWatch | None = None,
    ) -> None:
        """Start the thread; ``open_mirror`` is called there. ``watch`` checks the store, if anything does."""
        self._open = open_mirror
        self._watch = watch
        self._clock = clock
        self._queue: SimpleQueue[tuple[str, str, Future[object]] | None] = SimpleQueue()
        self._pages: dict[str, list[Future[object]]] = {}
        self._metadata: list[tuple[str, str, Future[object]]] = []
        self._stored: list[Future[object]] = []  # wait until nothing is under way and all is stored
        self._failed: dict[str, float] = {}
        self._checkpointed, self._healthy = 0.0, False  # when; whether nothing has failed since an earlier one
        self._hits = 0  # requests for projects that this process knew, and that were fresh
        self._report: RunReport | None = None  # of the mirror that is open
        self.store_error: str | None = None  # why the store cannot be used, while it cannot
        self._thread = threading.Thread(target=self._run, name="mirror-worker-thread", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str | None:
        """Return why the store cannot be used, or None; never waits."""
        return self.store_error or (None if self._watch is None else self._watch.problem)

    def lookups(self) -> Lookups:
        """Return where projects came from so far; may be called from any thread."""
        if self._report is None:
            return Lookups(self._hits, 0, None)
        counts = self._report.counts()
        return Lookups(self._hits + counts["hits"], counts["revalidated"], self._report.fetches)

    def project(self, name: str) -> Future[object]:
        """Return a future of the ``Project`` or ``FetchFailure``."""
        return self._ask(name, "")

    def metadata(self, name: str, filename: str) -> Future[object]:
        """Return a future of METADATA of a wheel (bytes), or of a ``FetchFailure``."""
        return self._ask(name, filename)

    def fetch(self, names: Sequence[str]) -> Future[object]:
        """Return a future that ends when these projects, and what their newest releases depend on, were fetched and stored."""
        for name in names:
            self._ask(name, "")
        return self._ask("", _STORED)

    def close(self) -> None:
        """Store what is new and end the thread."""
        self._queue.put(None)
        self._thread.join(30)

    def _ask(self, name: str, filename: str) -> Future[object]:
        future: Future[object] = Future()
        self._queue.put((name, filename, future))
        return future

    def _run(self) -> None:
        while self._serve() and self._refuse_for(_RETRY):  # the store failed: it is opened again after a while
            pass

    def _serve(self) -> bool:
        """Answer requests; return False at the end, True if the store fails."""
        mirror = None
        try:
            mirror = self._open()
            self._report = mirror.report
            self._checkpointed, self._healthy = self._clock(), False
            if not mirror.settings.offline:
                mirror.listener = PrefetchListener(mirror)
            while self._turn(mirror):
                failure = mirror.admin.store_failure()
                if failure is not None:
                    raise failure
        except (MirrorError, OSError) as error:
            self.store_error = str(error) or type(error).__name__
            self._fail(error)
            return True
        finally:
            if mirror is not None:
                with suppress(MirrorError, OSError):  # reported already; records that were not stored are fetched again
                    mirror.close()
        return False

    def _refuse_for(self, seconds: float) -> bool:
        """Answer requests with the error of the store for a while; return False at the end."""
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0:
            try:
                question = self._queue.get(timeout=left)
            except Empty:
                break
            if question is None:
                return False
            question[2].set_result(FetchFailure(question[0], None, StoreError(self.store_error or "the store failed")))
        return True

    def _fail(self, error: Exception) -> None:
        """Answer every waiting request with an error."""
        waiting = [f for row in self._pages.values() for f in row]
        waiting += [*[row[2] for row in self._metadata], *self._stored]
        self._pages.clear()
        self._stored.clear()
        self._metadata.clear()
        for future in waiting:
            future.set_exception(error)

    def _turn(self, mirror: Mirror) -> bool:
        """Process one request and all arrivals; return False at the end."""
        waiting = bool(self._pages or self._metadata or self._stored or mirror.report.busy)
        try:
            question = self._queue.get(timeout=_NAP if waiting else _CHECKPOINT)
        except Empty:
            question = ("", "", Future())
        if question is None:
            return False
        self._store_now_and_then(mirror)
        name, filename, future = question
        if filename == _STORED:
            self._stored.append(future)
        elif filename:  # before anything can fail, so that the failure is its answer
            self._metadata.append(question)
        elif name:
            self._pages.setdefault(name, []).append(future)
        try:
            if name:
                self._want(mirror, name)
            mirror.pump(block=False)
            self._answer(mirror)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - an error in one request must not end the worker
            self._fail(error)
        self._store(mirror)
        return True

    def _store_now_and_then(self, mirror: Mirror) -> None:
        """Store what is new, busy or not; a store that has worked since the last time has recovered."""
        now = self._clock()
        if now - self._checkpointed >= _CHECKPOINT:
            mirror.admin.checkpoint()
            self.store_error = None if self._healthy else self.store_error
            self._checkpointed, self._healthy = now, True

    def _want(self, mirror: Mirror, name: str) -> None:
        """Request a project that is missing; refresh one that is stale, which is used meanwhile."""
        project = mirror.peek(name)
        now = self._clock()
        if isinstance(project, FetchFailure):
            if now - self._failed.setdefault(name, now) > _RETRY:
                del self._failed[name]
                mirror.admin.forget(name)
        elif project is not None and not mirror.settings.offline:
            record = project.view.freshness
            lacks_files = now - self._failed.get(name, now) > _RETRY
            if not all(part.of_index for part in project.sources()):
                # A folder: what is new in it is seen by looking again.
                lacks_files = now - self._failed.setdefault(name, now) > _RETRY
            if lacks_files or now >= record.fetched_at + max(record.lifetime, _RETRY):
                self._failed.pop(name, None)
                mirror.admin.refresh(name)
            else:
                self._hits += 1
        elif project is not None:
            self._hits += 1
        mirror.want_projects((name,))

    def _answer(self, mirror: Mirror) -> None:
        for name in list(self._pages):
            whole = self._whole(mirror, name)
            for future in self._pages.pop(name) if whole is not None else ():
                future.set_result(whole)
        waiting = []
        for question in self._metadata:
            answer = self._metadata_of(mirror, question[0], question[1])
            if answer is None:
                waiting.append(question)
            else:
                question[2].set_result(answer)
        self._metadata = waiting

    def _store(self, mirror: Mirror) -> None:
        """Store what is new for those who wait for it, once nothing is under way."""
        if self._stored and not (self._pages or self._metadata or mirror.report.busy):
            mirror.admin.checkpoint(wait=True)
            stored, self._stored = self._stored, []
            for future in stored:
                future.set_result(None)

    def _whole(self, mirror: Mirror, name: str) -> Project | FetchFailure | None:
        """Return a project with the files of every release, as a page needs them, a failure, or None while it is pending.

        Offline it has the files that are stored.
        """
        project = mirror.peek(name)
        if project is None or isinstance(project, FetchFailure) or mirror.settings.offline:
            return project
        release = next((number for number in range(len(project.view.versions)) if project.lacking(number)), None)
        state = FilesState.AVAILABLE if release is None else mirror.files.want(project, release)
        if release is None or state is FilesState.AVAILABLE:
            return project
        if state is FilesState.PENDING:
            return None
        self._failed.setdefault(name, self._clock())
        return FetchFailure(name, project.view.versions[release], mirror.files.failure(project, release))

    def _metadata_of(self, mirror: Mirror, name: str, filename: str) -> object | None:
        """Return METADATA of a wheel, a failure, or None while it is pending."""
        project = mirror.peek(name)
        if project is None or isinstance(project, FetchFailure):
            return project
        text = mirror.files.sidecars.read(project, filename) if filename.endswith(".whl") else None
        if text is not None:
            return text
        try:
            release, file = _named_file(mirror, project, filename)
        except MirrorError as error:
            return FetchFailure(name, None, error)
        version = project.view.versions[release]
        if mirror.settings.offline:
            return FetchFailure(name, version, Offline(f"METADATA of {filename} is not in the mirror"))
        failure = mirror.files.sidecars.failure(project, filename)
        if failure is not None:
            self._failed.setdefault(name, self._clock())
            return failure
        mirror.files.sidecars.want(project, release, file)
        return None


def _named_file(mirror: Mirror, project: Project, filename: str) -> tuple[int, DistFile]:
    """Return the release and the record of a wheel that the index lists. Raises ``MirrorError``."""
    view = project.view
    split = split_filename(filename, view.name) if filename.endswith(".whl") else None
    key = version_key(split[0]) if split is not None else None
    release = view.index_of(key) if key is not None else None
    for file in mirror.files.read(project, release) if release is not None and not project.lacking(release) else ():
        if file.filename == filename:
            return release or 0, file
    raise NotFound(f"{view.name} has no wheel {filename}")
