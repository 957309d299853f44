"""The responses of a recorded index by path: pages, sidecars, wheels and sdists. No sockets."""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from benchmarks import synthetic
from benchmarks.recording import RecordedFile, RecordedMetadata, RecordedProject, Release

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PAGE_TYPE = "application/vnd.pypi.simple.v1+json"
_FILE_PATH = re.compile(r"/files/([^/]+?)(\.metadata)?")
_PAGE_PATH = re.compile(r"/simple/([^/]+)/")


class Body(NamedTuple):
    """One resource: its bytes, its gzip form if it has one, and the headers that depend on it."""

    kind: str  # "page", "sidecar", "wheel" or "sdist"
    content: bytes
    gzipped: bytes | None
    etag: str
    content_type: str


class Owner(NamedTuple):
    """The release of a file."""

    project: str
    version: str
    metadata: RecordedMetadata | None


class ReplaySite:
    """Answers for a set of projects. Pages are rendered once and stored; wheels are made on request.

    ``hashed`` is False while recording, when the dependencies of a file, and so its hash, are not known yet.
    """

    def __init__(
        self, projects: Iterable[RecordedProject] = (), *, hashed: bool = True, keep: Path | None = None
    ) -> None:
        """Take the projects; ``keep`` is a folder for rendered pages, which are reused between runs."""
        self._hashed = hashed
        self._keep = keep
        self._pages: dict[str, Body] = {}
        self._owners: dict[str, Owner] = {}
        self.file = functools.lru_cache(maxsize=4096)(self._file)
        for project in projects:
            self.add(project)

    def __contains__(self, name: str) -> bool:
        """Return whether the project is in the recording."""
        return name in self._pages

    def add(self, project: RecordedProject) -> None:
        """Add a project, or replace it."""
        for release in fill_gaps(project).releases:
            owner = Owner(project.name, release.version, release.metadata)
            self._owners.update((file.name, owner) for file in release.files)
        self._pages[project.name] = self._page(project)

    def set_metadata(self, filename: str, metadata: RecordedMetadata) -> None:
        """Give a file its dependencies (while recording)."""
        self._owners[filename] = self._owners[filename]._replace(metadata=metadata)
        self.file.cache_clear()

    def find(self, path: str) -> Body | None:
        """Return the resource at a path, or None if there is none."""
        page = _PAGE_PATH.fullmatch(path)
        if page:
            return self._pages.get(page[1])
        file = _FILE_PATH.fullmatch(path)
        return self.file(unquote(file[1]), sidecar=bool(file[2])) if file else None

    def _file(self, filename: str, *, sidecar: bool) -> Body | None:
        owner = self._owners.get(filename)
        if owner is None or (sidecar and not filename.endswith(".whl")):
            return None
        content = _file_bytes(filename, owner, sidecar=sidecar)
        kind = "sidecar" if sidecar else "wheel" if filename.endswith(".whl") else "sdist"
        return Body(kind, content, None, _etag(content), "application/octet-stream")

    def _page(self, project: RecordedProject) -> Body:
        stored = self._keep / f"{project.name}.json.gz" if self._keep else None
        if stored and stored.exists():
            gzipped = stored.read_bytes()
            content = gzip.decompress(gzipped)
        else:
            content = json.dumps(self._page_json(project), separators=(",", ":")).encode()
            gzipped = gzip.compress(content, compresslevel=6, mtime=0)
            if stored:
                stored.parent.mkdir(parents=True, exist_ok=True)
                stored.write_bytes(gzipped)
        return Body("page", content, gzipped, _etag(content), PAGE_TYPE)

    def _page_json(self, project: RecordedProject) -> dict[str, Any]:
        """Return a page as in PEP 691 and 700; releases oldest first, as indexes write them."""
        releases = project.releases[::-1]
        files = [self._file_json(release, file) for release in releases for file in release.files]
        versions = [release.version for release in releases]
        return {"meta": {"api-version": "1.1"}, "name": project.name, "versions": versions, "files": files}

    def _file_json(self, release: Release, file: RecordedFile) -> dict[str, Any]:
        value: dict[str, Any] = {"filename": file.name, "url": f"../../files/{file.name}", "yanked": file.yanked}
        value["requires-python"] = release.requires_python
        if file.uploaded is not None:
            value["upload-time"] = datetime.fromtimestamp(file.uploaded, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
        is_wheel = file.name.endswith(".whl")
        owner = self._owners[file.name]
        if not self._hashed:  # nab needs a hash; not set if the sdist itself is fetched and checked
            has_wheel = any(other.name.endswith(".whl") for other in release.files)
            value["hashes"] = {"sha256": _sha256(file.name.encode())} if has_wheel else {}
            return {**value, "core-metadata": is_wheel}
        content = _file_bytes(file.name, owner, sidecar=False)
        value |= {"hashes": {"sha256": _sha256(content)}, "size": len(content), "core-metadata": False}
        if is_wheel:
            value["core-metadata"] = {"sha256": _sha256(_file_bytes(file.name, owner, sidecar=True))}
        return value


def fill_gaps(project: RecordedProject) -> RecordedProject:
    """Give each release without recorded dependencies those of the nearest release that has some, newer ones first.

    So the recorded world has an answer to every question, the same for every tool.
    """
    recorded = [index for index, release in enumerate(project.releases) if release.metadata]
    if not recorded:
        return project
    releases = list(project.releases)
    for index, release in enumerate(releases):
        if release.metadata is None:
            nearest = min(recorded, key=lambda other: (abs(other - index), other))
            releases[index] = release._replace(metadata=project.releases[nearest].metadata)
    return project._replace(releases=tuple(releases))


def _file_bytes(filename: str, owner: Owner, *, sidecar: bool) -> bytes:
    metadata = synthetic.metadata_bytes(owner.project, owner.version, owner.metadata)
    if sidecar:
        return metadata
    if filename.endswith(".whl"):
        return synthetic.wheel_bytes(filename, metadata)
    if filename.endswith((".tar.gz", ".zip")):
        return synthetic.sdist_bytes(filename, owner.project, owner.version, metadata)
    return b""  # an egg or an installer: listed as on real pages, never requested


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _etag(content: bytes) -> str:
    return f'"{_sha256(content)[:32]}"'
