"""Releases that only the whole list can allow: the last resorts of PEP 440 and PEP 592.

A pre-release may be taken where no final release meets *all* that is asked of its project, and a yanked release where
*something* pins it. Neither can be said of one requirement alone, so a first search excludes them, each requirement
considered by itself. Where that finds no answer, a second one admits them all, and an answer counts only if each that it holds
is allowed by the requirements of that very answer; one that is not is refused by name, and the search repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.records.version_keys import compile_specifier
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.package_keys import is_extra
from pipx_parallel.resolution.wording import written
from pipx_parallel.resolver.masks import bits_of, mask_of, release_of
from pipx_parallel.resolver.solver import Impossible
from pipx_parallel.resolver.unsat_core import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mirror.records.model import CompiledSpecifier, Dependency
    from pipx_parallel.resolution.candidates import Candidates
    from pipx_parallel.resolver.solver import Solution

MOST_ROUNDS = 16


def search_again(
    candidates: Candidates,
    impossible: Impossible,
    asked: Iterable[Dependency],
    search: Callable[[Candidates], tuple[Solution | Impossible, Candidates]],
) -> tuple[Solution, Candidates] | None:
    """Return an answer with last resorts, and the candidates it was chosen from; None if there is none either.

    ``asked`` is what the user asks for and bounds; ``search`` solves anew with the candidates it is given.
    """
    if not any(
        impossible.names[package] in candidates.admissions.withheld
        for fact in facts_of(impossible.proof)
        for package in fact.packages
    ):
        return None
    asked = list(asked)
    refused: dict[str, int] = {}
    for _ in range(MOST_ROUNDS):
        answer, admitting = search(candidates.in_mode(candidates.mode._replace(refused=refused)))
        if isinstance(answer, Impossible):
            break
        wrong = _not_allowed(answer, admitting, asked)
        if not wrong:
            return answer, admitting
        refused = refused.copy()
        for name, bit in wrong:
            refused[name] = refused.get(name, 0) | 1 << bit
    return None


def _not_allowed(answer: Solution, candidates: Candidates, asked: list[Dependency]) -> list[tuple[str, int]]:
    """Return the releases of an answer that nothing in it allows."""
    specifiers: dict[str, list[CompiledSpecifier]] = {}
    for dependency in asked:
        specifiers.setdefault(dependency.name, []).append(dependency.specifier)
    for need in answer.needs:
        name, text = written(need.edge)
        specifiers.setdefault(name, []).append(compile_specifier(text))
    wrong = []
    for name, bit in answer.chosen.items():
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
    if withheld and not any(one.pins for one in specifiers):
        return False
    if candidate.finals >> bit & 1 or candidates.policy.takes_prereleases(view.name):
        return True
    if any(one.prereleases for one in specifiers):
        return True
    finals = candidate.finals & candidate.usable & ~candidate.yanked & ~candidate.later
    for one in specifiers:
        finals &= mask_of(view.keys, one.intervals)
    return not any(candidate.file_kind_of(release_of(final)) is not None for final in bits_of(finals))
