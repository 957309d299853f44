"""A policy's decisions on the releases of a project, release by release, for people and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.policy.page_filter import ListedRelease
from mirror.records.listing_views import day_of
from mirror.records.wheel_variants import NOT_INSTALLABLE, is_variant, is_variants_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirror.policy.page_filter import PageFilter
    from mirror.records.project import Project
    from mirror.records.release_view import ReleaseView


class Explained(NamedTuple):
    """The decision on a release. ``rule`` and ``reason`` are of its first refused file, or of what an exception admits."""

    version: str
    files: int
    refused: int
    rule: str | None = None
    reason: str | None = None
    until: str | None = None  # the last day of the exception that admits it
    excepted: bool = False
    only_variants: bool = False  # no file but wheel variants (PEP 825)
    dated: str | None = None  # the source of its upload time, if its index states none and a rule reads it

    @property
    def admitted(self) -> bool:
        """Return whether any file of the release is admitted."""
        return self.files > self.refused

    @property
    def words(self) -> str:
        """Return the decision as a line."""
        rest = [f"it {self.dated}"] if self.dated and self.admitted else []
        rest += [f"it {NOT_INSTALLABLE}"] if self.only_variants else []
        return "; ".join([self._decision, *rest])

    @property
    def _decision(self) -> str:
        if not self.files:
            return "its files are not in the mirror"
        if self.refused:
            part = "" if self.refused == self.files else f"{self.refused} of {self.files} files "
            return f"{part}refused by {self.rule}: it {self.reason}"
        if self.excepted:
            end = f" until {self.until}" if self.until else ""
            return f"admitted by an exception from {self.rule}{end}: it {self.reason}"
        return "admitted"


def explain(
    view: ReleaseView, releases: Sequence[ListedRelease], page_filter: PageFilter, now: float
) -> list[Explained]:
    """Return the decisions on the releases of a project, newest first."""
    decisions = page_filter.decide(view, releases, now).decisions
    rows = []
    for release in reversed(releases):
        made = [decisions[entry["filename"]] for entry in release.entries]
        refused = [decision for decision in made if not decision.admitted]
        only = bool(made) and all(is_variant(name) or is_variants_json(name) for name in _names(release))
        dated = _dated(page_filter, view.name, release)
        shown = next(iter(refused), next((decision for decision in made if decision.exception), None))
        if shown is None or shown.rule is None:
            rows.append(Explained(release.version, len(made), 0, only_variants=only, dated=dated))
            continue
        until = shown.exception.until if shown.exception is not None else None
        rows.append(
            Explained(
                release.version,
                len(made),
                len(refused),
                shown.rule.value,
                shown.reason,
                None if until is None else day_of(until - 1),
                excepted=shown.exception is not None,
                only_variants=only,
                dated=dated,
            )
        )
    return rows


def _dated(page_filter: PageFilter, name: str, release: ListedRelease) -> str | None:
    """Return when a release was uploaded and who says so, if a rule reads that and its index does not state it."""
    if not page_filter.rules.reads_times:
        return None
    for entry in release.entries:
        facts = page_filter.file_facts(name, release.version, entry)
        if facts.known is not None:
            return f"{facts.known.event} on {day_of(facts.uploaded)}{facts.known.source}, and its index states no upload time"
    return None


def _names(release: ListedRelease) -> list[str]:
    return [str(entry["filename"]) for entry in release.entries]


def listed_releases(project: Project) -> list[ListedRelease]:
    """Return the releases of a project whose files are held, oldest first, each with its file objects."""
    rows = zip(project.view.versions, project.kept_slices(), strict=True)
    return [
        ListedRelease(version, project.index_of(release), json.loads(data))
        for release, (version, data) in enumerate(rows)
        if data is not None
    ]
