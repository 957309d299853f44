"""The records of the sparse format: frozen, and made of JSON types.

They are named tuples, not dataclasses: on CPython 3.11, importing ``dataclasses`` costs 11 ms and each frozen, slotted class
0.9 ms, but a named tuple 0.13 ms. A whole warm lock takes about 100 ms.

Order: the releases of a project are numbered from the *oldest* (0) to the newest by PEP 440. So a set of releases is an
``int`` whose bit *i* is release *i*, the newest member is ``mask.bit_length() - 1``, and a new release appends a bit.
"""

from __future__ import annotations

from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mirror.ports import Intervals


class DistFile(NamedTuple):
    """One file of a release, as its index describes it (PEP 691, PEP 700)."""

    filename: str
    url: str  # absolute
    hashes: tuple[tuple[str, str], ...]  # (algorithm, lower-case hex), sorted by algorithm
    size: int | None = None  # bytes
    upload_time: str | None = None  # PEP 700: ISO 8601, UTC, ending in Z
    requires_python: str | None = None
    yanked: str | None = None  # PEP 592: the reason ("" if none is given); None if not yanked
    core_metadata: str | bool = False  # PEP 714: True, False, or "sha256=…" of the sidecar
    provenance: str | None = None  # PEP 740: the URL of its provenance object


class CompiledSpecifier(NamedTuple):
    """A specifier set turned into intervals over sort keys (``mirror.records.version_keys``).

    ``intervals`` are half-open ``(low, high)`` pairs of sort keys, ascending and disjoint. ``literal`` is the right-hand
    side of ``===`` (PEP 440), if the set has one.
    """

    text: str
    intervals: tuple[tuple[str, str], ...]
    prereleases: bool = False  # PEP 440: a pre-release is mentioned explicitly
    pins: bool = False  # == or === names exactly one version (PEP 592: then a yanked file may be used)
    literal: str | None = None


class Dependency(NamedTuple):
    """One parsed requirement of a dependency set.

    ``marker`` is the whole marker as written, or None; ``url`` is set for a PEP 508 direct reference.
    """

    name: str  # normalised, PEP 503
    extras: tuple[str, ...]  # normalised, sorted
    specifier: CompiledSpecifier
    marker: str | None = None
    url: str | None = None


class BuildOutcome(Enum):
    """The outcome of a build that a run needed."""

    BUILT = "built"
    FAILED = "failed"
    FAILED_BEFORE = "failed before"  # in an earlier run; it was not repeated


class BuildRecord(NamedTuple):
    """One build that a run needed."""

    name: str  # normalised project name, or the URL or path of a direct reference
    version: str  # "" if only the build can give it
    outcome: BuildOutcome
    reason: str | None = None  # of a failure


class RequestCount(NamedTuple):
    """The number and size of a run's requests for one purpose."""

    purpose: str
    requests: int
    bytes: int


class FileKind(NamedTuple):
    """One distinct kind of file of a project: its tags, Requires-Python and yank state."""

    tags: str  # compressed tag set of a wheel name, "py3-none-any"; "sdist" for a source archive
    requires_python: str | None = None
    yanked: bool = False


def file_kinds_of(rows: Sequence[tuple[str, str | None, int]]) -> list[FileKind]:
    """Return stored rows as file kinds, without a step for each: a lock of 171 packages reads 12,000.

    Raises ``ValueError`` or ``TypeError`` if they are no such rows.
    """
    if not rows:
        return []
    tags, pythons, yanked = zip(*rows, strict=True)
    return list(map(partial(tuple.__new__, FileKind), zip(tags, pythons, map(bool, yanked), strict=True)))


class Withdrawal(NamedTuple):
    """The time since which an index no longer lists a project that it listed before, and the status of its response."""

    since: float  # seconds since the epoch
    status: int  # 404, 410, or 200 for a page without files

    @property
    def words(self) -> str:
        """Return the response of the index as a part of a sentence."""
        return "lists no files of it" if self.status == 200 else f"answered {self.status}"


class FileSighting(NamedTuple):
    """A file as its index listed it from a time on; ``sha256`` is "" from when it is not listed any more."""

    filename: str
    sha256: str
    seen: int  # epoch seconds


class FetchFailure(NamedTuple):
    """A fact that is not available. It is recorded, not raised, so that one project does not stop the others."""

    project: str
    release: str | None  # None: the project's listing
    error: Exception  # a MirrorError

    @property
    def message(self) -> str:
        """Return the error as a sentence that begins with what it is about."""
        subject = f"{self.project} {self.release}" if self.release else self.project
        return f"{subject}: {str(self.error).removeprefix(f'{subject}: ')}"


def admitted_by(dependencies: Iterable[Dependency]) -> dict[str, list[Intervals]]:
    """Return the intervals of each dependency's specifier, by project."""
    admits: dict[str, list[Intervals]] = {}
    for dependency in dependencies:
        admits.setdefault(dependency.name, []).append(dependency.specifier.intervals)
    return admits
