"""The one thread of a server in which its long-lived mirror lives: pages and metadata, kept fresh, many questions at once.

A page that is past its lifetime is answered as it is and asked for again meanwhile, so nobody waits for an index that has not
changed. What a page leads to is fetched ahead: an installer asks for it next, one project after the other.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from mirror.errors import Malformed, MirrorError, NotFound, Offline, StoreError
from mirror.records.dependency_sets import BASE
from mirror.records.filenames import SDIST, split_filename
from mirror.records.model import FetchFailure
from mirror.records.version_keys import version_key
from mirror.session.page_loader import FilesState

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.records.dependency_sets import DependencySet
    from mirror.records.model import DistFile
    from mirror.records.project import Project
    from mirror.session.mirror import Mirror

_NAP = 0.002  # seconds between looks while answers are under way
_RETRY = 5.0  # seconds after which a project that could not be had is asked for again
_CHECKPOINT = 2.0  # seconds of quiet after which what was learned is stored


class Ahead:
    """A listener that wants what a resolve of the newest releases would want."""

    def __init__(self, mirror: Mirror) -> None:
        """Listen to a mirror."""
        self._mirror = mirror

    def listed(self, project: Project) -> None:
        """Ask for what the newest final release needs."""
        view = project.view
        finals = ((1 << len(view.versions)) - 1) & ~view.prereleases
        if not finals:
            return
        release = finals.bit_length() - 1
        for file_kind in view.kind_set_of(release):
            if view.file_kinds[file_kind].tags != SDIST:
                self._mirror.want_dependencies(project, release, file_kind)
                return

    def learned(self, project: Project, release: int, file_kind: int, found: DependencySet) -> None:  # noqa: ARG002 - the listener's signature
        """Ask for the projects it names, whatever their markers say."""
        try:
            names = [row.name for row in found.dependencies(BASE) if row.marker is None or "extra" not in row.marker]
        except Malformed:
            return
        self._mirror.want_projects(names)


class MirrorWorker:
    """Answers questions about projects from any thread; the mirror is used by the desk's own thread alone."""

    def __init__(self, open_mirror: Callable[[], Mirror], *, clock: Callable[[], float] = time.time) -> None:
        """``open_mirror`` is called in the desk's thread."""
        self._open = open_mirror
        self._clock = clock
        self._queue: SimpleQueue[tuple[str, str, Future[object]] | None] = SimpleQueue()
        self._pages: dict[str, list[Future[object]]] = {}
        self._metadata: list[tuple[str, str, Future[object]]] = []
        self._failed: dict[str, float] = {}
        self.trouble: str | None = None  # why the store cannot be used, until it can
        self._thread = threading.Thread(target=self._run, name="mirror-desk", daemon=True)
        self._thread.start()

    def project(self, name: str) -> Future[object]:
        """Return a future of the ``Project``, or of the ``FetchFailure``."""
        return self._ask(name, "")

    def metadata(self, name: str, filename: str) -> Future[object]:
        """Return a future of METADATA of a wheel (bytes), or of the ``FetchFailure``."""
        return self._ask(name, filename)

    def close(self) -> None:
        """Store what is new and end the thread."""
        self._queue.put(None)
        self._thread.join(30)

    def _ask(self, name: str, filename: str) -> Future[object]:
        future: Future[object] = Future()
        self._queue.put((name, filename, future))
        return future

    def _run(self) -> None:
        while self._serve() and self._refuse_for(_RETRY):
            pass  # the store failed: after a while it is opened anew

    def _serve(self) -> bool:
        """Answer questions until the end (False), or until the store fails (True)."""
        mirror = None
        try:
            mirror = self._open()
            if not mirror.settings.offline:
                mirror.listener = Ahead(mirror)
            while self._turn(mirror):
                failure = mirror.admin.store_failure()
                if failure is not None:
                    raise failure
        except (MirrorError, OSError) as error:
            self.trouble = str(error) or type(error).__name__
            self._fail(error)
            return True
        finally:
            if mirror is not None:
                with suppress(MirrorError, OSError):  # told already; what was not stored is fetched again
                    mirror.close()
        return False

    def _refuse_for(self, seconds: float) -> bool:
        """Answer questions with why the store cannot be used, for a while; return False at the end."""
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0:
            try:
                question = self._queue.get(timeout=left)
            except Empty:
                break
            if question is None:
                return False
            question[2].set_result(FetchFailure(question[0], None, StoreError(self.trouble or "the store failed")))
        return True

    def _fail(self, error: Exception) -> None:
        """Answer everything that waits with an error."""
        waiting = [*[f for row in self._pages.values() for f in row], *[row[2] for row in self._metadata]]
        self._pages.clear()
        self._metadata.clear()
        for future in waiting:
            future.set_exception(error)

    def _turn(self, mirror: Mirror) -> bool:
        """Take in questions and answers once; return False at the end."""
        waiting = bool(self._pages or self._metadata or mirror.report.busy)
        try:
            question = self._queue.get(timeout=_NAP if waiting else _CHECKPOINT)
        except Empty:
            question = ("", "", Future())
            if not waiting:
                mirror.admin.checkpoint()
                self.trouble = None
        if question is None:
            return False
        name, filename, future = question
        if name:
            self._want(mirror, name)
            if filename:
                self._metadata.append(question)
            else:
                self._pages.setdefault(name, []).append(future)
        try:
            mirror.pump(block=False)
            self._answer(mirror)
        except Exception as error:  # noqa: BLE001 - a question that goes wrong must not end the desk
            self._fail(error)
        return True

    def _want(self, mirror: Mirror, name: str) -> None:
        """Ask for a project that is not here; for one that is stale, again, answering from what is here meanwhile."""
        found = mirror.peek(name)
        now = self._clock()
        if isinstance(found, FetchFailure):
            if now - self._failed.setdefault(name, now) > _RETRY:
                del self._failed[name]
                mirror.admin.forget(name)
        elif found is not None and not mirror.settings.offline:
            record = found.view.freshness
            lacks_files = now - self._failed.get(name, now) > _RETRY
            if lacks_files or now >= record.fetched_at + max(record.lifetime, _RETRY):
                self._failed.pop(name, None)
                mirror.admin.refresh(name)  # what is here answers meanwhile
        mirror.want_projects((name,))

    def _answer(self, mirror: Mirror) -> None:
        for name in list(self._pages):
            whole = self._whole(mirror, name)
            for future in self._pages.pop(name) if whole is not None else ():
                future.set_result(whole)
        kept = []
        for question in self._metadata:
            answer = self._metadata_of(mirror, question[0], question[1])
            if answer is None:
                kept.append(question)
            else:
                question[2].set_result(answer)
        self._metadata = kept

    def _whole(self, mirror: Mirror, name: str) -> Project | FetchFailure | None:
        """Return a project with the files of every release, as a page needs them, a failure, or None while it is under way.

        Offline it has the files that there are.
        """
        found = mirror.peek(name)
        if found is None or isinstance(found, FetchFailure) or mirror.settings.offline:
            return found
        release = next((at for at in range(len(found.view.versions)) if found.lacking(at)), None)
        state = FilesState.AT_HAND if release is None else mirror.files.want(found, release)
        if release is None or state is FilesState.AT_HAND:
            return found
        if state is FilesState.PENDING:
            return None
        self._failed.setdefault(name, self._clock())
        return FetchFailure(name, found.view.versions[release], mirror.files.failure(found, release))

    def _metadata_of(self, mirror: Mirror, name: str, filename: str) -> object | None:
        """Return METADATA of a wheel, a failure, or None while it is under way."""
        project = mirror.peek(name)
        if project is None or isinstance(project, FetchFailure):
            return project
        text = mirror.files.sidecars.read(project, filename)
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
    """Return a wheel that the index lists, and its release. Raises ``MirrorError``."""
    view = project.view
    split = split_filename(filename, view.name) if filename.endswith(".whl") else None
    key = version_key(split[0]) if split is not None else None
    release = view.index_of(key) if key is not None else None
    for file in mirror.files.read(project, release) if release is not None and not project.lacking(release) else ():
        if file.filename == filename:
            return release or 0, file
    raise NotFound(f"{view.name} has no wheel {filename}")
