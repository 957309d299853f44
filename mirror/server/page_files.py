"""The files of a page that a server makes, and where they lie: on an index, or in a folder of this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mirror.records.model import DistFile
from mirror.records.simple_file import FileList
from mirror.records.version_keys import version_key
from mirror.records.wheel_variants import version_of
from mirror.urls import path_of

if TYPE_CHECKING:
    from mirror.records.project import Project


def dist_files(entries: list[dict[str, Any]]) -> list[DistFile]:
    """Return file objects as records; their URLs stay relative."""
    return [
        DistFile(
            entry["filename"], entry["url"], tuple(sorted((str(k), str(v)) for k, v in entry["hashes"].items())),
            requires_python=str(entry["requires-python"]) if "requires-python" in entry else None,
            yanked=(entry["yanked"] if isinstance(entry["yanked"], str) else "") if "yanked" in entry else None,
            core_metadata="core-metadata" in entry,
            provenance=entry.get("provenance"),
        )
        for entry in entries
    ]  # fmt: skip


def hashes_of(given: dict[str, Any], page_url: str) -> dict[str, str]:
    """Return the hashes of a file whose object has none: an old page has one in the URL's fragment."""
    return dict(FileList(json.dumps([given]).encode(), page_url)[0].hashes)


def url_of_file(project: Project, filename: str) -> str | None:
    """Return the URL of a file on its index, or None if the page does not list the file."""
    version = version_of(filename, project.view.name)
    key = version_key(version) if version is not None else None
    release = project.view.index_of(key) if key is not None else None
    piece = project.file_slice(release) if release is not None and project.keeps(release) else None
    if piece is None:
        return None
    return next((file.url for file in FileList(piece, project.page_url) if file.filename == filename), None)


def local_path(project: Project, filename: str) -> str | None:
    """Return the path of a file that a folder of this machine lists, or None. What the web lists is never a path."""
    for part in project.sources():
        url = url_of_file(part, filename) if part.page_url.startswith("file:") else None
        if url is not None and url.startswith("file:"):
            return path_of(url)
    return None
