"""Parse a project page in HTML (PEP 503, 592, 629, 658, 714, 792) into the file objects of the JSON form (PEP 691).

Only four kinds of tag are needed, so the page is searched for those instead of being parsed whole. This takes 8 µs per link;
the standard library's parser takes 29 µs (CPython 3.11, 3,000 links), which is seconds for a large lock against an index that
has only HTML. The patterns are possessive, so a hostile page cannot make them backtrack.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import unquote, urljoin

from mirror.equality import NamedTuple
from mirror.errors import Malformed
from mirror.limits import PAGE_FILES, TAG_CHARACTERS
from mirror.records.filenames import is_distribution

# Comments, scripts and styles are matched so that tags inside them are ignored. An unclosed element reaches to the end of the
# page. So every match ends, and no text is read twice.
_TAG = re.compile(
    r"<!--(?>.*?-->|.*+)"
    r"|<(?:script|style)\b(?>.*?</(?:script|style)|.*+)"
    r"""|<(a|meta|base|form)\b((?:[^>"']++|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))*+)(?:>|\Z)""",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'=<>`]++)))?""")


class HtmlPage(NamedTuple):
    """The content of an HTML page. ``files`` are PEP 691 file objects with absolute URLs, in page order."""

    files: list[dict[str, Any]]
    api: str  # PEP 629; "1.0" if the page has no version
    status: str  # PEP 792
    status_reason: str | None
    skipped: int  # links to something that is not a file that can be fetched


def read_html(text: str, url: str) -> HtmlPage:
    """Parse a page that was fetched from ``url``.

    Raises:
        Malformed: The page is a sign-in page (a form, and no distributions), or exceeds ``limits``.
    """
    files: list[dict[str, Any]] = []
    meta: dict[str, str] = {}
    base: str | None = None
    has_form = False
    skipped = 0
    for tag in _TAG.finditer(text):
        kind = (tag[1] or "").lower()
        if len(files) + skipped >= PAGE_FILES:
            raise Malformed(f"{url}: the page has more than {PAGE_FILES} links")
        if kind and len(tag[2]) > TAG_CHARACTERS:
            skipped += 1
            continue
        attributes = _attributes(tag[2]) if kind else {}
        if kind == "a" and attributes.get("href"):
            entry = _file_object(attributes, base or url)
            if entry is None:
                skipped += 1
            else:
                files.append(entry)
        elif kind == "meta":
            meta[attributes.get("name", "").lower()] = attributes.get("content", "")
        elif kind == "base" and base is None:  # HTML: only the first base element counts
            base = urljoin(url, attributes.get("href", ""))
        elif kind == "form":
            has_form = True
    if has_form and not any(is_distribution(entry["filename"]) for entry in files):
        raise Malformed(f"{url}: the index answered with a web form (a sign-in page?), not with a list of files")
    return HtmlPage(
        files,
        meta.get("pypi:repository-version", "1.0"),
        meta.get("pypi:project-status", "active"),
        meta.get("pypi:project-status-reason"),
        skipped,
    )


def _attributes(text: str) -> dict[str, str]:
    """Return a tag's attributes, names in lower case, "" for a missing value. The first of a name counts (HTML)."""
    attributes: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(text):
        value = double or single or bare
        attributes.setdefault(name.lower(), unescape(value).strip() if "&" in value else value.strip())
    return attributes


def _file_object(attributes: dict[str, str], base: str) -> dict[str, Any] | None:
    """Return the PEP 691 file object of an anchor; None if its URL is not that of a file."""
    href = attributes["href"]
    url = href if href.startswith(("https://", "http://")) else urljoin(base, href)
    url, _, fragment = url.partition("#")
    # PEP 503: the anchor's text is the file name. But some indexes decorate it, and pip reads the end of the URL.
    filename = url.partition("?")[0].rpartition("/")[2]
    if not filename or not url.startswith(("https://", "http://", "file:///")):
        return None
    filename = unquote(filename)
    entry: dict[str, Any] = {"filename": filename, "url": url, "hashes": {}}
    algorithm, _, digest = fragment.partition("&")[0].partition("=")
    if digest.isalnum() and algorithm != "egg":
        entry["hashes"] = {algorithm.lower(): digest.lower()}
    if requires_python := attributes.get("data-requires-python"):
        entry["requires-python"] = requires_python
    if "data-yanked" in attributes:  # PEP 592: the attribute alone is enough, its value is the reason
        entry["yanked"] = attributes["data-yanked"] or True
    if provenance := attributes.get("data-provenance"):  # PEP 740
        entry["provenance"] = provenance
    sidecar = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    if sidecar is not None:
        entry["core-metadata"] = _sidecar(sidecar)
    return entry


def _sidecar(value: str) -> bool | dict[str, str]:
    """Parse the attribute of PEP 714: ``sha256=…``, ``false``, or any other value, which means true."""
    algorithm, equals, digest = value.partition("=")
    if equals and digest:
        return {algorithm.lower(): digest.lower()}
    return algorithm.lower() != "false"
