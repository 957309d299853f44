"""What the test index says: flavours, and pages made of distributions (PEP 503, 592, 629, 658, 691, 700, 714, 792)."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tests.support.dists import Dist

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "application/vnd.pypi.simple.v1+html"


class Page(NamedTuple):
    """A project page given as bytes: for pages that no correct index would render."""

    body: bytes
    content_type: str = JSON_TYPE


Project = Sequence[Dist] | Page


class Flavour(NamedTuple):
    """How an index behaves. Every field stands alone, so flavours compose: ``HTML_ONLY._replace(ranges="none")``."""

    json: bool = True  # answers PEP 691 JSON where it is accepted
    html: bool = True  # answers HTML where JSON is not; False: 406
    api: str = "1.1"  # "1.0" has no versions, size or upload-time
    sidecars: str = "advertised"  # "advertised", "silent" (there, not said) or "none"; a Dist may say otherwise
    sidecar_keys: tuple[str, ...] = ("core-metadata", "data-dist-info-metadata")  # PEP 714: new name, old name
    sidecar_hash: bool = True  # advertise {"sha256": …}; False: advertise true
    etag: bool = True
    last_modified: bool = False
    cache_control: str | None = "max-age=600, public"
    gzip: bool = False
    ranges: str = "yes"  # "yes", "no-suffix" (416 to bytes=-N), "ignore" (200, whole body), "refuse" (416)
    upload_time: bool = True
    size: bool = True
    hashes: bool = True
    relative_urls: bool = False
    base_href: bool = False  # HTML pages carry <base href> and link relative to it
    redirect: bool = False  # pages and files live elsewhere, behind a 302
    redirect_root: str = ""  # ... on another server, or "/loop" for ever
    auth: tuple[str, str] | None = None  # Basic
    missing_status: int = 404  # what an unknown project gets; some indexes say 403
    content_type: str | None = None  # a wrong content type on purpose
    latency: float = 0.0  # seconds before each answer
    statuses: Mapping[str, str] = {}  # PEP 792: project -> "archived", "quarantined", …


MODERN = Flavour()
HTML_ONLY = Flavour(
    json=False, api="1.0", sidecars="none", etag=False, cache_control=None, upload_time=False, size=False
)
BARE = HTML_ONLY._replace(ranges="ignore", hashes=False)
SPARSE_JSON = Flavour(sidecars="silent", etag=False, cache_control=None)
FLAVOURS = {"modern": MODERN, "html": HTML_ONLY, "bare": BARE, "silent": SPARSE_JSON}


def normalised(name: str) -> str:
    """Return the PEP 503 form of a name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def sidecar_of(dist: Dist, flavour: Flavour) -> str:
    """Return "advertised", "silent" or "none" for this file."""
    if dist.metadata is None:
        return "none"
    return dist.sidecar or flavour.sidecars


def project_json(name: str, dists: Sequence[Dist], flavour: Flavour, base: str) -> bytes:
    """Render a PEP 691 project page; ``base`` ends in a slash and precedes file names."""
    page: dict[str, Any] = {
        "meta": {"api-version": flavour.api, "_last-serial": "1"},
        "name": normalised(name),
        "files": [_file_json(dist, flavour, base) for dist in dists],
    }
    if flavour.api != "1.0":
        page["versions"] = sorted({dist.version for dist in dists if dist.version})
    if name in flavour.statuses:
        page["project-status"] = {"status": flavour.statuses[name], "reason": "as the test says"}
    return json.dumps(page).encode()


def project_html(name: str, dists: Sequence[Dist], flavour: Flavour, base: str) -> bytes:
    """Render a PEP 503 project page."""
    links = "".join(_anchor(dist, flavour, "" if flavour.base_href else base) for dist in dists)
    head = f'<meta name="pypi:repository-version" content="{flavour.api}">'
    head += f'<base href="{base}">' if flavour.base_href else ""
    head += f'<meta name="pypi:project-status" content="{flavour.statuses[name]}">' if name in flavour.statuses else ""
    return f"<!DOCTYPE html>\n<html><head>{head}<title>{name}</title></head>\n<body>\n{links}</body></html>\n".encode()


def project_list(names: Sequence[str], flavour: Flavour, *, as_json: bool) -> bytes:
    """Render the list of all projects."""
    if as_json:
        projects = [{"name": name} for name in names]
        return json.dumps({"meta": {"api-version": flavour.api}, "projects": projects}).encode()
    links = "".join(f'<a href="{normalised(name)}/">{name}</a><br/>\n' for name in names)
    return f"<!DOCTYPE html>\n<html><body>\n{links}</body></html>\n".encode()


def _file_json(dist: Dist, flavour: Flavour, base: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "filename": dist.filename,
        "url": base + dist.filename,
        "hashes": {"sha256": dist.listed_sha256 or dist.sha256} if flavour.hashes else {},
        "requires-python": dist.requires_python,
        "yanked": dist.yanked,
    }
    if flavour.api != "1.0" and flavour.size:
        entry["size"] = len(dist.body)
    if flavour.api != "1.0" and flavour.upload_time and dist.upload_time:
        entry["upload-time"] = dist.upload_time
    if dist.provenance:
        entry["provenance"] = dist.provenance
    if sidecar_of(dist, flavour) == "advertised":
        for key in flavour.sidecar_keys:
            entry[key] = {"sha256": _metadata_hash(dist)} if flavour.sidecar_hash else True
    return entry


def _anchor(dist: Dist, flavour: Flavour, base: str) -> str:
    fragment = f"#sha256={dist.listed_sha256 or dist.sha256}" if flavour.hashes else ""
    attributes = [("href", base + dist.filename + fragment)]
    if dist.requires_python:
        attributes.append(("data-requires-python", dist.requires_python))
    if dist.yanked is not False:
        attributes.append(("data-yanked", dist.yanked if isinstance(dist.yanked, str) else ""))
    if sidecar_of(dist, flavour) == "advertised":
        value = f"sha256={_metadata_hash(dist)}" if flavour.sidecar_hash else "true"
        attributes += [("data-core-metadata" if key == "core-metadata" else key, value) for key in flavour.sidecar_keys]
    text = " ".join(f'{key}="{html.escape(value)}"' for key, value in attributes)
    return f"<a {text}>{html.escape(dist.filename)}</a><br/>\n"


def _metadata_hash(dist: Dist) -> str:
    return dist.listed_sidecar_sha256 or hashlib.sha256(dist.metadata or b"").hexdigest()
