"""What a policy says, as checked records. Times are epoch seconds, ages are seconds, project names are normalised."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from mirror.equality import NamedTuple


class Rule(Enum):
    """A rule by the name that tables, messages and exceptions use."""

    ALLOW = "allow"
    DENY = "deny"
    ONLY_FROM = "only-from"
    STATUS = "status"
    PROJECT_AGE = "minimum-project-age"
    CUTOFF = "uploaded-prior-to"
    ONLY_BINARY = "only-binary"
    YANKED = "yanked"
    PROVENANCE = "provenance"
    ADVISORIES = "advisories"
    LICENCES = "licences"


class Action(Enum):
    """What happens to something that a rule is about."""

    REFUSE = "refuse"
    WARN = "warn"
    ALLOW = "allow"


class ProvenanceMode(Enum):
    """Which files must have an attestation (PEP 740)."""

    ANY = "any"
    NO_DOWNGRADE = "no-downgrade"
    REQUIRED = "required"


class Cutoff(NamedTuple):
    """The time before which a file must have been uploaded: a fixed one, or an age that counts from now."""

    before: int | None = None
    age: int = 0

    def at(self, now: float) -> int:
        """Return the time that the cutoff means at a given time."""
        return int(now) - self.age if self.before is None else self.before


class Except(NamedTuple):
    """An exception: these rules do not apply to a project, or to one release of it, until a time."""

    project: str  # a name, or a prefix that ends in "*"
    version: str  # as written; "" for every release
    rules: frozenset[Rule]
    until: int | None = None
    reason: str = ""


class PolicyRules(NamedTuple):
    """A whole policy. The default refuses nothing."""

    allow: tuple[str, ...] = ()  # names and prefixes; empty: every project
    deny: tuple[str, ...] = ()
    only_from: tuple[tuple[str, str], ...] = ()  # (name or prefix, index URL)
    statuses: Mapping[str, Action] = {}  # PEP 792 status -> action
    minimum_project_age: int | None = None
    cutoff: Cutoff | None = None
    cutoffs: Mapping[str, Cutoff | None] = {}  # another cutoff for these projects; None: no cutoff
    first_seen: bool = False  # where no index states an upload time, the time counts when the mirror first saw the file
    only_binary: tuple[str, ...] = ()  # names, or ":all:"
    no_binary: tuple[str, ...] = ()  # names that ``only_binary`` does not concern
    yanked: Action = Action.WARN
    provenance: ProvenanceMode = ProvenanceMode.ANY
    provenance_age: int | None = None  # releases that are older need no attestation
    advisories: Action = Action.ALLOW
    ignored_advisories: frozenset[str] = frozenset()
    allowed_licences: tuple[str, ...] = ()  # SPDX identifiers, and beginnings of them with "*"; empty: every licence
    denied_licences: tuple[str, ...] = ()
    unknown_licences: Action = Action.REFUSE  # of releases that state none, if licences are checked
    exceptions: tuple[Except, ...] = ()

    @property
    def cuts_only(self) -> bool:
        """Return whether only cutoffs decide on releases, formats and licences apart."""
        others = self._replace(
            cutoff=None,
            cutoffs={},
            first_seen=False,
            only_binary=(),
            no_binary=(),
            allowed_licences=(),
            denied_licences=(),
            unknown_licences=Action.REFUSE,
        )
        return others == PolicyRules()

    @property
    def reads_times(self) -> bool:
        """Return whether upload times can refuse a file."""
        ages = (self.cutoff, self.minimum_project_age, self.provenance_age)
        return bool(self.cutoffs) or any(age is not None for age in ages)

    @property
    def checks_licences(self) -> bool:
        """Return whether a licence can refuse a release."""
        return bool(self.allowed_licences or self.denied_licences)

    @property
    def depends_on_time(self) -> bool:
        """Return whether the same facts may be decided otherwise later."""
        ages = [row for row in (self.cutoff, *self.cutoffs.values()) if row is not None and row.before is None]
        expire = [row for row in self.exceptions if row.until is not None]
        return bool(ages or expire or self.minimum_project_age is not None or self.provenance_age is not None)


def matches(pattern: str, name: str) -> bool:
    """Return whether a name is the one of a pattern, or has its prefix (``acme-*``)."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
