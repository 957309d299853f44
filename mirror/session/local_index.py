"""Folders of this machine that say what there is: find-links folders and pages, and ``file:`` indexes (PEP 503 trees).

Read anew in every run: a folder costs a millisecond, and a file may be built again under its name. So nothing of them is kept in
the store, and they work the same offline. Hashes that no page promises are computed when somebody looks at a release's files.
"""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from mirror.errors import Malformed
from mirror.http.local_files import path_of, sha256_of, url_of
from mirror.names import normalize_name
from mirror.records.filenames import is_distribution
from mirror.records.freshness import FreshnessRecord
from mirror.records.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mirror.records.release_view import ReleaseView


_ALWAYS = 1e12  # seconds: what is read anew each time is never stale


class _Entry(NamedTuple):
    """One file, with what chooses a release beside the whole object (the fields that ``build_views`` reads)."""

    filename: str
    requires_python: str | None
    upload_time: str | None
    yanked: bool | str | None
    raw: dict[str, Any]


class _Listing(NamedTuple):
    """What ``build_views`` reads of a listing."""

    files: list[_Entry]
    skipped: int = 0
    status: str = "active"


class FileSet:
    """Files of many projects, found by project without judging every name for each: grouped by how names begin."""

    def __init__(self, entries: Iterable[dict[str, Any]], page_url: str) -> None:
        """``entries`` are file objects (PEP 691); relative URLs count from ``page_url``."""
        self.page_url = page_url
        self._groups: dict[str, list[dict[str, Any]]] = {}
        for entry in entries:
            if is_distribution(entry["filename"]):
                self._groups.setdefault(_beginning(entry["filename"]), []).append(entry)

    def project(self, name: str, index_id: str, index_url: str) -> Project | None:
        """Return what there is of a project, or None."""
        return local_project(name, self._groups.get(_beginning(name), ()), index_id, index_url, self.page_url)


class LocalProject(Project):
    """A project whose files are described by a folder or page read in this run; never stored."""

    __slots__ = ("_rows",)
    of_index = False

    def __init__(
        self, view: ReleaseView, rows: list[list[dict[str, Any]]], index_id: str, index_url: str, page_url: str
    ) -> None:
        """``rows`` are the file objects of each release, oldest first."""
        super().__init__(view, index_id, index_url, page_url)
        self._rows = rows

    def parts(self) -> tuple[Project, ...]:
        """Return nothing: there is nothing to keep."""
        return ()

    def file_slice(self, release: int) -> bytes | None:
        """Return one release's file objects, with hashes computed for those of this machine that nobody promised one for."""
        return json.dumps([_hashed(entry, self.page_url) for entry in self._rows[release]]).encode()

    def entries(self, release: int) -> list[Any]:
        """Return what chooses among a release's files."""
        return [_entry(row) for row in self._rows[release]]


def local_project(
    name: str, entries: Sequence[dict[str, Any]], index_id: str, index_url: str, page_url: str
) -> LocalProject | None:
    """Return the project that file objects make up; files of others among them are passed over. None where none is left."""
    from mirror.records.listing_views import build_views, classify  # only where something is local

    listing: Any = _Listing([_entry(row) for row in entries])
    view, positions = build_views(listing, name, FreshnessRecord(0.0, _ALWAYS))
    if not view.versions:
        return None
    view.digest = "local"
    project = LocalProject(view, [[entries[at] for at in row] for row in positions], index_id, index_url, page_url)
    if view.classified:
        classify(view, 0, [project.entries(release) for release in range(view.classified)])
    return project


def read_place(place: str) -> FileSet:
    """Return what a find-links place of this machine has: a folder, or an HTML page; ``place`` is a path or ``file:`` URL.

    As in pip: HTML pages that lie in the folder are read too. Raises ``OSError`` where there is nothing of that name.
    """
    path = path_of(place) if place.startswith("file:") else os.path.expanduser(place)  # as pip does
    if not os.path.isdir(path):  # pathlib costs 9 ms to load
        return FileSet(_page(path), url_of(path))
    entries: list[dict[str, Any]] = []
    for one in sorted(os.scandir(path), key=lambda entry: entry.name):
        if is_distribution(one.name):
            entries.append(_file_object(one))
        elif one.name.lower().endswith((".html", ".htm")):
            entries += _page(one.path)
    return FileSet(entries, url_of(path) + "/")


def read_project(index_url: str, name: str, index_id: str) -> Project | None:
    """Return a project of a ``file:`` index, or None where the index has none of that name. Raises ``OSError``, ``Malformed``."""
    root = path_of(index_url)
    if not os.path.isdir(root):  # likewise
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), root)
    folder = f"{root.rstrip('/')}/{name}"
    page = f"{folder}/index.html"
    if os.path.isfile(page):  # likewise
        return local_project(name, _page(page), index_id, index_url, url_of(page))
    if not os.path.isdir(folder):  # likewise
        return None
    files = sorted(os.scandir(folder), key=lambda entry: entry.name)
    found = [_file_object(one) for one in files if is_distribution(one.name)]
    return local_project(name, found, index_id, index_url, url_of(folder) + "/")


def _page(path: str) -> list[dict[str, Any]]:
    from mirror.records.simple_html import read_html  # only where a page is read

    with open(path, "rb") as file:  # pathlib costs 9 ms to load
        text = file.read().decode("utf-8", "replace")
    try:
        return read_html(text, url_of(path)).files
    except Malformed:
        return []  # a page of forms lists nothing


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
    """Return a file object that has a hash where its file is here to be hashed; one that is gone stays without."""
    if "sha256" in entry.get("hashes", {}):
        return entry
    from urllib.parse import urljoin  # loaded already where a path was read

    url = urljoin(page_url, entry["url"])
    if not url.startswith("file:"):
        return entry
    try:
        path = path_of(url)
        return {
            **entry,
            "hashes": {**entry.get("hashes", {}), "sha256": sha256_of(path)},
            "size": os.stat(path).st_size,  # likewise
        }
    except OSError:
        return entry


def _beginning(name: str) -> str:
    """Return the first word of a project's or file's name, in lower case."""
    return normalize_name(name).partition("-")[0]
