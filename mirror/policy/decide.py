"""Decide whether a file may be used: facts in, an ``Admission`` with the name of the rule and the reason out. Pure.

A rule whose facts are missing refuses (it fails closed), and its reason says how to proceed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.policy.licences import licence_problem
from mirror.policy.rules import Action, PolicyRules, ProvenanceMode, Rule, matches
from mirror.records.listing_views import day_of
from mirror.records.version_keys import version_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirror.policy.rules import Except
    from mirror.policy.upload_times import KnownTime

ALL = ":all:"
_RECHECK = 60  # seconds for which decisions hold that rest on what the mirror knows beyond a page


class Admission(NamedTuple):
    """The decision on a file: admitted or refused, by which rule, and why; ``exception`` if only one admits it."""

    admitted: bool
    rule: Rule | None = None
    reason: str = ""  # continues "NAME VERSION …" or "FILE …"
    exception: Except | None = None

    @property
    def words(self) -> str:
        """Return the reason, with the rule's name unless the reason has it."""
        name = self.rule.value if self.rule is not None else ""
        return self.reason if name in self.reason else f"{self.reason} (policy: {name})"


ADMITTED = Admission(admitted=True)


class ProjectFacts(NamedTuple):
    """What is known of a project."""

    name: str
    status: str | None = None  # PEP 792
    status_reason: str | None = None
    first_upload: int = 0  # of any of its files; 0: not known


class ReleaseFacts(NamedTuple):
    """What is known of a release beyond its files."""

    version: str
    index_url: str = ""  # the URL of the index that lists it
    attested_before: str | None = None  # an earlier, lower release whose files had attestations, if this one has fewer
    advisories: Sequence[str] | None = None  # ids that concern it; None: the mirror has no advisories
    licence: str | None = None  # an SPDX expression, "" if it states none; None: its metadata is not in the mirror


class FileFacts(NamedTuple):
    """What is known of a file."""

    is_wheel: bool = True
    uploaded: int = 0  # 0: not known
    yanked: str | None = None  # the reason; None: not yanked
    is_attested: bool = False
    known: KnownTime | None = None  # the source of ``uploaded``, if its index does not state it


class ProjectPolicy:
    """The rules as they concern one project at one time. ``until`` is when a decision made so far may become another."""

    __slots__ = (
        "_checks",
        "_cutoff",
        "_exceptions",
        "_facts",
        "_licences",
        "_now",
        "of_project",
        "only_wheels",
        "refuses_yanked",
        "rules",
        "until",
    )

    no_archive = Admission(
        admitted=False, rule=Rule.ONLY_BINARY, reason="has only a source archive, which --only-binary refuses"
    )

    def __init__(self, rules: PolicyRules, facts: ProjectFacts, now: float) -> None:
        """Decide what holds for all releases once."""
        name = facts.name
        self.rules, self._facts, self._now = rules, facts, now
        grows = rules.advisories is Action.REFUSE or rules.checks_licences  # what a mirror knows of it
        self.until = now + _RECHECK if grows else float("inf")
        self._licences: dict[str, Admission | None] = {}  # of each expression so far: releases mostly state the same
        self._exceptions = [row for row in rules.exceptions if matches(row.project, name) and self._in_force(row)]
        cutoff = rules.cutoffs.get(name, rules.cutoff)
        self._cutoff = None if cutoff is None else (cutoff.at(now), cutoff.age if cutoff.before is None else 0)
        self.refuses_yanked = rules.yanked is Action.REFUSE
        wheels_only = name in rules.only_binary or ALL in rules.only_binary
        self.only_wheels = wheels_only and name not in rules.no_binary
        self.of_project = [row for row in (self._listed(), self._status(), self._age()) if row is not None]
        self._checks = [
            check
            for check, applies in (
                (self._of_index, bool(rules.only_from)),
                (self._provenance, rules.provenance is not ProvenanceMode.ANY),
                (self._advisories, rules.advisories is Action.REFUSE),
                (self._licence, rules.checks_licences),
            )
            if applies
        ]

    def decide(self, release: ReleaseFacts, file: FileFacts) -> Admission:
        """Return whether a file of a release is admitted."""
        refusals = [*self.of_project, *self._of_file(file)]
        for check in self._checks:
            refusal = check(release, file)
            if refusal is not None:
                refusals.append(refusal)
        if not refusals:
            return ADMITTED
        used: Except | None = None
        for refusal in refusals:
            exception = self._exempt(refusal.rule, release.version) if self._exceptions else None
            if exception is None:
                return refusal
            used = used or exception
        return Admission(admitted=True, rule=refusals[0].rule, reason=refusals[0].reason, exception=used)

    @property
    def cutoff_alone(self) -> bool:
        """Return whether nothing but a cutoff can refuse a file: then its upload time decides."""
        return not (self.of_project or self._checks or self._exceptions or self.only_wheels or self.refuses_yanked)

    @property
    def before(self) -> int | None:
        """Return the time before which a file must have been uploaded, in epoch seconds; None if there is no cutoff."""
        return None if self._cutoff is None else self._cutoff[0]

    def exempts(self, version: str) -> bool:
        """Return whether an exception in force may admit something of a release."""
        return any(_is_version(row.version, version) for row in self._exceptions)

    def of_release(self, release: ReleaseFacts) -> Admission | None:
        """Return why a release is refused whichever of its files is asked for; None if it is not, or only for some files."""
        for check in self._checks:
            if check != self._provenance:
                refusal = check(release, FileFacts())
                if refusal is not None:
                    return refusal
        return None

    # --- rules about the project ----------------------------------------------------------------------------------------

    def _listed(self) -> Admission | None:
        name, rules = self._facts.name, self.rules
        if any(matches(pattern, name) for pattern in rules.deny):
            return _refused(Rule.DENY, "is a project that the policy denies")
        if rules.allow and not any(matches(pattern, name) for pattern in rules.allow):
            return _refused(Rule.ALLOW, "is no project that the policy allows")
        return None

    def _status(self) -> Admission | None:
        status = self._facts.status or "active"
        if self.rules.statuses.get(status) is not Action.REFUSE:
            return None
        reason = f" ({self._facts.status_reason})" if self._facts.status_reason else ""
        return _refused(Rule.STATUS, f"belongs to a project that is {status}{reason}")

    def _age(self) -> Admission | None:
        age, first = self.rules.minimum_project_age, self._facts.first_upload
        if age is None or 0 < first <= self._now - age:
            return None
        if not first:
            return _unknown(
                Rule.PROJECT_AGE, "the first upload of its project is not known: its index states no upload times"
            )
        self.until = min(self.until, first + age)
        return _refused(Rule.PROJECT_AGE, f"belongs to a project that is new: its first file came on {day_of(first)}")

    # --- rules about the release ----------------------------------------------------------------------------------------

    def _of_index(self, release: ReleaseFacts, _: FileFacts) -> Admission | None:
        for pattern, url in self.rules.only_from:
            if matches(pattern, self._facts.name) and release.index_url.rstrip("/") != url.rstrip("/"):
                return _refused(
                    Rule.ONLY_FROM, f"comes from {release.index_url or 'another place'}, and {pattern} only from {url}"
                )
        return None

    def _provenance(self, release: ReleaseFacts, file: FileFacts) -> Admission | None:
        if file.is_attested or self._predates(file):
            return None
        if self.rules.provenance is ProvenanceMode.REQUIRED:
            return _refused(Rule.PROVENANCE, "has no attestation (PEP 740), and every file must have one")
        if release.attested_before is None:
            return None
        return _refused(
            Rule.PROVENANCE, f"has no attestation (PEP 740), and {release.attested_before} before it had one"
        )

    def _advisories(self, release: ReleaseFacts, _: FileFacts) -> Admission | None:
        if release.advisories is None:
            return _unknown(
                Rule.ADVISORIES, "the mirror has no advisories: run `pipx-parallel mirror advisories update`"
            )
        ids = [name for name in release.advisories if name not in self.rules.ignored_advisories]
        return _refused(Rule.ADVISORIES, f"is affected by {', '.join(ids)}") if ids else None

    def _licence(self, release: ReleaseFacts, _: FileFacts) -> Admission | None:
        licence, rules = release.licence, self.rules
        if licence is None:
            return _unknown(Rule.LICENCES, "its METADATA is not in the mirror: run `pipx-parallel mirror warm`")
        if not licence:
            if rules.unknown_licences is Action.ALLOW:
                return None
            return _refused(Rule.LICENCES, "states no licence")
        if licence not in self._licences:
            admits_unknown = rules.unknown_licences is Action.ALLOW
            reason = licence_problem(licence, rules.allowed_licences, rules.denied_licences, unknown=admits_unknown)
            self._licences[licence] = None if reason is None else _refused(Rule.LICENCES, reason)
        return self._licences[licence]

    def _predates(self, file: FileFacts) -> bool:
        """Return whether a file is so old that the policy asks for no attestation."""
        age = self.rules.provenance_age
        if age is None or not file.uploaded:
            return False
        if file.uploaded > self._now - age:
            self.until = min(self.until, file.uploaded + age)
        return file.uploaded <= self._now - age

    # --- rules about the file -------------------------------------------------------------------------------------------

    def _of_file(self, file: FileFacts) -> Sequence[Admission]:
        refusals = []
        if self._cutoff is not None:
            before, age = self._cutoff
            if not file.uploaded:
                refusals.append(_refused(Rule.CUTOFF, self._undated()))
            elif file.uploaded >= before:
                if age:
                    self.until = min(self.until, file.uploaded + age + 1)
                event, source = ("was uploaded", "") if file.known is None else (file.known.event, file.known.source)
                reason = f"{event} on {day_of(file.uploaded)}{source}, after the cutoff ({day_of(before)})"
                refusals.append(_refused(Rule.CUTOFF, reason))
        if self.only_wheels and not file.is_wheel:
            refusals.append(self.no_archive)
        if file.yanked is not None and self.refuses_yanked:
            refusals.append(_refused(Rule.YANKED, "was yanked" + (f" ({file.yanked})" if file.yanked else "")))
        return refusals

    def _undated(self) -> str:
        ways = f"an exception for it, or --uploaded-prior-to-package {self._facts.name}=off, admits it"
        if self.rules.first_seen:
            return f"has no upload time on its index, and this mirror has not recorded when it first saw it; {ways}"
        return (
            f"has no upload time on its index, which --uploaded-prior-to needs; {ways}; --first-seen-as-upload-time counts from "
            "when this mirror first saw it"
        )

    # --- exceptions -----------------------------------------------------------------------------------------------------

    def _in_force(self, exception: Except) -> bool:
        if exception.until is None:
            return True
        if exception.until > self._now:
            self.until = min(self.until, exception.until)
        return exception.until > self._now

    def _exempt(self, rule: Rule | None, version: str) -> Except | None:
        for exception in self._exceptions:
            if rule in exception.rules and _is_version(exception.version, version):
                return exception
        return None


def _is_version(wanted: str, version: str) -> bool:
    return not wanted or wanted == version or version_key(wanted) == version_key(version)


def _refused(rule: Rule, reason: str) -> Admission:
    return Admission(admitted=False, rule=rule, reason=reason)


def _unknown(rule: Rule, reason: str) -> Admission:
    return Admission(
        admitted=False,
        rule=rule,
        reason=f"cannot be checked against {rule.value} ({reason}; or add an exception for it)",
    )
