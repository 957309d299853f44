"""Read the configured index for the recorder and for the quality figures: pages, and the dependencies of one file.

Blocking calls; the recorder runs them in threads.
"""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
import zipfile
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import urllib3
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from benchmarks.recording import RecordedFile, RecordedMetadata, RecordedProject, Release
from benchmarks.synthetic import resolver_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

_TAIL = 65_536
_SDIST_LIMIT = 30_000_000


class Upstream:
    """The configured index. ``urls`` has the URL of each file; it is never written to a file."""

    def __init__(self, index_url: str) -> None:
        """Take the index's address."""
        self._index_url = index_url
        self._http = urllib3.PoolManager(maxsize=16, ca_certs=os.environ.get("PIP_CERT"), timeout=60.0)
        self.urls: dict[str, str] = {}

    def project(self, name: str, newest: int) -> RecordedProject | None:
        """Return a project's newest releases (0: all of them), or None if the index does not have it."""
        url = f"{self._index_url}{name}/"
        response = self._get(url, Accept="application/vnd.pypi.simple.v1+json")
        if response.status != 200:
            return None
        page = json.loads(response.data)
        self.urls.update((file["filename"], urljoin(url, file["url"])) for file in page["files"])
        return project_of_page(name, page["files"], newest)

    def metadata(self, filename: str) -> RecordedMetadata | None:
        """Return a file's dependencies: from its sidecar, else from the wheel by range requests, else from the sdist."""
        url = self.urls[filename]
        if not filename.endswith(".whl"):
            return self._sdist_metadata(url)
        response = self._get(f"{url}.metadata")
        content = response.data if response.status == 200 else self._wheel_metadata(url)
        return RecordedMetadata(resolver_lines(content.decode("utf-8", "replace")), len(content)) if content else None

    def _wheel_metadata(self, url: str) -> bytes | None:
        with zipfile.ZipFile(io.BufferedReader(_RemoteFile(self._http, url), _TAIL)) as wheel:
            names = [name for name in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
            return wheel.read(names[0]) if names else None

    def _sdist_metadata(self, url: str) -> RecordedMetadata | None:
        response = self._get(url)
        if response.status != 200 or len(response.data) > _SDIST_LIMIT:
            return None
        texts = _sdist_texts(response.data)
        info = next((text for path, text in sorted(texts.items(), key=_depth) if path.endswith("PKG-INFO")), "")
        requires = next((text for path, text in texts.items() if path.endswith("requires.txt")), "")
        lines = resolver_lines(info)
        if not any(line.startswith("Requires-Dist") for line in lines):
            lines += egg_requires(requires)
        return RecordedMetadata(lines, len(info)) if info else None

    def _get(self, url: str, **headers: str) -> urllib3.BaseHTTPResponse:
        return self._http.request("GET", url, headers=headers, retries=3)


class _RemoteFile(io.RawIOBase):
    """A remote file that is read by byte ranges; the tail is fetched once."""

    def __init__(self, http: urllib3.PoolManager, url: str) -> None:
        self._http, self._url, self._at = http, url, 0
        tail = http.request("GET", url, headers={"Range": f"bytes=-{_TAIL}"})
        self._tail = tail.data
        self._size = int(tail.headers["Content-Range"].rpartition("/")[2]) if tail.status == 206 else len(tail.data)

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:  # io's own signature
        stop = min(self._at + len(buffer), self._size)
        start_of_tail = self._size - len(self._tail)
        if self._at >= stop:
            return 0
        if self._at >= start_of_tail:
            data = self._tail[self._at - start_of_tail : stop - start_of_tail]
        else:
            data = self._http.request("GET", self._url, headers={"Range": f"bytes={self._at}-{stop - 1}"}).data
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def project_of_page(name: str, files: Iterable[dict[str, Any]], newest: int) -> RecordedProject:
    """Return the project that a page's files describe; files whose version cannot be parsed are skipped."""
    releases: dict[Version, list[dict[str, Any]]] = {}
    for file in files:
        version = _version_of(file["filename"])
        if version is not None:
            releases.setdefault(version, []).append(file)
    chosen = sorted(releases, reverse=True)[: newest or None]
    return RecordedProject(name, tuple(_release(version, releases[version]) for version in chosen))


def egg_requires(text: str) -> tuple[str, ...]:
    """Turn an egg's ``requires.txt`` (sections ``[extra:marker]``) into Requires-Dist lines."""
    lines, section = [], ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("["):
            section = line.strip("[]")
            continue
        extra, _, marker = section.partition(":")
        parts = [f"({marker})" if marker and extra else marker, f'extra == "{extra}"' if extra else ""]
        condition = " and ".join(filter(None, parts))
        lines.append(f"Requires-Dist: {line}" + (f"; {condition}" if condition else ""))
    return tuple(lines)


def _release(version: Version, files: list[dict[str, Any]]) -> Release:
    requires = next((file.get("requires-python") for file in files if file.get("requires-python")), None)
    recorded = (RecordedFile(file["filename"], _seconds(file), bool(file.get("yanked"))) for file in files)
    return Release(str(version), requires, tuple(sorted(recorded)))


def _seconds(file: dict[str, Any]) -> int | None:
    text = file.get("upload-time")
    return int(datetime.fromisoformat(text).timestamp()) if text else None


def _version_of(filename: str) -> Version | None:
    try:
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)[1]
        return parse_sdist_filename(filename)[1]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def _sdist_texts(data: bytes) -> dict[str, str]:
    wanted = re.compile(r"PKG-INFO$|\.egg-info/requires\.txt$")
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {n: archive.read(n).decode("utf-8", "replace") for n in archive.namelist() if wanted.search(n)}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = [member for member in archive if member.isfile() and wanted.search(member.name)]
        opened = [(member.name, archive.extractfile(member)) for member in members]
        return {name: file.read().decode("utf-8", "replace") for name, file in opened if file}


def _depth(item: tuple[str, str]) -> int:
    return item[0].count("/")
