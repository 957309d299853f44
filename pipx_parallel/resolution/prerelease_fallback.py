"""Search with pre-releases and yanked releases if there is no solution without them (PEP 440, PEP 592).

A pre-release is allowed if no final release satisfies *all* requirements on its project, and a yanked release if *one*
requirement pins it. Neither can be decided from one requirement, so the first search excludes them for each requirement
separately. If it has no solution, a second search admits them all. A solution is valid only if its own requirements allow each
of its pre-releases and yanked releases; those that are not allowed are excluded, and the search is repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.records.version_keys import compile_specifier
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.package_keys import is_extra
from pipx_parallel.resolution.wording import written
from pipx_parallel.resolver.masks import bits_of, mask_of, release_of
from pipx_parallel.resolver.outcome import Impossible
from pipx_parallel.resolver.unsat_core import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mirror.records.model import CompiledSpecifier, Dependency
    from pipx_parallel.resolution.candidates import Candidates
    from pipx_parallel.resolver.outcome import Solution

MOST_ROUNDS = 16


def search_again(
    candidates: Candidates,
    impossible: Impossible,
    asked: Iterable[Dependency],
    search: Callable[[Candidates], tuple[Solution | Impossible, Candidates]],
    refutes: Callable[[Candidates, Impossible], Impossible | None],
) -> tuple[Solution, Candidates] | None:
    """Return a solution with withheld releases, and its candidates; None if there is none.

    ``asked`` are the user's requirements and constraints; ``search`` solves with the given candidates; ``refutes`` looks for a
    quick proof that they have no solution.
    """
    if not any(
        impossible.names[package] in candidates.admissions.withheld
        for fact in facts_of(impossible.proof)
        for package in fact.packages
    ):
        return None
    asked = list(asked)
    refused: dict[str, int] = {}
    if refutes(candidates.in_mode(candidates.mode._replace(refused=refused)), impossible) is not None:
        return None
    for _ in range(MOST_ROUNDS):
        solution, admitting = search(candidates.in_mode(candidates.mode._replace(refused=refused)))
        if isinstance(solution, Impossible):
            break
        wrong = _not_allowed(solution, admitting, asked)
        if not wrong:
            return solution, admitting
        refused = refused.copy()
        for name, bit in wrong:
            refused[name] = refused.get(name, 0) | 1 << bit
    return None


def _not_allowed(solution: Solution, candidates: Candidates, asked: list[Dependency]) -> list[tuple[str, int]]:
    """Return the releases of a solution that its own requirements do not allow."""
    specifiers: dict[str, list[CompiledSpecifier]] = {}
    for dependency in asked:
        specifiers.setdefault(dependency.name, []).append(dependency.specifier)
    for need in solution.dependencies:
        name, text = written(need.edge)
        specifiers.setdefault(name, []).append(compile_specifier(text))
    wrong = []
    for name, bit in solution.chosen.items():
        candidate = candidates.candidate(name) if not is_extra(name) else None
        if isinstance(candidate, Candidate) and not _allowed(candidates, candidate, bit, specifiers.get(name, [])):
            wrong.append((name, bit))
    return wrong


def _allowed(candidates: Candidates, candidate: Candidate, bit: int, specifiers: list[CompiledSpecifier]) -> bool:
    view = candidate.project.view
    file_kind = candidate.file_kind_of(release_of(bit))
    if candidates.admissions.pinned_among(view.name, 1 << bit):
        return True
    withheld = candidate.later >> bit & 1 or (file_kind is not None and view.file_kinds[file_kind].yanked)
    if withheld and not any(specifier.pins for specifier in specifiers):
        return False
    if candidate.finals >> bit & 1 or candidates.policy.takes_prereleases(view.name):
        return True
    if any(specifier.prereleases for specifier in specifiers):
        return True
    finals = candidate.finals & candidate.usable & ~candidate.yanked & ~candidate.later
    for specifier in specifiers:
        finals &= mask_of(view.keys, specifier.intervals)
    return not any(candidate.file_kind_of(release_of(final)) is not None for final in bits_of(finals))
