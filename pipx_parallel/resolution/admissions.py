"""Compute the releases that a specifier admits; pre-releases and yanked releases are withheld if there are others.

Releases that only a later index has are withheld like yanked releases: only a pin admits them.

Withheld releases are recorded, so that a search without a solution can be repeated with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.records.model import FetchFailure
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolver.masks import bit_of, mask_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mirror.records.model import CompiledSpecifier
    from pipx_parallel.resolution.target_facts import TargetFacts


class Admissions:
    """The masks of specifiers, cached."""

    def __init__(self, facts: TargetFacts, refused: Mapping[str, int] | None) -> None:
        """Withhold pre-releases and yanked releases, or with ``refused`` only these releases (a mask per project)."""
        self.withheld: set[str] = set()  # projects with withheld pre-releases or yanked releases
        self.refused = refused
        self._candidate = facts.candidate
        self._policy = facts.policy
        self._pinned = facts.pinned
        self._masks: dict[tuple[str, str], int] = {}

    def admitted(self, name: str, specifier: CompiledSpecifier) -> int:
        """Return the releases that a specifier admits; yanked releases only if it or the user pins them (PEP 592)."""
        key = (name, specifier.text)
        mask = self._masks.get(key)
        if mask is None:
            mask = self._masks[key] = self._admitted(name, specifier)
        return mask

    def withholds_yanked(self, candidate: Candidate, name: str, bit: int) -> bool:
        """Return whether a release, only now known to be yanked, is withheld; record it if so."""
        if self.refused is not None or (candidate.yanked | self.pinned_among(name, 1 << bit)) >> bit & 1:
            return False
        self.withheld.add(name)
        return True

    def _admitted(self, name: str, specifier: CompiledSpecifier) -> int:
        candidate = self._candidate(name)
        if isinstance(candidate, FetchFailure):
            return 0
        view = candidate.project.view
        mask = mask_of(view.keys, specifier.intervals)
        if specifier.literal is not None:  # PEP 440, arbitrary equality: compare the text
            wanted = specifier.literal.lower()
            mask &= sum(
                [1 << bit_of(index) for index, version in enumerate(view.versions) if version.lower() == wanted]
            )
        if self.refused is not None:
            return mask & ~self.refused.get(name, 0)
        before = mask
        withheld = candidate.yanked | candidate.later
        if withheld and not specifier.pins:
            mask &= ~withheld | self.pinned_among(name, withheld)
        if view.prereleases and not specifier.prereleases and not self._policy.takes_prereleases(name):
            finals = candidate.finals | self.pinned_among(name, ~candidate.finals)
            mask = mask & finals if mask & finals & candidate.usable else mask
        if (mask ^ before) & candidate.usable:  # one that cannot be installed matters to no search
            self.withheld.add(name)
        return mask

    def pinned_among(self, name: str, withheld: int) -> int:
        """Return the releases of a mask that a line of the user or an existing lock pins."""
        candidate = self._candidate(name)
        allowed = 0
        if isinstance(candidate, Candidate):
            for specifier in self._pinned.get(name, ()):
                allowed |= mask_of(candidate.project.view.keys, specifier.intervals)
        return allowed & withheld
