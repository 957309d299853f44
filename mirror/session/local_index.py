"""Local listings: find-links folders and pages, and ``file:`` indexes (PEP 503 trees).

They are read in every run: a folder takes a millisecond, and a file may be built again under the same name. So nothing of them is
stored, and they work the same offline. Hashes that no page has are computed when the files of a release are read.
"""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING, Any

from mirror.equality import NamedTuple
from mirror.errors import Malformed
from mirror.http.local_files import sha256_of
from mirror.names import normalize_name
from mirror.records.filenames import is_distribution
from mirror.records.freshness import FreshnessRecord
from mirror.records.project import Project
from mirror.records.wheel_variants import is_variants_json
from mirror.urls import path_of, url_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mirror.records.release_view import ReleaseView


_ALWAYS = 1e12  # seconds: read in every run, so never stale


class _Entry(NamedTuple):
    """One file: the fields that ``build_views`` reads, and the whole file object."""

    filename: str
    requires_python: str | None
    upload_time: str | None
    yanked: bool | str | None
    raw: dict[str, Any]
    provenance: str | None = None  # a folder has none


class _Listing(NamedTuple):
    """The fields of a listing that ``build_views`` reads."""

    files: list[_Entry]
    skipped: int = 0
    status: str = "active"
    status_reason: str | None = None


class FileSet:
    """Files of many projects, grouped by the first word of their names, so that a look-up parses few filenames."""

    def __init__(self, entries: Iterable[dict[str, Any]], page_url: str) -> None:
        """Group file objects (PEP 691); ``page_url`` is the base of their relative URLs."""
        self.page_url = page_url
        self._groups: dict[str, list[dict[str, Any]]] = {}
        for entry in entries:
            if _is_listed(entry["filename"]):
                self._groups.setdefault(_first_word(entry["filename"]), []).append(entry)

    def project(self, name: str, index_id: str, index_url: str) -> Project | None:
        """Return a project, or None if it has no files here."""
        return local_project(name, self._groups.get(_first_word(name), ()), index_id, index_url, self.page_url)


class LocalProject(Project):
    """A project of a folder or page that was read in this run; never stored."""

    __slots__ = ("_rows",)
    of_index = False

    def __init__(
        self, view: ReleaseView, rows: list[list[dict[str, Any]]], index_id: str, index_url: str, page_url: str
    ) -> None:
        """Take the file objects of each release, oldest first."""
        super().__init__(view, index_id, index_url, page_url)
        self._rows = rows

    def parts(self) -> tuple[Project, ...]:
        """Return an empty tuple: nothing is stored."""
        return ()

    def file_slice(self, release: int) -> bytes | None:
        """Return one release's file objects; missing hashes of local files are computed."""
        return json.dumps([_hashed(entry, self.page_url) for entry in self._rows[release]]).encode()

    def keeps(self, release: int) -> bool:  # noqa: ARG002 - the port's signature
        """Return True: the folder is here."""
        return True

    def kept_slices(self) -> list[bytes | None]:
        """Return the file objects of every release."""
        return [self.file_slice(release) for release in range(len(self._rows))]

    def entries(self, release: int) -> list[Any]:
        """Return the fields that select among a release's files."""
        return [_entry(row) for row in self._rows[release]]


def local_project(
    name: str, entries: Sequence[dict[str, Any]], index_id: str, index_url: str, page_url: str
) -> LocalProject | None:
    """Return the project of file objects; files of other projects are skipped. None if no file is left."""
    from mirror.records.listing_views import build_views, classify  # only for local listings

    listing: Any = _Listing([_entry(row) for row in entries])
    view, positions = build_views(listing, name, FreshnessRecord(0.0, _ALWAYS))
    if not view.versions:
        return None
    view.digest = "local"
    project = LocalProject(
        view, [[entries[position] for position in row] for row in positions], index_id, index_url, page_url
    )
    if view.classified:
        classify(view, 0, [project.entries(release) for release in range(view.classified)])
    return project


def changed_at(location: str) -> int:
    """Return when a local find-links location last changed (nanoseconds), 0 if it does not exist."""
    try:
        return os.stat(_path(location)).st_mtime_ns  # pathlib costs 9 ms to load
    except (OSError, ValueError):
        return 0


def _path(location: str) -> str:
    return path_of(location) if location.startswith("file:") else os.path.expanduser(location)  # as pip does


def read_location(location: str) -> FileSet:
    """Return the files of a local find-links location: a folder or an HTML page, as a path or ``file:`` URL.

    HTML pages in the folder are read too, as in pip. Raises ``OSError`` if the location does not exist.
    """
    path = _path(location)
    if not os.path.isdir(path):  # pathlib costs 9 ms to load
        return FileSet(_page(path), url_of(path))
    entries: list[dict[str, Any]] = []
    for file in sorted(os.scandir(path), key=lambda file: file.name):
        if _is_listed(file.name):
            entries.append(_file_object(file))
        elif file.name.lower().endswith((".html", ".htm")):
            entries += _page(file.path)
    return FileSet(entries, url_of(path) + "/")


def read_project(index_url: str, name: str, index_id: str) -> Project | None:
    """Return a project of a ``file:`` index, or None if the index does not have it. Raises ``OSError``, ``Malformed``."""
    root = path_of(index_url)
    if not os.path.isdir(root):  # as above
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), root)
    folder = f"{root.rstrip('/')}/{name}"
    page = f"{folder}/index.html"
    if os.path.isfile(page):  # as above
        return local_project(name, _page(page), index_id, index_url, url_of(page))
    if not os.path.isdir(folder):  # as above
        return None
    files = sorted(os.scandir(folder), key=lambda entry: entry.name)
    entries = [_file_object(file) for file in files if _is_listed(file.name)]
    return local_project(name, entries, index_id, index_url, url_of(folder) + "/")


def _is_listed(filename: str) -> bool:
    return is_distribution(filename) or is_variants_json(filename)


def _page(path: str) -> list[dict[str, Any]]:
    from mirror.records.simple_html import read_html  # only if a page is read

    with open(path, "rb") as file:  # pathlib costs 9 ms to load
        text = file.read().decode("utf-8", "replace")
    try:
        return read_html(text, url_of(path)).files
    except Malformed:
        return []  # an HTML page that is no index page lists nothing


def _file_object(entry: os.DirEntry[str]) -> dict[str, Any]:
    return {"filename": entry.name, "url": url_of(entry.path), "hashes": {}, "size": entry.stat().st_size}


def _entry(row: dict[str, Any]) -> _Entry:
    python, uploaded = row.get("requires-python"), row.get("upload-time")
    return _Entry(
        row["filename"],
        python if isinstance(python, str) else None,
        uploaded if isinstance(uploaded, str) else None,
        row.get("yanked"),
        row,
    )


def _hashed(entry: dict[str, Any], page_url: str) -> dict[str, Any]:
    """Return a file object with a SHA-256, computed if the file is local; without one if the file does not exist."""
    if "sha256" in entry.get("hashes", {}):
        return entry
    from urllib.parse import urljoin  # as above

    url = urljoin(page_url, entry["url"])
    if not url.startswith("file:"):
        return entry
    try:
        path = path_of(url)
        return {
            **entry,
            "hashes": {**entry.get("hashes", {}), "sha256": sha256_of(path)},
            "size": os.stat(path).st_size,  # as above
        }
    except OSError:
        return entry


def _first_word(name: str) -> str:
    """Return the first word of a project's or file's name, in lower case."""
    return normalize_name(name).partition("-")[0]
