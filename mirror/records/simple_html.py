"""A project page in HTML (PEP 503, 592, 629, 658, 714, 792) -> the file objects that JSON would have had (PEP 691).

Four kinds of tag carry meaning, so the page is searched for those instead of being parsed whole: 8 µs a link where the
standard library's parser takes 29 µs (CPython 3.11, 3,000 links), which is seconds for a large lock against an index that
has only HTML. The patterns are possessive: a hostile page cannot make them backtrack.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import unquote, urljoin

from mirror.errors import Malformed
from mirror.limits import PAGE_FILES, TAG_CHARACTERS
from mirror.records.filenames import is_distribution

# Comments, scripts and styles are matched so that what looks like a tag inside them is passed over. What is never closed
# reaches to the end of the page: so every match ends, and no text is looked at twice.
_TAG = re.compile(
    r"<!--(?>.*?-->|.*+)"
    r"|<(?:script|style)\b(?>.*?</(?:script|style)|.*+)"
    r"""|<(a|meta|base|form)\b((?:[^>"']++|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))*+)(?:>|\Z)""",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'=<>`]++)))?""")


class HtmlPage(NamedTuple):
    """What an HTML page says. ``files`` are PEP 691 file objects with absolute URLs, in page order."""

    files: list[dict[str, Any]]
    api: str  # PEP 629; "1.0" where the page does not say
    status: str  # PEP 792
    status_reason: str | None
    skipped: int  # links that name no file that can be fetched


def read_html(text: str, url: str) -> HtmlPage:
    """Read a page that was fetched from ``url``. Raises ``Malformed`` for a sign-in page or another page of forms."""
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
        said = _attributes(tag[2]) if kind else {}
        if kind == "a" and said.get("href"):
            entry = _file_object(said, base or url)
            if entry is None:
                skipped += 1
            else:
                files.append(entry)
        elif kind == "meta":
            meta[said.get("name", "").lower()] = said.get("content", "")
        elif kind == "base" and base is None:  # HTML: the first one counts
            base = urljoin(url, said.get("href", ""))
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
    """Return a tag's attributes, names in lower case; one without a value is "". The first of a name counts (HTML)."""
    said: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(text):
        value = double or single or bare
        said.setdefault(name.lower(), unescape(value).strip() if "&" in value else value.strip())
    return said


def _file_object(said: dict[str, str], base: str) -> dict[str, Any] | None:
    """Turn one anchor into a PEP 691 file object; None where it leads to no file."""
    href = said["href"]
    url = href if href.startswith(("https://", "http://")) else urljoin(base, href)
    url, _, fragment = url.partition("#")
    # PEP 503 names the anchor's text as the file name, but some indexes decorate it: the URL's end is what pip reads.
    filename = url.partition("?")[0].rpartition("/")[2]
    if not filename or not url.startswith(("https://", "http://", "file:///")):
        return None
    filename = unquote(filename)
    entry: dict[str, Any] = {"filename": filename, "url": url, "hashes": {}}
    algorithm, _, digest = fragment.partition("&")[0].partition("=")
    if digest.isalnum() and algorithm != "egg":
        entry["hashes"] = {algorithm.lower(): digest.lower()}
    if requires_python := said.get("data-requires-python"):
        entry["requires-python"] = requires_python
    if "data-yanked" in said:  # PEP 592: the attribute alone is enough, its value is the reason
        entry["yanked"] = said["data-yanked"] or True
    sidecar = said.get("data-core-metadata", said.get("data-dist-info-metadata"))
    if sidecar is not None:
        entry["core-metadata"] = _sidecar(sidecar)
    return entry


def _sidecar(value: str) -> bool | dict[str, str]:
    """Read PEP 714's attribute: ``sha256=…``, ``true``, or anything else that is not ``false``."""
    algorithm, equals, digest = value.partition("=")
    if equals and digest:
        return {algorithm.lower(): digest.lower()}
    return algorithm.lower() != "false"
