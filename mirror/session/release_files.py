"""The files of a release as its index lists them, from the file view of its project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.keys import files_key
from mirror.records.simple_file import FileList

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mirror.errors import MirrorError
    from mirror.records.project import Project
    from mirror.session.page_loader import FilesState
    from mirror.session.parts import SessionParts
    from mirror.session.sidecars import Sidecars


class ReleaseFiles:
    """Reads file views; asks for a page again where the files of an old release were not kept."""

    def __init__(self, parts: SessionParts) -> None:
        """Read nothing yet."""
        self._parts = parts
        self._sidecars: Sidecars | None = None

    @property
    def sidecars(self) -> Sidecars:
        """Return METADATA of single wheels: for a server."""
        if self._sidecars is None:
            from mirror.session.sidecars import Sidecars  # a lock has no use for it

            self._sidecars = Sidecars(self._parts)
        return self._sidecars

    def read(self, project: Project, release: int) -> FileList:
        """Return every file of a release. Raises ``MirrorError`` if they are not available."""
        entries = project.file_slice(release)
        if entries is None:
            raise project.no_files(release)
        return FileList(entries, project.page_url)

    def want(self, project: Project, release: int) -> FilesState:
        """Return whether the files of a release are at hand; where they are asked for the listener is told once that ends."""
        return self._parts.pages.want_files(project, release, self._parts.results.on_refetch(project))

    def failure(self, project: Project, release: int) -> MirrorError:
        """Return why the files of a release are ``NOT_AVAILABLE``."""
        return self._parts.pages.files_failure(project, release)

    def prefetch(self, rows: Iterable[tuple[Project, int]]) -> None:
        """Say whose files (project, release) will be read: a store on the web then fetches them in one go."""
        self._parts.store.prefetch_files(
            [
                (files_key(project.index_id, project.view.name), project.view.versions[release])
                for project, release in rows
            ]
        )
