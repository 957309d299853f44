"""Filter the files of a project by a policy: one place for pages, records, redirects and explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mirror.equality import NamedTuple
from mirror.policy.decide import FileFacts, ProjectFacts, ProjectPolicy, ReleaseFacts
from mirror.policy.quick import QuickPolicy
from mirror.policy.rules import Action, ProvenanceMode
from mirror.records.first_seen import sha256_of
from mirror.records.listing_views import epoch_seconds
from mirror.records.wheel_variants import is_variants_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mirror.policy.decide import Admission
    from mirror.policy.rules import PolicyRules
    from mirror.policy.upload_times import KnownTime
    from mirror.records.release_view import ReleaseView

# Seconds after which a time that nobody knows is looked for again: another index may have been asked meanwhile.
_AGAIN = 5
Entry = dict[str, Any]  # a PEP 691 file object


class Knowledge:
    """What a mirror knows of releases beyond their index's page. This one knows nothing."""

    knows_times = False  # whether ``upload_time`` may know any

    def advisories(
        self,
        name: str,  # noqa: ARG002 - a default
        version: str,  # noqa: ARG002 - as above
        ignored: frozenset[str] = frozenset(),  # noqa: ARG002 - as above
    ) -> Sequence[str] | None:
        """Return the ids of the advisories of a release, without ``ignored`` ids and aliases; None: there are none here."""
        return None

    def licence(self, name: str, index_url: str, version: str) -> str | None:  # noqa: ARG002 - a default
        """Return the licence of a release of an index as an SPDX expression, "" if it states none; None if that is not known."""
        return None

    def upload_time(self, name: str, version: str, sha256: str) -> KnownTime | None:  # noqa: ARG002 - as above
        """Return when a file was uploaded of which its index does not say it; None if nobody knows it."""
        return None

    def refresh(self, name: str) -> None:
        """Read again what is known of a project."""


class ListedRelease(NamedTuple):
    """One release as its index lists it."""

    version: str
    index_url: str
    entries: Sequence[Entry]


class Filtered(NamedTuple):
    """The decisions on every file of a project, by file name; they hold until a time."""

    decisions: Mapping[str, Admission]
    until: float

    def admits(self, filename: str) -> bool:
        """Return whether a file is admitted; one that is not known is not."""
        decision = self.decisions.get(filename)
        return decision is not None and decision.admitted


class PageFilter:
    """Filters projects by one policy."""

    def __init__(self, rules: PolicyRules, knowledge: Knowledge | None = None) -> None:
        """Take the rules, and what is known beyond pages."""
        self.rules = rules
        self._knowledge = knowledge or Knowledge()

    def decide(self, view: ReleaseView, releases: Sequence[ListedRelease], now: float) -> Filtered:
        """Return the decision on every file of the releases, which are given oldest first."""
        rules, knowledge = self.rules, self._knowledge
        releases, described = _described(releases)
        knowledge.refresh(view.name)
        first = 0
        if rules.minimum_project_age is not None:
            first = first_upload(releases) or self._first_upload(view.name, releases)
        policy = ProjectPolicy(rules, ProjectFacts(view.name, view.status, view.status_reason, first), now)
        quick = QuickPolicy(policy)
        before: Sequence[str | None] = [None] * len(releases)
        if rules.provenance is ProvenanceMode.NO_DOWNGRADE and _levels_differ(releases):
            before = attested_before([(release.version, *provenance_of(release.entries)) for release in releases])
        asks, checks = rules.advisories is Action.REFUSE, rules.checks_licences
        decisions: dict[str, Admission] = {}
        until = float("inf")
        for release, attested in zip(releases, before, strict=True):
            name, version = view.name, release.version
            known = ReleaseFacts(
                version,
                release.index_url,
                attested,
                knowledge.advisories(name, version, rules.ignored_advisories) if asks else None,
                knowledge.licence(name, release.index_url, version) if checks else None,
            )
            for entry, decision in zip(release.entries, quick.decide(known, release.entries), strict=True):
                if decision is None:
                    facts = self.file_facts(name, version, entry)
                    until = until if facts.uploaded or not knowledge.knows_times else now + _AGAIN
                    decision = policy.decide(known, facts)  # noqa: PLW2901 - what the quick way leaves open
                decisions[entry["filename"]] = decision
        for release, names in described:
            made = [decisions[entry["filename"]] for entry in release.entries]
            shared = next((decision for decision in made if decision.admitted), next(iter(made), None))
            decisions.update(dict.fromkeys(names, shared) if shared is not None else {})
        return Filtered(decisions, min(until, policy.until))

    def file_facts(self, name: str, version: str, entry: Entry) -> FileFacts:
        """Return the facts of a file object, with the upload time that is known elsewhere if it has none."""
        return completed(file_facts(entry), name, version, sha256_of(entry), self._knowledge)

    def _first_upload(self, name: str, releases: Sequence[ListedRelease]) -> int:
        """Return when the first file of a project was uploaded, as far as others know it; 0 if that is not known of all."""
        rows = [self.file_facts(name, release.version, entry) for release in releases for entry in release.entries]
        return min([row.uploaded for row in rows], default=0)


def completed(facts: FileFacts, name: str, version: str, sha256: str, knowledge: Knowledge) -> FileFacts:
    """Return the facts of a file, with the upload time that is known elsewhere if its index states none."""
    known = None if facts.uploaded else knowledge.upload_time(name, version, sha256)
    return facts if known is None else facts._replace(uploaded=known.seconds, known=known)


def _described(releases: Sequence[ListedRelease]) -> tuple[list[ListedRelease], list[tuple[ListedRelease, list[str]]]]:
    """Return the releases without what describes their wheel variants (PEP 825), and the releases that have such files, with these.

    It is decided on as on the variants: it is no distribution, and an index may write it itself at any time.
    """
    described: list[tuple[ListedRelease, list[str]]] = []
    left = list(releases)
    for number, release in enumerate(releases):
        names = [entry["filename"] for entry in release.entries if is_variants_json(entry["filename"])]
        if names:
            left[number] = release._replace(entries=[row for row in release.entries if row["filename"] not in names])
            described.append((left[number], names))
    return left, described


def first_upload(releases: Sequence[ListedRelease]) -> int:
    """Return when the first file of a project was uploaded; 0 if that is not known of every file."""
    return min([_first(release.entries) for release in releases], default=0)


def _first(entries: Sequence[Entry]) -> int:
    times = [time if isinstance(time := entry.get("upload-time"), str) else "" for entry in entries]
    if not all(times):
        return 0
    if all(time.endswith("Z") for time in times):  # PEP 700: times in UTC compare as their texts do
        return epoch_seconds(min(times, default=""))
    return min(map(epoch_seconds, times))


def file_facts(entry: Entry) -> FileFacts:
    """Return the facts of a file object."""
    uploaded, yanked = entry.get("upload-time"), entry.get("yanked")
    return FileFacts(
        str(entry["filename"]).endswith(".whl"),
        epoch_seconds(uploaded) if isinstance(uploaded, str) else 0,
        (yanked if isinstance(yanked, str) else "") if yanked else None,
        bool(entry.get("provenance")),
    )


def _levels_differ(releases: Sequence[ListedRelease]) -> bool:
    """Return whether some files have attestations and others not: else no release can have fewer than one before it."""
    return len({bool(entry.get("provenance")) for release in releases for entry in release.entries}) > 1


def provenance_of(entries: Sequence[Entry]) -> tuple[int, int]:
    """Return how many files of a release have attestations (0: none, 1: some, 2: all), and when the first was uploaded."""
    attested = len([entry for entry in entries if entry.get("provenance")])
    return (2 if attested and attested == len(entries) else min(attested, 1)), _first(entries)


def attested_before(releases: Sequence[tuple[str, int, int]]) -> list[str | None]:
    """Return, for each (version, level, first upload), a lower and earlier release of a higher level, or None.

    A lower version counts, so a back-port to a line that never had attestations passes; an earlier upload counts, so a release
    that is older than the first attestation passes. A time that is not known counts as earlier.
    """
    answers: list[str | None] = []
    earliest: dict[int, tuple[int, str]] = {}  # level -> (first upload, version) of the earliest lower release
    for version, level, uploaded in releases:
        better = [earliest[above] for above in (2, 1) if above > level and above in earliest]
        answers.append(next((name for time, name in better if not uploaded or time <= uploaded), None))
        if level and (level not in earliest or uploaded < earliest[level][0]):
            earliest[level] = (uploaded, version)
    return answers
