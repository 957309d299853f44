"""The fewest projects with several releases: search all targets at once, and part only projects that a proof names.

Without a solution, the proof names the projects whose sharing contradicts the requirements: at least one of them has several
releases in every lock. The next search parts a smallest set of projects that has one of each such proof, and so on until there
is a solution: no lock parts fewer projects. This is exact within the limits below, for the targets that are searched.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from pipx_parallel.resolution.candidate import Candidate
from pipx_parallel.resolution.joint_source import JointSource, target_of
from pipx_parallel.resolution.package_keys import base_of
from pipx_parallel.resolver.masks import release_of
from pipx_parallel.resolver.outcome import Impossible, LimitReachedError, SolverLimits
from pipx_parallel.resolver.solver import solve
from pipx_parallel.resolver.terms import Bound, Required
from pipx_parallel.resolver.unsat_core import facts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipx_parallel.resolution.target_search import TargetSearch

MOST_SEARCHES = 24
MOST_SETS = 20_000  # of projects, looked at for the next search
_LIMITS = SolverLimits(conflicts=5_000, improve=200)


class JointAnswer(NamedTuple):
    """The versions of each target, or None. ``proved``: no answer parts fewer projects (None: fewer than asked)."""

    versions: Sequence[Mapping[str, str]] | None
    proved: bool


def search_jointly(searches: Sequence[TargetSearch], fewer_than: int) -> JointAnswer:
    """Return an answer for these targets in which as few projects as possible, and fewer than given, have several releases."""
    cores: list[frozenset[str]] = []
    for _ in range(MOST_SEARCHES):
        try:
            apart = smallest(cores, fewer_than)
            if apart is None:
                return JointAnswer(None, proved=True)
            outcome = _solved(searches, apart)
        except LimitReachedError:
            break
        if not isinstance(outcome, Impossible):
            return JointAnswer(outcome, proved=True)
        core = _shared_in(outcome) - apart
        if not core:
            break
        cores.append(core)
    return JointAnswer(None, proved=False)


def _solved(searches: Sequence[TargetSearch], apart: frozenset[str]) -> Sequence[Mapping[str, str]] | Impossible:
    rows = [search.fresh() for search in searches]
    source = JointSource([candidates for candidates, _ in rows], apart)
    outcome = solve(source, source.roots([edges for _, edges in rows]), None, _LIMITS)
    if isinstance(outcome, Impossible):
        return outcome
    answers = []
    for number, (candidates, _) in enumerate(rows):
        bits = source.bits_of(dict(outcome.chosen), number)
        chosen = {name: candidates.candidate(name) for name in bits}
        answers.append({
            name: candidate.project.view.versions[release_of(bits[name])]
            for name, candidate in chosen.items() if isinstance(candidate, Candidate)
        })  # fmt: skip
    return answers


def _shared_in(impossible: Impossible) -> frozenset[str]:
    """Return the projects that a proof is about for several targets: no other need several releases because of it."""
    targets: dict[str, set[int]] = {}
    for fact in facts_of(impossible.proof):
        keys = [impossible.names[package] for package in fact.packages]
        numbers = {number for _, number in map(target_of, keys) if number is not None}
        if isinstance(fact.cause, Required | Bound):
            numbers.add(int(str(fact.cause.label)))
        for key in keys:
            targets.setdefault(base_of(target_of(key)[0]), set()).update(numbers)
    return frozenset(name for name, numbers in targets.items() if len(numbers) > 1)


def smallest(cores: Sequence[frozenset[str]], fewer_than: int) -> frozenset[str] | None:
    """Return a smallest set of projects with one of each core; None if there is none with fewer than given.

    Raises ``LimitReachedError``.
    """
    for names in _sets(sorted({name for core in cores for name in core}), fewer_than):
        if all(core & names for core in cores):
            return names
    return None


def _sets(names: Sequence[str], fewer_than: int) -> Iterator[frozenset[str]]:
    """Yield sets of names, the smallest first. Raises ``LimitReachedError``."""
    left = MOST_SETS
    for count in range(min(fewer_than, len(names) + 1)):
        for chosen in combinations(names, count):
            left -= 1
            if left < 0:
                raise LimitReachedError(f"no solution among {MOST_SETS} sets of projects")
            yield frozenset(chosen)
