"""Parse METADATA and PKG-INFO into ``CoreMetadata`` (core metadata specification; PEP 566, PEP 643).

The headers are read by ``mirror.records.headers``; ``email`` gives the same result (52 real files of 10 kB).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import Malformed
from mirror.limits import METADATA_BYTES, REQUIREMENTS
from mirror.records.headers import read_headers
from mirror.records.licences import HEADERS, StatedLicence, stated_licence, to_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

_WANTED = frozenset(
    ("metadata-version", "name", "version", "requires-dist", "requires-python", "provides-extra", "dynamic", *HEADERS)
)
_DEPENDENCY_FIELDS = frozenset(("requires-dist", "requires-python", "provides-extra"))


class FileText(NamedTuple):
    """METADATA of one wheel, byte for byte; of a source archive with static metadata the headers that were read."""

    filename: str
    text: bytes


class CoreMetadata(NamedTuple):
    """The fields of a distribution's core metadata that resolution needs. Strings are as written, nothing is normalised."""

    name: str
    version: str
    metadata_version: str
    requires_dist: tuple[str, ...] = ()  # PEP 508 requirements, unparsed
    requires_python: str | None = None
    provides_extra: tuple[str, ...] = ()
    dynamic: frozenset[str] = frozenset()  # PEP 643: lower-case field names
    text: FileText | None = None  # set if it was read from a file of an index or the sidecar of a wheel
    built: bool = False  # from a build backend on this machine: another machine may get other metadata
    licence: StatedLicence = StatedLicence()
    refused_source: str | None = None  # what was wrong with a source that was tried before, for a warning

    @property
    def is_static(self) -> bool:
        """Return whether the dependencies in the PKG-INFO of an sdist are valid without a build.

        PEP 643: from Metadata-Version 2.2 on, a field that is not marked Dynamic has the same value in every wheel built
        from the sdist.
        """
        return _at_least_2_2(self.metadata_version) and not self.dynamic & _DEPENDENCY_FIELDS


def parse_core_metadata(data: bytes, source: str = "METADATA") -> CoreMetadata:
    """Parse the headers of a METADATA or PKG-INFO file; the description after the first blank line is ignored.

    Unknown headers and invalid lines are ignored. If a single-use header is repeated, the first counts. Bytes that are not UTF-8
    become U+FFFD.

    Args:
        data: The content of the file.
        source: The name of the file, for messages.

    Raises:
        Malformed: Name or Version is missing, or the file exceeds ``limits``.
    """
    if len(data) > METADATA_BYTES:
        raise Malformed(f"{source}: larger than {METADATA_BYTES} bytes")
    headers = read_headers(data, _WANTED)
    name, version = _first(headers, "name"), _first(headers, "version")
    if not name or not version:
        raise Malformed(f"{source}: no {'Version' if name else 'Name'} header, so this is not core metadata")
    check_size(source, headers.get("requires-dist", ()), headers.get("provides-extra", ()))
    return CoreMetadata(
        name,
        version,
        _first(headers, "metadata-version") or "1.0",
        tuple(value for value in headers.get("requires-dist", ()) if value),
        _first(headers, "requires-python") or None,
        tuple(value for value in headers.get("provides-extra", ()) if value),
        frozenset(value.lower() for value in headers.get("dynamic", ())),
        licence=stated_licence(headers),
    )


def check_size(source: str, *fields: Sequence[str]) -> None:
    """Raise ``Malformed`` if a field of a release has more values than ``limits`` allow."""
    if any(len(values) > REQUIREMENTS for values in fields):
        raise Malformed(f"{source}: more than {REQUIREMENTS} requirements or extras")


def to_text(metadata: CoreMetadata) -> bytes:
    """Return headers that ``parse_core_metadata`` reads back."""
    rows = [("Metadata-Version", metadata.metadata_version), ("Name", metadata.name), ("Version", metadata.version)]
    rows += [("Requires-Python", metadata.requires_python)] if metadata.requires_python else []
    rows += [("Provides-Extra", extra) for extra in metadata.provides_extra]
    rows += [("Requires-Dist", " ".join(line.split())) for line in metadata.requires_dist]
    rows += [("Dynamic", field) for field in sorted(metadata.dynamic)]
    rows += to_rows(metadata.licence)
    return "".join(f"{name}: {value}\n" for name, value in rows).encode() + b"\n"


def _at_least_2_2(version: str) -> bool:
    major, _, minor = version.partition(".")
    short = len(version) < 10  # no specification has a longer version, and int() refuses very long digits
    return short and major.isdecimal() and minor.isdecimal() and (int(major), int(minor)) >= (2, 2)


def _first(headers: dict[str, list[str]], key: str) -> str:
    return headers.get(key, [""])[0]
