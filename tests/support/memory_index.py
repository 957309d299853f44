"""An index in memory, behind the transport port: pages, sidecars and source archives made from a table of releases.

No socket, no thread, no wheel is built: two hundred resolves take seconds. What a project's table says is given in
``tests/scenarios/README.md``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mirror.ports import Exchange, Request
from mirror.urls import PublicUrl
from tests.support.dists import metadata_text, sdist

ROOT = "http://index.example/simple"
_FILES = "http://index.example/files"
_EXTRA = re.compile(r"extra\s*[=!]=\s*'([^']+)'")
_TYPE = "application/vnd.pypi.simple.v1+json"
UNIVERSAL = "py3-none-any"
Release = Sequence[str] | Mapping[str, Any]
Projects = Mapping[str, Mapping[str, Release]]


class MemoryIndex:
    """A ``mirror.ports.Transport`` that answers at once. ``asked`` holds every address, in order."""

    name = "memory"

    def __init__(self, projects: Projects) -> None:
        """Take the releases by project (normalised name) and version."""
        self.asked: list[str] = []
        self._projects = {
            name: {version: _table(given) for version, given in rows.items()} for name, rows in projects.items()
        }
        self._metadata: dict[str, bytes] = {}
        self._archives: dict[str, bytes] = {}

    def submit(self, request: Request, done: Callable[[Exchange], None]) -> None:
        """Answer from the table."""
        self.asked.append(request.url)
        body = self._body(request.url)
        if body is None:
            done(Exchange(request, 404, {}, b"", PublicUrl(request.url)))
        else:
            done(
                Exchange(
                    request, 200, {"content-type": _TYPE, "cache-control": "max-age=600"}, body, PublicUrl(request.url)
                )
            )

    def close(self) -> None:
        """Hold nothing that needs closing."""

    def _body(self, url: str) -> bytes | None:
        if url.startswith(ROOT):
            name = url.removeprefix(ROOT).strip("/")
            rows = self._projects.get(name)
            return None if rows is None else self._page(name, rows)
        filename = url.rpartition("/")[2]
        return (
            self._metadata.get(filename.removesuffix(".metadata"))
            if filename.endswith(".metadata")
            else self._archives.get(filename)
        )

    def _page(self, name: str, rows: Mapping[str, Mapping[str, Any]]) -> bytes:
        files = [self._file(name, version, row, given) for version, row in rows.items() for given in _files_of(row)]
        return json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": files}).encode()

    def _file(self, name: str, version: str, row: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        merged = {**row, **given}
        stem, python, requires = name.replace("-", "_"), merged.get("python"), merged.get("requires", ())
        extras: dict[str, list[str]] = {extra: [] for line in requires for extra in _EXTRA.findall(line)}
        entry: dict[str, Any] = {"requires-python": python, "yanked": merged.get("yanked", False)}
        if merged["tags"] == "sdist":
            made = sdist(name, version, requires, extras, python, static=not merged.get("dynamic", False))
            self._archives[made.filename] = made.body
            entry |= {"filename": made.filename, "hashes": {"sha256": made.sha256}, "size": len(made.body)}
        else:
            filename = f"{stem}-{version}-{merged['tags']}.whl"
            text = self._metadata[filename] = metadata_text(
                name, version, requires, extras, merged.get("metadata-python", python)
            )
            sidecar = {"sha256": hashlib.sha256(text).hexdigest()}
            entry |= {
                "filename": filename,
                "hashes": {"sha256": merged.get("sha256") or hash_of(filename)},
                "size": 1,
                "core-metadata": sidecar,
            }
        if merged.get("uploaded", "2024-01-01") is not False:
            entry["upload-time"] = f"{merged.get('uploaded', '2024-01-01')}T00:00:00Z"
        entry["url"] = f"{_FILES}/{entry['filename']}"
        return entry


def hash_of(filename: str) -> str:
    """Return the sha256 that the index claims of a wheel that no test downloads."""
    return hashlib.sha256(filename.encode()).hexdigest()


def _table(release: Release) -> Mapping[str, Any]:
    return release if isinstance(release, Mapping) else {"requires": list(release)}


def _files_of(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [{"tags": given} if isinstance(given, str) else given for given in row.get("files", (UNIVERSAL,))]
