"""The files of a release as its index lists them, from the file view of its project.

A release view and its file view are written in one transaction. So if the two differ, one of them is damaged, or older than
the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import Malformed
from mirror.keys import FILES, files_key, files_key_of, project_of
from mirror.records.file_view import HEAD_BYTES, digest_of
from mirror.records.release_view import Absence, ReleaseView, decode
from mirror.records.simple_file import FileList

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mirror.errors import MirrorError
    from mirror.ports import Store
    from mirror.records.project import Project
    from mirror.session.page_loader import FilesState
    from mirror.session.parts import SessionParts
    from mirror.session.sidecars import Sidecars


class ReleaseFiles:
    """Reads file views; fetches a page again if the files of an old release were not stored."""

    def __init__(self, parts: SessionParts) -> None:
        """Read nothing yet."""
        self._parts = parts
        self._sidecars: Sidecars | None = None

    @property
    def sidecars(self) -> Sidecars:
        """Return the METADATA files of wheels: for a server."""
        if self._sidecars is None:
            from mirror.session.sidecars import Sidecars  # a lock does not need it

            self._sidecars = Sidecars(self._parts)
        return self._sidecars

    def read(self, project: Project, release: int) -> FileList:
        """Return every file of a release. Raises ``MirrorError`` if they are not available."""
        entries = project.file_slice(release)
        if entries is None:
            raise project.no_files(release)
        return FileList(entries, project.page_url)

    def want(self, project: Project, release: int) -> FilesState:
        """Return the state of a release's files; if they are fetched, the listener is called when that has ended."""
        return self._parts.pages.want_files(project, release, self._parts.results.on_refetch(project))

    def failure(self, project: Project, release: int) -> MirrorError:
        """Return why the files of a release are ``NOT_AVAILABLE``."""
        return self._parts.pages.files_failure(project, release)

    def names(self) -> list[str]:
        """Return the names of all projects with files in the mirror, sorted: for suggestions. Raises ``StoreError``.

        A project that an index does not have is stored too, as an absence without a file view.
        """
        return sorted({project_of(key) for key, _ in self._parts.store.scan(FILES.prefix)})

    def prefetch(self, rows: Iterable[tuple[Project, int]]) -> None:
        """Read the file views of which a release (project, release) will be read, in one request or statement."""
        store, announced, unread = self._parts.store, [], {}
        for project, release in rows:
            key = files_key(project.index_id, project.view.name)
            announced.append((key, project.view.versions[release]))
            if project.is_unread:
                unread[key] = project
        store.prefetch_files(announced)
        for key, stored in store.get_many(unread).items():
            unread[key].take_stored(stored)


def unpaired(store: Store, views: Mapping[str, ReleaseView | Absence | None]) -> list[str]:
    """Return the keys of the release views that have the file view of another listing beside them.

    Only the first bytes of the file views are read: 171 of 18 MB take 1.2 ms.
    """
    digests = {key: view.digest for key, view in views.items() if isinstance(view, ReleaseView) and view.digest}
    heads = store.heads([files_key_of(key) for key in digests], HEAD_BYTES)
    return [
        key for key, digest in digests.items() if _differs(heads.get(files_key_of(key)), digest) and _still(store, key)
    ]


def _differs(files: bytes | None, digest: str) -> bool:
    return files is not None and digest_of(files) != digest


def _still(store: Store, key: str) -> bool:
    """Return whether both differ if they are read at once: another process may have written between two reads."""
    records = store.get_many((key, files_key_of(key)))
    try:
        view = decode(records[key])
    except (KeyError, Malformed):
        return True
    return isinstance(view, ReleaseView) and _differs(records.get(files_key_of(key)), view.digest)
