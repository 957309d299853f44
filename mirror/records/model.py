"""The records of the sparse format: frozen, plain, JSON-ready.

Named tuples, not dataclasses: measured on CPython 3.11, importing ``dataclasses`` costs 11 ms and each frozen, slotted class
0.9 ms, a named tuple 0.13 ms; a warm lock has about 100 ms in all.

Order: within a project, releases are numbered from the *oldest* (0) to the newest by PEP 440, so a set of releases is an
``int`` whose bit *i* is release *i*, the newest member is ``mask.bit_length() - 1``, and a new release appends a bit.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mirror.ports import Intervals


class DistFile(NamedTuple):
    """One file of a release, as its index describes it (PEP 691, PEP 700)."""

    filename: str
    url: str  # absolute
    hashes: tuple[tuple[str, str], ...]  # (algorithm, lower-case hex), sorted by algorithm
    size: int | None = None  # bytes
    upload_time: str | None = None  # PEP 700: ISO 8601, UTC, ending in Z
    requires_python: str | None = None
    yanked: str | None = None  # PEP 592: the reason ("" where none is given); None where not yanked
    core_metadata: str | bool = False  # PEP 714: True, False, or "sha256=…" of the sidecar


class CompiledSpecifier(NamedTuple):
    """A specifier set turned into intervals over sort keys (``mirror.records.version_keys``).

    ``intervals`` are half-open ``(low, high)`` pairs of sort keys, ascending, disjoint. ``literal`` holds the right-hand
    side of PEP 440's ``===`` where there is one.
    """

    text: str
    intervals: tuple[tuple[str, str], ...]
    prereleases: bool = False  # PEP 440: a pre-release is mentioned explicitly
    pins: bool = False  # exactly one version is named by == or === (PEP 592 lets it take a yanked file)
    literal: str | None = None


class Dependency(NamedTuple):
    """One requirement of a dependency set, ready for a resolver.

    ``marker`` is the whole marker as written (None for none); ``url`` is set for a PEP 508 direct reference.
    """

    name: str  # normalised, PEP 503
    extras: tuple[str, ...]  # normalised, sorted
    specifier: CompiledSpecifier
    marker: str | None = None
    url: str | None = None


class BuildOutcome(Enum):
    """How a build that a run needed ended."""

    BUILT = "built"
    FAILED = "failed"
    FAILED_BEFORE = "failed before"  # in an earlier run; it was not repeated


class BuildRecord(NamedTuple):
    """One build that a run needed."""

    name: str  # normalised project name, or what a direct reference leads to
    version: str  # "" where only the build would tell
    outcome: BuildOutcome
    reason: str | None = None  # why it failed


class RequestCount(NamedTuple):
    """What a run's requests for one purpose cost."""

    purpose: str
    requests: int
    bytes: int


class FileKind(NamedTuple):
    """One distinct kind of file a project publishes: its tags, Requires-Python and yank state."""

    tags: str  # compressed tag set of a wheel name, "py3-none-any"; "sdist" for a source archive
    requires_python: str | None = None
    yanked: bool = False


class Withdrawal(NamedTuple):
    """Since when an index does not list a project any more that it listed before, and how it said so."""

    at: float  # seconds since the epoch
    status: int  # of its answer: 404, 410, or 200 for a page without files

    @property
    def words(self) -> str:
        """Return what the index did."""
        return "lists no files of it" if self.status == 200 else f"answered {self.status}"


class FetchFailure(NamedTuple):
    """A fact that could not be had: recorded, not raised, so that one project never stops the rest."""

    project: str
    release: str | None  # None: the project's listing
    error: Exception  # a MirrorError


def admitted_by(dependencies: Iterable[Dependency]) -> dict[str, list[Intervals]]:
    """Return, by project, what each specifier of some dependencies admits."""
    admits: dict[str, list[Intervals]] = {}
    for dependency in dependencies:
        admits.setdefault(dependency.name, []).append(dependency.specifier.intervals)
    return admits
