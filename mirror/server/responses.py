"""The responses of a server, from a mirror: pages, files and metadata; pages are cached in memory."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

import msgspec

from mirror.errors import Malformed, MirrorError, NotFound, Offline, Unreachable
from mirror.keys import FILES, project_of, texts_key
from mirror.names import is_project_name, normalize_name
from mirror.policy.explain import listed_releases
from mirror.records.metadata_texts import unpack_texts
from mirror.records.model import FetchFailure
from mirror.records.project import Project
from mirror.records.simple_serialize import (
    HTML_TYPE,
    JSON_TYPE,
    ProjectStatus,
    index_html,
    index_json,
    page_json,
    project_html,
)
from mirror.server.answers import Answer, Page, problem, text
from mirror.server.bulk import BulkRecords
from mirror.server.page_files import dist_files, hashes_of, local_path, url_of_file
from mirror.server.sent_file import file_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirror.ports import Store
    from mirror.records.release_view import ReleaseView
    from mirror.server.metrics import Lookups
    from mirror.server.policy_gate import PolicyGate
    from mirror.server.worker import MirrorWorker

_MOST = 256 * 1024 * 1024  # bytes of cached pages
_LONGEST_FETCH = 30.0  # seconds in which projects are fetched that a request for records lacks
_JUST_NOW = 0.2  # seconds in which a page is sent again without asking the worker whether it has changed
# The keys of a file object that are copied unchanged.
_COPIED = ("requires-python", "size", "upload-time", "yanked", "provenance")


class Listed(msgspec.Struct, frozen=True):
    """A project's page as data: its versions, ascending, and its file objects (PEP 691)."""

    versions: Sequence[str]
    files: list[dict[str, Any]]


class Pages:
    """The answers to GET requests. Methods that are not coroutines may block: call them in a thread."""

    def __init__(self, store: Store, worker: MirrorWorker, *, offline: bool, gate: PolicyGate | None = None) -> None:
        """Take the parts.

        Args:
            store: Read for lists and bulk records.
            worker: Owns the mirror that answers for projects.
            offline: Serve only what the store has.
            gate: Decides what may be shown; None for everything.
        """
        self._store = store
        self._worker = worker
        self._offline = offline
        self._gate = gate
        self._cached: OrderedDict[tuple[str, str], tuple[str, Page]] = OrderedDict()
        self._checked: dict[tuple[str, str], float] = {}  # cached page -> time.monotonic() of its last check
        self._size = 0
        self._recent = 0  # pages that were sent again without asking the worker
        self._lock = threading.Lock()
        self.bulk = BulkRecords(store, self.shows, self._fetch)

    def health(self) -> Answer:
        """Return 200, or 503 if the store cannot be used."""
        error = self._worker.problem
        return text(200, "ok\n") if error is None else problem(503, error)

    def lookups(self) -> Lookups:
        """Return where project pages came from so far."""
        return msgspec.structs.replace(lookups := self._worker.lookups(), hits=lookups.hits + self._recent)

    # --- the Simple API -----------------------------------------------------------------------------------------------

    def index(self, kind: str) -> Answer:
        """Return the list of projects that the mirror holds."""
        names = sorted({name for key, _ in self._store.scan(FILES.prefix) if self.shows(name := project_of(key))})
        body = index_json(names) if kind == JSON_TYPE else index_html(names)
        return Page(body, _content_type(kind)).answer()

    async def project(self, name: str, kind: str) -> Answer:
        """Return the page of a project, or a redirect to its normalised name."""
        if not is_project_name(name):
            return problem(404, "no project has such a name")
        normal = normalize_name(name)
        if normal != name:
            return problem(301, "moved permanently").with_header("location", f"../{quote(normal)}/")
        cached = self._cached.get((normal, kind))
        if cached is not None and time.monotonic() < self._checked.get((normal, kind), 0.0) + _JUST_NOW:
            self._recent += 1
            return cached[1].answer()
        project = await self._project(normal)
        if isinstance(project, Answer):
            return project
        return await asyncio.to_thread(self._page, project, kind)

    def shows(self, name: str) -> bool:
        """Return whether a project may be shown, as far as its name says."""
        return self._gate is None or self._gate.shows(name)

    def _fetch(self, names: Sequence[str]) -> None:
        """Have projects fetched and stored; what takes too long is left out."""
        if not self._offline:
            with suppress(TimeoutError):
                self._worker.fetch(names).result(_LONGEST_FETCH)

    async def _project(self, name: str) -> Project | Answer:
        if not self.shows(name):
            return problem(404, f"{name} is not served here: the policy of this mirror does not allow it")
        project = await asyncio.wrap_future(self._worker.project(name))
        return project if isinstance(project, Project) else _failed(project)

    def _page(self, project: Project, kind: str) -> Answer:
        view = project.view
        texts = len(self._texts_of(project)) if self._offline else 0
        version = f"{_version(view)}/{texts}"
        key = (view.name, kind)
        holds = self._gate is None or self._gate.holds(view.name, _version(view))
        with self._lock:
            cached = self._cached.get(key)
            if cached is not None and cached[0] == version and holds:
                self._cached.move_to_end(key)
                self._checked[key] = time.monotonic()
                return cached[1].answer()
        listed = self._listed(project)
        if isinstance(listed, Answer):
            return listed
        if kind == JSON_TYPE:
            body = page_json(view.name, listed.versions, listed.files, ProjectStatus(view.status, view.status_reason))
        else:
            body = project_html(view.name, dist_files(listed.files), ProjectStatus(view.status, view.status_reason))
        page = Page(body, _content_type(kind))
        self._keep(key, version, page)
        return page.answer()

    async def listed(self, name: str) -> Listed | Answer:
        """Return what the page of a project lists, or the answer that says why it cannot be read."""
        project = await self._project(name)
        return project if isinstance(project, Answer) else await asyncio.to_thread(self._listed, project)

    def _listed(self, project: Project) -> Listed | Answer:
        try:
            return self._entries(project)
        except (MirrorError, ValueError, KeyError, TypeError) as error:
            return problem(503, f"the files of {project.view.name} cannot be read: {error}")

    def _keep(self, key: tuple[str, str], version: str, page: Page) -> None:
        with self._lock:
            before = self._cached.pop(key, None)
            self._size -= len(before[1].body) if before is not None else 0
            self._checked[key] = time.monotonic()
            self._cached[key] = (version, page)
            self._size += len(page.body)
            while self._size > _MOST and len(self._cached) > 1:
                evicted, (_, oldest) = self._cached.popitem(last=False)
                self._size -= len(oldest.body)
                self._checked.pop(evicted, None)

    def _entries(self, project: Project) -> Listed:
        """Return the versions and file objects of a page, with URLs of this server, and with a sidecar if one is available.

        Made of the index's file objects, not of records: 1.5 s of CPU for 54 MB of pages; records take 8 s.
        """
        view = project.view
        base = f"../../files/{view.name}/"
        held = self._texts_of(project) if self._offline else frozenset()
        # No request here: this is not the mirror's thread, and the worker has fetched all files already.
        releases = listed_releases(project)
        if len(releases) != len(view.versions) and not self._offline and not project.refetched:
            raise Offline(f"the mirror lacks files of {view.name}")  # offline a page lists the files that are stored
        decisions = None if self._gate is None else self._gate.decide(project, _version(view), releases).decisions
        entries: list[dict[str, Any]] = []
        versions = []
        for release in releases:
            before = len(entries)
            for given in release.entries:
                filename = given["filename"]
                if decisions is not None and not decisions[filename].admitted:
                    continue
                entry: dict[str, Any] = {"filename": filename, "url": base + quote(filename)}
                hashes = given.get("hashes")
                entry["hashes"] = hashes if isinstance(hashes, dict) and hashes else hashes_of(given, project.page_url)
                for key in _COPIED:
                    value = given.get(key)
                    if value is not None and value is not False:
                        entry[key] = value
                if "provenance" in entry:
                    entry["provenance"] = urljoin(project.page_url, str(entry["provenance"]))
                if filename.endswith(".whl") and (not self._offline or filename in held):
                    entry["core-metadata"] = entry["data-dist-info-metadata"] = True
                entries.append(entry)
            if len(entries) > before or not release.entries:
                versions.append(release.version)
        return Listed(versions if decisions is not None else view.versions, entries)

    def _texts_of(self, project: Project) -> frozenset[str]:
        """Return the filenames of the wheels whose METADATA is stored."""
        keys = {texts_key(part.index_id, part.view.name) for part in project.sources()}
        try:
            held = [unpack_texts(record) for record in self._store.get_many(keys).values()]
        except Malformed:
            return frozenset()
        return frozenset().union(*held)

    async def file(self, name: str, filename: str) -> Answer:
        """Return a redirect to the file on its index, or the METADATA of a wheel."""
        if not is_project_name(name) or normalize_name(name) != name or not self.shows(name):
            return problem(404, "no such file")
        refusal = await self._refusal(name, filename.removesuffix(".metadata"))
        if refusal is not None:
            return refusal
        if filename.endswith(".metadata"):
            metadata = await asyncio.wrap_future(self._worker.metadata(name, filename.removesuffix(".metadata")))
            return (
                Page(metadata, "application/octet-stream").answer()
                if isinstance(metadata, bytes)
                else _failed(metadata)
            )
        project = await self._project(name)
        if isinstance(project, Answer):
            return project
        return await asyncio.to_thread(_file, project, filename)

    async def _refusal(self, name: str, filename: str) -> Answer | None:
        """Return the answer for a file that the policy refuses; None if it is admitted, or not listed."""
        if self._gate is None:
            return None
        project = await self._project(name)
        if isinstance(project, Answer):
            return project
        filtered = await asyncio.to_thread(self._gate.decide, project, _version(project.view))
        decision = filtered.decisions.get(filename)
        if decision is None or decision.admitted or decision.rule is None:
            return None
        return problem(
            403, f"{filename}: refused by the policy of this mirror: {decision.rule.value}: it {decision.reason}"
        )


def _version(view: ReleaseView) -> str:
    """Return a text that names a listing."""
    fetched = "" if view.digest else view.freshness.fetched_at
    return f"{view.digest}/{len(view.versions)}/{fetched}/{view.status}/{view.status_reason}"


def _content_type(kind: str) -> str:
    return kind if kind in {JSON_TYPE, HTML_TYPE} else f"{kind}; charset=utf-8"


def _failed(failure: object) -> Answer:
    """Return the answer for a failure."""
    error = failure.error if isinstance(failure, FetchFailure) else None
    if isinstance(error, NotFound | Offline):
        return problem(404, str(error))
    return problem(502 if isinstance(error, Unreachable) else 503, str(error or "it is not available"))


def _file(project: Project, filename: str) -> Answer:
    """Return a redirect to a file on its index, or the file if it lies in a folder of this machine that is served."""
    path = local_path(project, filename)
    if path is not None:
        return file_answer(path)
    url = url_of_file(project, filename)
    if url is None or url.startswith("file:"):  # a page on the web may not name files of this machine
        return problem(404, "no such file")
    return problem(302, "found").with_header("location", url)
