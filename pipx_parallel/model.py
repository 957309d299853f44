"""The records of the tool: inputs, targets and resolutions.

Named tuples, for the reason given in ``mirror.records.model``. Names are normalised (PEP 503) when a record is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum

from mirror.equality import NamedTuple
from mirror.records.model import BuildRecord, DistFile, FetchFailure, RequestCount


class Part(NamedTuple):
    """An extra or a dependency group of a project. ``str()`` gives ``extra web``."""

    kind: str  # "extra" or "group"
    name: str  # normalised

    def __str__(self) -> str:
        """Return kind and name."""
        return f"{self.kind} {self.name}"


class Parts(NamedTuple):
    """The extras and groups that a lock holds beside the project's own dependencies. Names are normalised."""

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    default_groups: tuple[str, ...] = ()  # of ``groups``: installed unless the user says otherwise
    conflicts: tuple[tuple[Part, ...], ...] = ()  # of each set at most one can be installed
    torn: tuple[tuple[Part, Part, Part], ...] = ()  # parts that include two which conflict, with these


class Origin(NamedTuple):
    """A place in the input. ``str()`` gives ``requirements.txt:12``."""

    source: str  # path as the user would write it, "--packages", "-" or an option's name
    line: int | None = None
    via: tuple[str, ...] = ()  # the chain of -r and -c that includes it, outermost first
    label: str = ""  # how annotations name it: "shop (pyproject.toml:dev)"
    part: Part | None = None  # the extra or group of the project that it stands in

    def __str__(self) -> str:
        """Return ``source:line``, or the source alone; standard input is ``<stdin>``."""
        source = "<stdin>" if self.source == "-" else self.source
        return source if self.line is None else f"{source}:{self.line}"


class RootRequirement(NamedTuple):
    """One requirement the user wrote; with ``constraint`` it only limits the versions of a project that others require."""

    name: str  # normalised
    extras: tuple[str, ...]  # normalised, sorted
    specifier: str  # PEP 440 specifier set, "" for any
    marker: str | None
    url: str | None  # PEP 508 direct reference, or a file: URL for a path
    hashes: tuple[str, ...]  # "sha256:hex", as written with --hash
    origin: Origin
    text: str  # the requirement as the user wrote it
    constraint: bool = False
    editable: bool = False
    config_settings: tuple[tuple[str, str], ...] = ()


class IndexOptions(NamedTuple):
    """The index and format options in the inputs, with pip's names."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    pre: bool = False
    prefer_binary: bool = False
    only_binary: tuple[str, ...] = ()  # normalised names, or ":all:"
    no_binary: tuple[str, ...] = ()
    require_hashes: bool = False
    trusted_hosts: tuple[str, ...] = ()
    all_releases: tuple[str, ...] = ()  # pip 26: pre-releases allowed for these, or ":all:"
    only_final: tuple[str, ...] = ()  # pip 26: pre-releases refused for these, or ":all:"
    no_require_hashes: bool = False  # a hash on one line does not require hashes on all
    use_features: tuple[str, ...] = ()  # as written; none of them changes the resolution


class SourceFile(NamedTuple):
    """One input file with its digest, which ``lock --check`` compares first."""

    path: str
    sha256: str


class WrittenOption(NamedTuple):
    """One option line of an input: the full name, the value ("" for a flag)."""

    name: str  # "--index-url"
    value: str
    origin: Origin
    template: str | None = None  # the value with its variables, ``https://${USER}@host``; None if it has none


class Inputs(NamedTuple):
    """The parsed inputs: everything that the user's sources contain."""

    roots: tuple[RootRequirement, ...]
    constraints: tuple[RootRequirement, ...]
    options: IndexOptions
    files: tuple[SourceFile, ...]
    requires_python: str | None = None  # of a project or script that states it
    overrides: tuple[RootRequirement, ...] = ()  # replace every requirement on their projects
    excludes: tuple[str, ...] = ()  # normalised names of projects to leave out
    written: tuple[WrittenOption, ...] = ()  # every option line, in input order
    parts: Parts | None = None  # None: no extra and no group was asked for
    left_out: tuple[Part, ...] = ()  # extras and groups of the projects, if none was asked for


class Target(NamedTuple):
    """One environment to lock for (PEP 425 tags, PEP 508 marker variables)."""

    label: str  # "cpython 3.11 linux x86_64"
    python_full_version: str  # "3.11.7"
    markers: Mapping[str, str]  # every PEP 508 variable except "extra"
    tags: tuple[str, ...]  # "cp311-cp311-manylinux_2_17_x86_64", best first
    python_from: str = ""  # the first release of its minor series that it stands for ("3.11.3"); "": from the start
    python_until: str = ""  # the first that it does not stand for; "": to the end of the series


class ConditionKind(Enum):
    """What may become of a pin on its index."""

    YANKED = "yanked"
    WITHDRAWN = "withdrawn"
    QUARANTINED = "quarantined"
    ARCHIVED = "archived"
    DEPRECATED = "deprecated"
    CHANGED_FILE = "changed-file"
    LATE_FILE = "late-file"
    NEWER_VARIANTS = "newer-variants"
    JOINED_TIME = "joined-upload-time"
    FIRST_SEEN = "first-seen-time"


class PinCondition(NamedTuple):
    """One thing that has become of a pin; ``text`` continues "NAME VERSION …"."""

    kind: ConditionKind
    text: str


class Pin(NamedTuple):
    """One project at one release.

    ``files`` are all files of the release, in the order of its index; ``installable`` those that this target can install, best
    first.
    """

    name: str
    version: str
    files: Sequence[DistFile]
    installable: tuple[DistFile, ...]
    requires_python: str | None = None
    # This name hides ``tuple.index``, which no one calls on a pin.
    index: str | None = None  # type: ignore[assignment]  # the index's URL without credentials; None for a direct reference
    url: str | None = None  # direct reference
    direct: bool = False  # a root requires it by name
    latest: str | None = None  # newest release that this target could install
    reason: str | None = None  # why it is not the latest; None if it is
    libyears: float | None = None  # how much older it is than the latest, in years; None if unknown
    status: str | None = None  # of the project (PEP 792): "archived", "deprecated", …; None if it is active
    metadata_from: str | None = None  # the file whose metadata was read, if it is not in ``installable``
    conditions: tuple[PinCondition, ...] = ()  # what has become of it on its index
    bounded: bool = False  # a line of the user keeps it from the latest
    licence: str | None = None  # an SPDX expression, "" if it states none; None if it was not read
    identities: tuple[tuple[tuple[str, str], ...], ...] = ()  # who published it: (key, value), "kind" first (PEP 740)
    apart: str | None = None  # why it is not the release of other targets; None if they agree
    stated_licence: str | None = None  # of a direct reference, as ``licence``: known without reading

    @property
    def yanked(self) -> str | None:
        """Return why the file to install was yanked (PEP 592), "" if no reason is stated; None if it was not."""
        return self.installable[0].yanked if self.installable else None


class KeptPin(NamedTuple):
    """A pin of an existing lock: it is kept where its marker holds."""

    name: str  # normalised
    version: str
    marker: str | None = None


class Offer(NamedTuple):
    """A tried change that makes an impossible list solvable. ``str()`` is one line for the user.

    ``kind`` is "line" (at ``origin`` write ``after`` instead of ``before``; remove the line if ``after`` is ""), "flag" (add the
    option ``after``), "no-flag" (leave out the option ``before``) or "setting" (add ``after`` to the project's table, if not "").
    """

    kind: str
    text: str
    origin: str = ""
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        """Return the text."""
        return self.text


class BeyondBound(NamedTuple):
    """A relaxed soft constraint: a pin beyond an upper bound that a newer release of its parent states.

    ``requirement`` is the requirement of release ``stated_by`` of ``parent``.
    """

    parent: str
    parent_version: str
    child: str
    child_version: str
    requirement: str
    stated_by: str


class WithoutExtra(NamedTuple):
    """A relaxed soft constraint: the release has no requirements for a requested extra."""

    name: str
    version: str
    extra: str
    available: tuple[str, ...] = ()  # the extras for which it has some, sorted


Relaxation = BeyondBound | WithoutExtra


class RequirementEdge(NamedTuple):
    """The requirement of a parent on a child; ``parent`` is "" for the user, then ``origin`` is set.

    The edge of an extra has ``parent`` ``name[extra]``. A project with an edge to itself requires further extras of its own.
    """

    parent: str
    child: str
    requirement: str  # without the marker; several requirements of one parent are merged
    origin: Origin | None = None
    extras: tuple[str, ...] = ()  # of the child, normalised and sorted

    @property
    def parent_project(self) -> str:
        """Return the parent without its extra."""
        return self.parent.partition("[")[0]

    @property
    def parent_extra(self) -> str:
        """Return the extra of the parent that adds the requirement; "" if the parent always has it."""
        return self.parent.partition("[")[2][:-1]


class Stats(NamedTuple):
    """The times and counts of a run; never part of a lock."""

    seconds: Mapping[str, float]  # "read", "fill", "solve", "write", "total"
    counts: Mapping[str, int]  # "requests", "hits", "revalidated", "bytes", "waits", …
    builds: tuple[BuildRecord, ...] = ()
    requests: tuple[RequestCount, ...] = ()  # by purpose


class Resolution(NamedTuple):
    """The resolution for one target. ``pins`` are sorted by name, ``edges`` by (child, parent, requirement)."""

    target: Target
    pins: tuple[Pin, ...]
    edges: tuple[RequirementEdge, ...]
    roots: tuple[RootRequirement, ...]
    missing: tuple[FetchFailure, ...] = ()
    stats: Stats | None = None
    relaxations: tuple[Relaxation, ...] = ()
    optimal: bool = True  # False: a limit ended the search, or dependencies were interpolated
    unused: tuple[str, ...] = ()  # overrides and excludes that no requirement named
    fork: tuple[Part, ...] = ()  # the parts in it that conflict with parts of other resolutions

    @property
    def label(self) -> str:
        """Return the label of the target, with the parts that tell it from other resolutions for the target."""
        return " with ".join([self.target.label, *([" and ".join(map(str, self.fork))] if self.fork else [])])

    def with_pins(self, change: Callable[[Pin], Pin]) -> Resolution:
        """Return the resolution with each pin changed."""
        return self._replace(pins=tuple(map(change, self.pins)))


class Artifact(NamedTuple):
    """One file to write: its name (relative or absolute path, "-" for stdout), its text, and its mode."""

    name: str
    text: str
    mode: int = 0o644
