"""The releases to which vulnerable pins could move: the nearest that no advisory concerns, and those that the policy hides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.policy.explain import Explained, explain, listed_releases
from mirror.policy.page_filter import PageFilter
from mirror.policy.rules import Action, Except, PolicyRules, Rule
from mirror.records.model import FetchFailure
from mirror.records.version_keys import version_key

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from mirror.policy.stored_knowledge import StoredKnowledge
    from mirror.records.advisories import Advisory
    from mirror.records.project import Project
    from mirror.session.mirror import Mirror


class Fix(NamedTuple):
    """What can be done about a vulnerable pin. ``hidden`` is the nearest release above it that only another rule refuses."""

    name: str
    version: str
    to: str | None  # the release to prefer; None: no release that may be used is free of advisories
    hidden: str | None = None
    rule: str = ""  # that hides it
    reason: str = ""  # continues "it …"
    lacking: str | None = None  # the nearest release above it without advisories, which the mirror cannot read offline

    @property
    def exception(self) -> str:
        """Return the value of ``--policy-exception`` that admits exactly the hidden release."""
        return f"{self.name}=={self.hidden} {self.rule}"


def find_fixes(
    pins: Sequence[tuple[str, str]], mirror: Mirror, rules: PolicyRules, knowledge: StoredKnowledge, now: float
) -> list[Fix]:
    """Return a fix for each pin (name, version), in their order."""
    mirror.want_projects([name for name, _ in pins])
    page_filter = PageFilter(rules._replace(advisories=Action.ALLOW), knowledge)
    fixes = []
    for name, version in pins:
        project = mirror.project(name)
        if isinstance(project, FetchFailure):
            fixes.append(Fix(name, version, None))
            continue
        decided = {row.version: row for row in explain(project.view, listed_releases(project), page_filter, now)}
        # A release whose files are not in the mirror cannot be decided here: the search does it.
        rows = [decided.get(release) or Explained(release, 0, 0) for release in project.view.versions]
        advisories = [
            row for row in knowledge.of_project(name) or () if not rules.ignored_advisories & {row.id, *row.aliases}
        ]
        fixes.append(_fix(project, version, rows, advisories, offline=mirror.settings.offline))
    return fixes


def policy_for(rules: PolicyRules, fixes: Sequence[Fix], pinned: Container[str]) -> PolicyRules:
    """Return the rules under which pins without a fix may stay, and all others must be free of advisories.

    A project of ``pinned``, by a line of the user, has no such exception if there is a fix: then its line is what must change.
    """
    left = [fix for fix in fixes if fix.to is None and not (fix.lacking and fix.name in pinned)]
    stay = [Except(fix.name, fix.version, frozenset({Rule.ADVISORIES})) for fix in left]
    return rules._replace(advisories=Action.REFUSE, exceptions=(*rules.exceptions, *stay))


def _fix(
    project: Project,
    version: str,
    rows: Sequence[Explained],
    advisories: Sequence[Advisory],
    *,
    offline: bool,
) -> Fix:
    """Return the nearest release above the pin, else the nearest below it; offline of those with known dependencies."""
    view, own = project.view, version_key(version) or ""
    readable = view.known_releases() if offline else -1
    above, below, hidden, lacking = None, None, None, None
    for release, (key, row) in enumerate(zip(view.keys, rows, strict=True)):
        if key == own or view.prereleases >> release & 1 or _is_yanked(project, release):
            continue
        if any(entry.concerns(row.version) for entry in advisories):
            continue
        if not readable >> release & 1:
            lacking = lacking or (row.version if key > own else None)
        elif row.files and not row.admitted:
            hidden = hidden or (row if key > own else None)
        elif key > own:
            above = row.version
            break
        else:
            below = row.version
    to = above or below
    if hidden is None or to is not None:
        return Fix(view.name, version, to, lacking=lacking if to is None else None)
    return Fix(view.name, version, None, hidden.version, hidden.rule or "", hidden.reason or "", lacking)


def _is_yanked(project: Project, release: int) -> bool:
    view = project.view
    kinds = view.kind_set_of(release)
    return bool(kinds) and all(view.file_kinds[number].yanked for number in kinds)
