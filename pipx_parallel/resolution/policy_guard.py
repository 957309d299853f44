"""The policy of a run, as the search asks for it: which releases and files of a project it admits, and why not the others.

Decisions are those of ``mirror.policy``. What a release view says decides most releases; the files of a release are read only if
the view leaves it open, so a cutoff over 171 projects reads a handful. Where only a cutoff can refuse, comparing times decides,
and the refusals are put into words only for a message.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mirror.equality import NamedTuple
from mirror.policy.decide import ADMITTED, FileFacts, ProjectFacts, ProjectPolicy, ReleaseFacts
from mirror.policy.page_filter import Knowledge, attested_before, completed, file_facts, provenance_of
from mirror.policy.rules import Action, Cutoff, PolicyRules, ProvenanceMode, Rule
from mirror.records.filenames import SDIST, split_filename
from mirror.records.first_seen import sha256_of
from mirror.records.listing_views import epoch_seconds, line_before
from mirror.records.release_view import HEAD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mirror.policy.decide import Admission
    from mirror.records.model import DistFile
    from mirror.records.project import Project
    from mirror.records.release_view import ReleaseView
    from pipx_parallel.config.settings import ResolveSettings


class _Decided(NamedTuple):
    """The decisions on one project."""

    view: ReleaseView
    policy: ProjectPolicy
    facts: Mapping[str, ReleaseFacts]  # by version; empty if only a cutoff can refuse
    refusals: dict[int, Admission | None]  # releases that are refused as a whole; None: by the cutoff, not in words yet

    def of(self, version: str) -> ReleaseFacts:
        """Return what is known of a release."""
        return self.facts.get(version) or ReleaseFacts(version)


def rules_of(settings: ResolveSettings) -> PolicyRules:
    """Return the rules that a search applies, cutoffs as its selection states them.

    Which formats are taken is decided elsewhere, by tags; licences are checked in the answer (``licences``).
    """
    selection = settings.selection
    cutoff = selection.uploaded_prior_to
    cutoffs = {name: _cutoff(when) for name, when in selection.uploaded_prior_to_packages.items()}
    rules = settings.policy or PolicyRules()
    return rules._replace(
        cutoff=_cutoff(cutoff), cutoffs=cutoffs, only_binary=(), allowed_licences=(), denied_licences=()
    )


class PolicyGuard:
    """Decides on the releases of projects, each project once."""

    def __init__(self, rules: PolicyRules, now: float, knowledge: Knowledge | None = None) -> None:
        """``now`` is in epoch seconds."""
        self._rules = rules
        self._now = now
        self._knowledge = knowledge or Knowledge()
        self._decided: dict[str, _Decided] = {}

    def first_checked(self, project: Project) -> int:
        """As ``Policy.first_checked``: with a cutoff alone, the newest that were uploaded before it; else every release."""
        view = project.view
        if not self._rules.cuts_only:
            if view.versions:
                project.classify(0)
            return 0
        before = self._decided_of(project).policy.before
        if before is None:
            return max(0, len(view.versions) - HEAD)
        while (line := line_before(view, before)) is None and view.classified:
            project.classify(view.classified - 1)
        return line or 0

    def admitted(self, project: Project, mask: int) -> tuple[int, dict[int, frozenset[int]]]:
        """Return the releases of ``mask`` that have an admitted file, and the file kinds left of those that have others too."""
        view, decided = project.view, self._decided_of(project)
        remaining, partial = 0, {}
        if decided.policy.cutoff_alone:
            remaining, mask = _by_time(decided, mask, elsewhere=self._knowledge.knows_times)
        kinds = {release: numbers for numbers, releases in view.kind_sets.items() for release in _bits(releases & mask)}
        for release in _bits(mask):
            facts = decided.of(view.versions[release])
            decisions = self._by_kind(project, release, kinds.get(release, ()), facts)
            left = frozenset(number for number, decision in decisions.items() if decision.admitted)
            if left or not decisions:
                remaining |= 1 << release
            else:
                decided.refusals[release] = next(iter(decisions.values()))
            if left and len(left) != len(decisions):
                partial[release] = left
        return remaining, partial

    def refusal(self, name: str, release: int) -> Admission | None:
        """Return why a release is refused; None if it is not."""
        decided = self._decided.get(name)
        if decided is None or release not in decided.refusals:
            return None
        return decided.refusals[release] or _lateness(decided, release)

    def late(self, name: str) -> int:
        """Return the mask of the releases that a cutoff refuses."""
        decided = self._decided.get(name)
        rows = decided.refusals.items() if decided is not None else ()
        return sum([1 << release for release, decision in rows if decision is None or decision.rule is Rule.CUTOFF])

    def admits_file(self, name: str, version: str, file: DistFile) -> bool:
        """Return whether a file of a release that was looked at is admitted."""
        return self.decide_file(name, version, file).admitted

    def decide_file(self, name: str, version: str, file: DistFile) -> Admission:
        """Return the decision on a file of a release that was looked at."""
        decided = self._decided.get(name)
        if decided is None:
            return ADMITTED
        return decided.policy.decide(decided.of(version), self.facts_of(name, version, file))

    def facts_of(self, name: str, version: str, file: DistFile) -> FileFacts:
        """Return what is known of a file."""
        uploaded = epoch_seconds(file.upload_time) if file.upload_time else 0
        facts = FileFacts(file.filename.endswith(".whl"), uploaded, file.yanked, file.provenance is not None)
        return completed(facts, name, version, dict(file.hashes).get("sha256", ""), self._knowledge)

    def _decided_of(self, project: Project) -> _Decided:
        decided = self._decided.get(project.view.name)
        if decided is None or decided.view is not project.view:
            decided = self._decided[project.view.name] = self._decide(project)
        return decided

    def _decide(self, project: Project) -> _Decided:
        view, rules, knowledge = project.view, self._rules, self._knowledge
        first = 0
        if rules.minimum_project_age is not None:
            first = min((self._first_upload(project, release) for release in range(len(view.versions))), default=0)
        policy = ProjectPolicy(rules, ProjectFacts(view.name, view.status, view.status_reason, first), self._now)
        before: Sequence[str | None] = [None] * len(view.versions)
        if rules.provenance is ProvenanceMode.NO_DOWNGRADE:
            before = attested_before(
                [(view.versions[release], *_provenance(project, release)) for release in range(len(view.versions))]
            )
        if policy.cutoff_alone:
            return _Decided(view, policy, {}, {})
        asks = rules.advisories is Action.REFUSE
        facts = {
            version: ReleaseFacts(
                version,
                project.index_of(release),
                before[release],
                knowledge.advisories(view.name, version, rules.ignored_advisories) if asks else None,
            )
            for release, version in enumerate(view.versions)
        }
        return _Decided(view, policy, facts, {})

    def _by_kind(
        self, project: Project, release: int, kinds: Sequence[int], facts: ReleaseFacts
    ) -> dict[int, Admission]:
        """Return a decision for each kind of file of a release: admitted if one file of the kind is."""
        view, policy = project.view, self._decided[project.view.name].policy
        level = view.attestation_level(release) if self._rules.provenance is not ProvenanceMode.ANY else 0
        first, last = view.uploads(release)
        if level is None or level == 1 or (not first and self._knowledge.knows_times):
            return self._by_file(project, release, facts)
        decisions = {}
        for number in kinds:
            kind = view.file_kinds[number]
            file = FileFacts(kind.tags != SDIST, first, "" if kind.yanked else None, level == 2)
            decisions[number] = policy.decide(facts, file)
            if (
                decisions[number].admitted
                and last != first
                and not policy.decide(facts, file._replace(uploaded=last)).admitted
            ):
                return self._by_file(project, release, facts)
        return decisions

    def _completed(self, name: str, version: str, entry: dict[str, Any]) -> FileFacts:
        return completed(file_facts(entry), name, version, sha256_of(entry), self._knowledge)

    def _first_upload(self, project: Project, release: int) -> int:
        """Return when the first file of a release was uploaded; 0 if that is not known."""
        first = project.view.uploads(release)[0]
        if first or not self._knowledge.knows_times:
            return first
        name, version = project.view.name, project.view.versions[release]
        entries = json.loads(project.file_slice(release) or b"[]")
        return min([self._completed(name, version, entry).uploaded for entry in entries], default=0)

    def _by_file(self, project: Project, release: int, facts: ReleaseFacts) -> dict[int, Admission]:
        view, policy = project.view, self._decided[project.view.name].policy
        numbers = {tuple(kind): number for number, kind in enumerate(view.file_kinds)}
        decisions: dict[int, Admission] = {}
        for entry in json.loads(project.file_slice(release) or b"[]"):
            split = split_filename(entry["filename"], view.name)
            kind = split and (split[1], entry.get("requires-python") or None, bool(entry.get("yanked")))
            number = numbers.get(kind) if kind else None
            if number is not None:
                decision = policy.decide(facts, self._completed(view.name, facts.version, entry))
                if number not in decisions or decision.admitted:
                    decisions[number] = decision
        return decisions


def _by_time(decided: _Decided, mask: int, *, elsewhere: bool) -> tuple[int, int]:
    """Decide on the releases of ``mask`` where only a cutoff can refuse.

    Returns:
        The admitted releases, and those whose files decide: they were uploaded partly before the cutoff, or their index states no
        times and ``elsewhere`` they may be known. The refused are noted.
    """
    view, before = decided.view, decided.policy.before
    if before is None:
        return mask, 0
    admitted = partly = 0
    with_files = sum([releases for numbers, releases in view.kind_sets.items() if numbers])
    start, uploads = view.classified, view.uploads_text
    for release in _bits(mask & with_files):
        first, _, later = uploads[release - start].partition("+")
        uploaded = int(first)
        if not uploaded and elsewhere:
            partly |= 1 << release
        elif not 0 < uploaded < before:
            decided.refusals[release] = None
        elif later and uploaded + int(later) >= before:
            partly |= 1 << release
        else:
            admitted |= 1 << release
    return admitted | mask & ~with_files, partly


def _lateness(decided: _Decided, release: int) -> Admission:
    """Return why a cutoff refuses a release."""
    view = decided.view
    return decided.policy.decide(decided.of(view.versions[release]), FileFacts(uploaded=view.uploads(release)[0]))


def _provenance(project: Project, release: int) -> tuple[int, int]:
    level = project.view.attestation_level(release)
    if level is not None:
        return level, project.view.uploads(release)[0]
    return provenance_of(json.loads(project.file_slice(release) or b"[]"))


def _cutoff(moment: str | None) -> Cutoff | None:
    return None if moment is None else Cutoff(epoch_seconds(moment))


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
