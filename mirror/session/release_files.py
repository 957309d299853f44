"""The files of a release as its index lists them, from the file view of its project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import NotFound, Offline
from mirror.keys import files_key
from mirror.records.simple_file import FileList

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mirror.records.project import Project
    from mirror.session.parts import SessionParts


class ReleaseFiles:
    """Reads file views; asks for a page again where the files of an old release were not kept."""

    def __init__(self, parts: SessionParts) -> None:
        """Read nothing yet."""
        self._parts = parts

    def read(self, project: Project, release: int) -> FileList:
        """Return every file of a release. Raises ``Malformed``, ``NotFound``, ``Offline`` where the file view cannot serve it."""
        entries = project.file_slice(release)
        if entries is None:
            kind = Offline if self._parts.settings.offline else NotFound
            raise kind(f"the mirror has no files of {project.view.name} {project.view.versions[release]}")
        return FileList(entries, project.page_url)

    def want(self, project: Project, release: int) -> bool:
        """Return whether the files of a release are at hand; if not, the listener is told of the project again once they are."""
        parts = self._parts
        if project.keeps(release) or parts.settings.offline:
            return True
        parts.fetcher.submit(f"r/{project.view.name}", parts.pages.refill(project), parts.results.on_refetch(project))
        return False

    def prefetch(self, rows: Iterable[tuple[Project, int]]) -> None:
        """Say whose files (project, release) will be read: a store on the web then fetches them in one go."""
        hold = getattr(self._parts.store, "prefetch_files", None)
        if hold is not None:
            hold([(files_key(project.index_id, project.view.name), project.view.versions[at]) for project, at in rows])
