"""Parse a project page of the Simple API into a ``Listing`` (PEP 503, 592, 629, 658, 691, 700, 714, 792).

Parsing is lazy: only the fields that classify releases are decoded. The rest of a file stays a raw JSON object, and
``simple_file.parse_file`` decodes it for the few files that a lock lists. 171 real pages, 54.8 MB, 125,024 files take
0.09 s (CPython 3.11, msgspec 0.22); decoding every field takes 0.26 s and four times the memory.
"""

from __future__ import annotations

import codecs
from typing import Any

import msgspec

from mirror.equality import NamedTuple
from mirror.errors import Malformed
from mirror.limits import PAGE_BYTES, PAGE_VALUES
from mirror.records.simple_file import parse_file, parse_files

__all__ = ["Listing", "ParsedFile", "parse_file", "parse_files", "parse_listing"]

# Prefixes of the charsets that an HTML page may have, as the codecs module names them. Others (idna, punycode, utf-7,
# unicode_escape) raise on some text or take more than linear time.
_CHARSETS = ("ascii", "big5", "cp12", "euc_", "gb", "iso8859", "koi8", "shift_jis", "utf-8", "utf-16", "utf-32")
_FORBIDDEN_IN_NAMES = "/\\\n\r\t\0"  # such a file name could leave its folder, or break a line of a lock


class ParsedFile(msgspec.Struct, gc=False):
    """The fields that classify a release, as in the page; only their types are checked."""

    filename: str
    requires_python: str | None = msgspec.field(name="requires-python", default=None)
    upload_time: str | None = msgspec.field(name="upload-time", default=None)
    yanked: bool | str | None = False
    provenance: str | None = None


class Listing(NamedTuple):
    """One project page. ``files[i]`` and ``raws[i]`` are the same file; the order is the page's."""

    name: str  # as in the page; "" if it has none
    files: list[ParsedFile]
    raws: list[bytes]  # PEP 691 file objects, bytes-like; URLs absolute or relative to the page
    versions: tuple[str, ...] = ()  # PEP 700; empty if the page has none
    status: str = "active"  # PEP 792
    status_reason: str | None = None
    api: str = "1.0"  # PEP 629
    skipped: int = 0  # number of entries left out: no file name or URL, or a forbidden character in the name
    repaired: int = 0  # number of values of a wrong type, read as absent


class _Meta(msgspec.Struct):
    api: str = msgspec.field(name="api-version", default="1.0")


class _Status(msgspec.Struct):
    status: str = "active"
    reason: str | None = None


class _Page(msgspec.Struct):
    files: list[ParsedFile]
    name: str = ""
    meta: _Meta = msgspec.field(default_factory=_Meta)
    versions: list[str] = []
    status: _Status = msgspec.field(name="project-status", default_factory=_Status)


class _Files(msgspec.Struct):
    files: list[msgspec.Raw]


class _LoosePage(msgspec.Struct):
    files: list[msgspec.Raw]
    name: Any = ""
    meta: Any = None
    versions: Any = None
    status: Any = msgspec.field(name="project-status", default=None)


_page = msgspec.json.Decoder(_Page)
_files = msgspec.json.Decoder(_Files)
_loose_page = msgspec.json.Decoder(_LoosePage)
_file = msgspec.json.Decoder(ParsedFile)


def parse_listing(body: bytes, content_type: str | None, url: str) -> Listing:
    """Parse a project page that was fetched from ``url``.

    The body decides between JSON and HTML, since indexes send wrong content types. Values of a wrong type are read as absent and
    counted in ``repaired``. Unusable entries are left out and counted in ``skipped``.

    Args:
        body: The page, decompressed.
        content_type: Gives the charset of HTML. If it is HTML, links that follow plain text are accepted too.
        url: The URL of the page.

    Raises:
        Malformed: It is not a project page, or the major version of its API is not 1 (PEP 629).
    """
    if len(body) > PAGE_BYTES:
        raise Malformed(f"{url}: the page is larger than {PAGE_BYTES} bytes")
    start = body[:256].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"{":
        listing = _parse_json(body.removeprefix(b"\xef\xbb\xbf"), url)
    elif start == b"<" or ("html" in (content_type or "").lower() and b"<a " in body.lower()):
        listing = _parse_html(body, content_type, url)
    else:
        label = f" ({content_type})" if content_type else ""
        raise Malformed(f"{url}: the answer is neither JSON nor HTML{label}, so it is no page of an index")
    if listing.api.partition(".")[0] != "1":
        raise Malformed(f"{url}: the index speaks version {listing.api} of the Simple API; only version 1 is known")
    return listing


def _parse_json(body: bytes, url: str) -> Listing:
    if len(body) > PAGE_VALUES and body.count(b",") > PAGE_VALUES:
        raise Malformed(f"{url}: the page holds more than {PAGE_VALUES} values")
    try:
        page = _page.decode(body)
        raws: list[bytes] = list(_files.decode(body).files)
    except (msgspec.DecodeError, UnicodeDecodeError):  # before msgspec 0.23 the second one for bytes that are not UTF-8
        return _parse_loosely(body, url)
    names = ":".join([file.filename for file in page.files])
    if any(character in names for character in _FORBIDDEN_IN_NAMES):
        return _parse_loosely(body, url)
    return Listing(
        page.name, page.files, raws, tuple(page.versions), page.status.status, page.status.reason, page.meta.api
    )


def _parse_html(body: bytes, content_type: str | None, url: str) -> Listing:
    """Parse HTML with the same decoder as JSON, so that both have the same meaning."""
    from mirror.records.simple_html import read_html  # 10 ms to load, and most indexes write JSON

    page = read_html(body.decode(_charset(content_type), "replace"), url)
    files, raws, skipped, repaired = _read_entries([msgspec.json.encode(entry) for entry in page.files])
    return Listing("", files, raws, (), page.status, page.status_reason, page.api, page.skipped + skipped, repaired)


def _charset(content_type: str | None) -> str:
    _, _, charset = (content_type or "").lower().partition("charset=")
    charset = charset.partition(";")[0].strip(" \"'")
    try:
        return charset if codecs.lookup(charset).name.startswith(_CHARSETS) else "utf-8"
    except (LookupError, ValueError):
        return "utf-8"


def _parse_loosely(body: bytes, url: str) -> Listing:
    """Parse a page with values of a wrong type: slower, value by value."""
    try:
        page = _loose_page.decode(body.decode("utf-8", "replace"))
    except msgspec.ValidationError as error:
        raise Malformed(f"{url}: the page is JSON but no project page: it has no list of files ({error})") from error
    except msgspec.DecodeError as error:
        raise Malformed(f"{url}: the page is not JSON: {error}") from error
    files, raws, skipped, repaired = _read_entries(page.files)
    meta = page.meta if isinstance(page.meta, dict) else {}
    status = page.status if isinstance(page.status, dict) else {"status": page.status}
    versions = page.versions if isinstance(page.versions, list) else []
    return Listing(
        page.name if isinstance(page.name, str) else "",
        files,
        raws,
        tuple(version for version in versions if isinstance(version, str)),
        _text(status.get("status")) or "active",
        _text(status.get("reason")),
        str(meta.get("api-version", "1.0")),
        skipped,
        repaired,
    )


def _read_entries(entries: list[msgspec.Raw] | list[bytes]) -> tuple[list[ParsedFile], list[bytes], int, int]:
    """Return (files, raws, skipped, repaired) of raw file objects."""
    files: list[ParsedFile] = []
    raws: list[bytes] = []
    repaired = 0
    for raw in entries:
        try:
            file: ParsedFile | None = _file.decode(raw)
        except msgspec.ValidationError:
            file, errors = _repair(raw)
            repaired += errors
        if file is None or any(character in file.filename for character in _FORBIDDEN_IN_NAMES):
            continue
        files.append(file)
        raws.append(raw)
    return files, raws, len(entries) - len(files), repaired


def _repair(raw: bytes) -> tuple[ParsedFile | None, int]:
    """Decode a file object field by field; return it with the number of dropped fields."""
    try:
        entry = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None, 0
    if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
        return None, 0
    values = {"filename": entry["filename"]}
    errors = 0
    for field in msgspec.structs.fields(ParsedFile)[1:]:
        if field.encode_name not in entry:
            continue
        try:
            values[field.encode_name] = msgspec.convert(entry[field.encode_name], field.type)
        except msgspec.ValidationError:
            errors += 1
    return msgspec.convert(values, ParsedFile), errors


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
