"""Write pages of the Simple API from records: JSON (PEP 691, 700, 714, 740, 792), HTML (PEP 503, 592, 658, 714, 740, 792)."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

from mirror.equality import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mirror.records.model import DistFile

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "application/vnd.pypi.simple.v1+html"
LEGACY_TYPE = "text/html"


class ProjectStatus(NamedTuple):
    """The status of a project and why (PEP 792)."""

    status: str | None = None
    reason: str | None = None


ACTIVE = ProjectStatus()


def project_json(
    name: str, versions: Sequence[str], files: Sequence[DistFile], status: ProjectStatus = ACTIVE
) -> bytes:
    """Return a project's page as JSON; ``files`` have absolute URLs, or URLs relative to the page."""
    return page_json(name, versions, [file_object(file) for file in files], status)


def page_json(name: str, versions: Sequence[str], files: list[dict[str, Any]], status: ProjectStatus = ACTIVE) -> bytes:
    """Return a project's page as JSON, from file objects."""
    page: dict[str, Any] = {
        "meta": {"api-version": _api(files, status.status)},
        "name": name,
        "versions": list(versions),
        "files": files,
    }
    if status.status and status.status != "active":
        page["project-status"] = {"status": status.status} | ({"reason": status.reason} if status.reason else {})
    return json.dumps(page, separators=(",", ":")).encode()


def file_object(file: DistFile) -> dict[str, Any]:
    """Return the PEP 691 object of a file, without the fields that are unknown."""
    entry: dict[str, Any] = {"filename": file.filename, "url": file.url, "hashes": dict(file.hashes)}
    if file.requires_python is not None:
        entry["requires-python"] = file.requires_python
    if file.size is not None:
        entry["size"] = file.size
    if file.upload_time is not None:
        entry["upload-time"] = file.upload_time
    if file.yanked is not None:
        entry["yanked"] = file.yanked or True
    if file.core_metadata:
        sidecar = _sidecar(file.core_metadata)
        entry["core-metadata"] = sidecar
        entry["data-dist-info-metadata"] = sidecar  # PEP 714: for clients that read only the older name
    if file.provenance is not None:
        entry["provenance"] = file.provenance
    return entry


def project_html(name: str, files: Iterable[DistFile], status: ProjectStatus = ACTIVE) -> bytes:
    """Return a project's page as HTML."""
    lines = [_anchor(file) for file in files]
    note = ""
    if status.status and status.status != "active":
        rows = [("project-status", status.status), ("project-status-reason", status.reason)]
        note = "".join(f'<meta name="pypi:{key}" content="{html.escape(text)}">' for key, text in rows if text)
    return _page(f"Links for {name}", note, lines)


def index_json(names: Iterable[str]) -> bytes:
    """Return the list of projects as JSON."""
    projects = [{"name": name} for name in names]
    return json.dumps({"meta": {"api-version": "1.0"}, "projects": projects}, separators=(",", ":")).encode()


def index_html(names: Iterable[str]) -> bytes:
    """Return the list of projects as HTML."""
    return _page("Simple index", "", [f'<a href="{name}/">{html.escape(name)}</a>' for name in names])


def _api(files: Iterable[dict[str, Any]], status: str | None) -> str:
    """Return the API version of the page: 1.1 requires a size for every file (PEP 700)."""
    if any("size" not in file for file in files):
        return "1.0"
    return "1.4" if status and status != "active" else "1.1"


def _sidecar(core_metadata: str | bool) -> bool | dict[str, str]:  # noqa: FBT001 - the record's own type
    if isinstance(core_metadata, bool):
        return core_metadata
    algorithm, _, value = core_metadata.partition("=")
    return {algorithm: value}


def _anchor(file: DistFile) -> str:
    digest = next((f"#{name}={value}" for name, value in file.hashes if name == "sha256"), "")
    if not digest and file.hashes:
        digest = "#{}={}".format(*file.hashes[0])
    pairs = [("href", file.url + digest)]
    if file.requires_python is not None:
        pairs.append(("data-requires-python", file.requires_python))
    if file.yanked is not None:
        pairs.append(("data-yanked", file.yanked))
    if file.core_metadata:
        value = "true" if isinstance(file.core_metadata, bool) else file.core_metadata
        pairs += [("data-core-metadata", value), ("data-dist-info-metadata", value)]
    if file.provenance is not None:
        pairs.append(("data-provenance", file.provenance))
    attributes = " ".join(f'{key}="{html.escape(value)}"' for key, value in pairs)
    return f"<a {attributes}>{html.escape(file.filename)}</a>"


def _page(title: str, note: str, lines: Iterable[str]) -> bytes:
    head = f'<meta name="pypi:repository-version" content="1.0">{note}<title>{html.escape(title)}</title>'
    body = "<br>\n".join(lines)
    return f"<!DOCTYPE html>\n<html><head>{head}</head><body>\n{body}\n</body></html>\n".encode()
