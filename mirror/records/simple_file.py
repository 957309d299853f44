"""Parse one file object of the Simple API (PEP 691) into a ``DistFile``, with the standard library only.

Separate from ``simple_parse``, because writing a lock needs only this, and msgspec takes 30 ms to load.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from mirror.equality import NamedTuple
from mirror.errors import Malformed
from mirror.records.model import DistFile
from mirror.urls import split_url, without_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SCHEMES = ("https://", "http://", "file:///")
# The name of PEP 714, the name of PEP 691, and the name that indexes used by mistake.
_SIDECAR_KEYS = ("core-metadata", "dist-info-metadata", "data-dist-info-metadata")

# The lengths of digests in hex. A value of another length is not a hash and is read as absent.
_DIGITS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}


class Brief(NamedTuple):
    """The fields of a file object that classify a release; ``yanked`` is as in the page (PEP 691: a boolean or a reason)."""

    filename: str
    requires_python: str | None
    upload_time: str | None
    yanked: object
    provenance: str | None = None


def read_briefly(data: bytes) -> list[Brief]:
    """Read the fields that classify releases from a JSON array of file objects (a slice of a file view).

    An entry without a name is left out; a value of a wrong type is read as absent. Raises ``Malformed`` if it is not JSON.
    """
    try:
        entries = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"a file entry is not JSON: {error}") from error
    return [
        Brief(
            entry["filename"],
            _text(entry.get("requires-python")),
            _text(entry.get("upload-time")),
            entry.get("yanked"),
            _text(entry.get("provenance")),
        )
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("filename"), str)
    ]


def parse_file(raw: bytes, page_url: str) -> DistFile:
    """Decode one raw PEP 691 file object. A value of a wrong type is read as absent.

    Args:
        raw: The JSON, as anything that ``bytes()`` accepts.
        page_url: The base of a relative URL.

    Raises:
        Malformed: The object has no file name, or no URL that can be fetched.
    """
    return parse_files((raw,), page_url)[0]


def parse_files(raws: Iterable[bytes], page_url: str) -> list[DistFile]:
    """Decode many raw file objects of one page, in order; errors as ``parse_file``."""
    return list(FileList(b"[" + b",".join([bytes(raw) for raw in raws]) + b"]", page_url))


class FileList(Sequence[DistFile]):
    """The files of one release, each decoded on first access: a lock of 171 packages has 3,000 files and lists 350.

    Behaves as a tuple in the page's order. Access raises ``Malformed`` if an entry has no name or no usable URL.
    """

    __slots__ = ("_entries", "_files", "_page_url")

    def __init__(self, data: bytes, page_url: str) -> None:
        """Parse a JSON array of file objects (PEP 691). Raises ``Malformed`` if ``data`` is not JSON."""
        try:
            self._entries: list[Any] = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise Malformed(f"{page_url}: a file entry is not JSON: {error}") from error
        self._page_url = page_url
        self._files: list[DistFile | None] = [None] * len(self._entries)

    def names(self) -> list[str]:
        """Return the file names, without decoding the other fields; "" for an entry that has none."""
        return [str(entry.get("filename", "")) if isinstance(entry, dict) else "" for entry in self._entries]

    def archives(self) -> list[tuple[int, str]]:
        """Return number and name of each file that is no wheel."""
        return [(number, name) for number, name in enumerate(self.names()) if not name.endswith(".whl")]

    def part(self, numbers: Iterable[int]) -> bytes | None:
        """Return some of the files, and what is asked of all, as ``FileListPart`` reads it.

        None if a file has no SHA-256 or other hashes. Raises ``Malformed`` for a file without a usable URL.
        """
        hashes = self.hashes()
        if not hashes or any(len(pairs) != 1 or pairs[0][0] != "sha256" for pairs in hashes):
            return None
        files = [[number, self._entries[number]] for number in numbers]
        return json.dumps([" ".join([pairs[0][1] for pairs in hashes]), files]).encode()

    def hashes(self) -> list[tuple[tuple[str, str], ...]]:
        """Return each file's hashes, as ``DistFile.hashes``. The other fields of a file are decoded only if its URL has a hash."""
        return [
            _hashes(entry["hashes"])
            if isinstance(entry, dict) and entry.get("hashes") and "#" not in str(entry.get("url"))
            else self[number].hashes
            for number, entry in enumerate(self._entries)
        ]

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> DistFile: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[DistFile, ...]: ...
    def __getitem__(self, index: int | slice) -> DistFile | tuple[DistFile, ...]:
        """Return a file, or several as a tuple."""
        if isinstance(index, slice):
            return tuple([self[number] for number in range(*index.indices(len(self)))])
        file = self._files[index]
        if file is None:
            file = self._files[index] = _dist_file(self._entry(index), self._page_url)
        return file

    def _entry(self, index: int) -> Any:
        return self._entries[index]

    def __eq__(self, other: object) -> bool:
        """Compare as a tuple does."""
        return tuple(self) == tuple(other) if isinstance(other, FileList | tuple) else NotImplemented

    def __hash__(self) -> int:
        """Hash as a tuple does."""
        return hash(tuple(self))


class FileListPart(FileList):
    """The files of one release, of which only some are loaded: the whole list is read when another is asked for."""

    __slots__ = ("_hashes", "_load", "_some")

    def __init__(self, part: bytes, page_url: str, load: Callable[[], FileList]) -> None:
        """Take what ``part`` of the whole list returned, and what reads the whole list. Raises ``Malformed``."""
        try:
            hashes, files = json.loads(part)
            self._some = [(int(number), str(entry["filename"])) for number, entry in files]
            self._hashes: list[str] = hashes.split(" ")
            self._entries = [None] * len(self._hashes)
            for number, entry in files:
                self._entries[number] = entry
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise Malformed(f"{page_url}: a damaged part of a list of files ({type(error).__name__})") from error
        self._files = [None] * len(self._hashes)
        self._page_url = page_url
        self._load = load

    def part_names(self) -> list[tuple[int, str]]:
        """Return number and name of each loaded file."""
        return self._some

    def archives(self) -> list[tuple[int, str]]:
        """Return number and name of each file that is no wheel: all of these are loaded."""
        return [(number, name) for number, name in self._some if not name.endswith(".whl")]

    def names(self) -> list[str]:
        """Return the file names."""
        return self._load().names()

    def hashes(self) -> list[tuple[tuple[str, str], ...]]:
        """Return each file's hashes."""
        return [(("sha256", value),) for value in self._hashes]

    def _entry(self, index: int) -> Any:
        if self._entries[index] is None:
            self._entries = self._load()._entries  # noqa: SLF001 - of the same class
        return self._entries[index]


def _dist_file(entry: object, page_url: str) -> DistFile:
    if (
        not isinstance(entry, dict)
        or not isinstance(entry.get("filename"), str)
        or not isinstance(entry.get("url"), str)
    ):
        raise Malformed(f"{page_url}: a file entry has no file name or no URL")
    if not entry["filename"].isprintable() or "/" in entry["filename"] or "\\" in entry["filename"]:
        # A shared mirror may be untrusted.
        raise Malformed(f"{page_url}: {entry['filename']!r} is no file name")
    url, digest = _url_and_digest(entry["url"], page_url)
    hashes = _hashes(entry.get("hashes"))
    if digest and digest[0] not in dict(hashes):
        hashes = tuple(sorted((*hashes, digest)))
    size = entry.get("size")
    return DistFile(
        filename=entry["filename"],
        url=url,
        hashes=hashes,
        size=size if type(size) is int and size >= 0 else None,
        upload_time=_text(entry.get("upload-time")),
        requires_python=_text(entry.get("requires-python")),
        yanked=_yanked(entry.get("yanked")),
        core_metadata=_core_metadata(entry),
        provenance=_provenance(entry.get("provenance"), page_url),
    )


def _url_and_digest(url: str, page_url: str) -> tuple[str, tuple[str, str] | None]:
    """Return the absolute URL without fragment and credentials, and the hash that its fragment names (PEP 503)."""
    digest = None
    if "#" in url:
        url, _, fragment = url.partition("#")
        algorithm, _, value = fragment.partition("&")[0].partition("=")
        if algorithm.isalnum() and value.isalnum() and algorithm != "egg" and _is_digest(algorithm.lower(), value):
            digest = (algorithm.lower(), value.lower())
    if not url.startswith(_SCHEMES):
        url = _absolute(url, page_url)
    if "@" in url:
        url = split_url(url)[0]
    if "?" in url:
        url = without_signature(url)
    # A line break would end a header or a line of a lock; a surrogate cannot be written.
    if not url.isprintable():
        raise Malformed(f"{page_url}: a file is at {url!r}, which holds characters that no address has")
    return url, digest


def _absolute(url: str, page_url: str) -> str:
    from urllib.parse import urljoin  # 8 ms to load, and most indexes write absolute URLs

    joined = urljoin(page_url, url)
    if not joined.startswith(_SCHEMES):
        raise Malformed(f"{page_url}: a file is at {url!r}, which is no web or file address")
    return joined


def _hashes(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        return ()
    digest = value.get("sha256")
    if len(value) == 1 and type(digest) is str and len(digest) == 64 and digest.isalnum() and digest.isascii():
        return (("sha256", digest.lower()),)  # the usual case: 3,000 files of a lock of 171 packages
    pairs = [
        (str(name).lower(), digest.lower())
        for name, digest in value.items()
        if isinstance(digest, str) and digest.isalnum() and digest.isascii() and str(name).isprintable()
        if _is_digest(str(name).lower(), digest)
    ]
    return tuple(sorted(pairs)) if len(pairs) > 1 else tuple(pairs)


def _is_digest(algorithm: str, value: str) -> bool:
    return len(value) == _DIGITS.get(algorithm, len(value))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _yanked(value: object) -> str | None:
    """Return the reason, "" for a yank without one, None for no yank. PEP 691: a truthy value means yanked."""
    if isinstance(value, str):
        return value or None
    return "" if value is True else None


def _provenance(value: object, page_url: str) -> str | None:
    """Return the absolute URL of a provenance object (PEP 740); what is no web address is read as absent."""
    if not isinstance(value, str) or not value:
        return None
    try:
        return _url_and_digest(value, page_url)[0]
    except (Malformed, ValueError):
        return None


def _core_metadata(entry: dict[str, Any]) -> str | bool:
    for key in _SIDECAR_KEYS:
        value = entry.get(key)
        if isinstance(value, dict):
            pairs = dict(_hashes(value))
            algorithm = "sha256" if "sha256" in pairs else min(pairs, default="")
            return f"{algorithm}={pairs[algorithm]}" if algorithm else True
        if isinstance(value, bool):
            return value
    return False
