"""Minimise a proof: find few facts that contradict each other, and derive a new proof from these alone.

The proof of a search depends on its order of decisions; the user should see the shortest one. So the facts of the proof are
taken alone, dependencies between two packages are merged if that suffices, facts that are not necessary are dropped, and
the rest is refuted again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolver.conflict import Learned, analyse
from pipx_parallel.resolver.ports import ABSENT, Unavailable
from pipx_parallel.resolver.propagate import propagate
from pipx_parallel.resolver.state import SearchState
from pipx_parallel.resolver.terms import Dependency, Derived, Incompatibility, Merged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.resolver.ports import Edge

REFUTE_CONFLICTS = 2_000  # conflicts after which minimising stops
MOST_TRIALS = 300


class _NoSource:
    """A source without facts: the search state has all facts."""

    def prepare(self, packages: Sequence[str]) -> None:
        """Do nothing."""

    def domain(self, package: str) -> int | Unavailable:
        """Return a default."""
        return Unavailable(package)

    def switch_of(self, package: str) -> str | None:
        """Return a default."""
        del package
        return None

    def choose(self, package: str, mask: int) -> int:
        """Return the highest."""
        return mask.bit_length() - 1 if package else 0

    def best(self, package: str, mask: int) -> int:
        """Return the highest."""
        return self.choose(package, mask)

    def newest(self, package: str) -> int:
        """Return a default."""
        del package
        return 0

    def uploaded(self, package: str, bit: int) -> int:
        """Return a default."""
        del package, bit
        return 0

    def later_uploads(self, package: str, bit: int) -> int:
        """Return a default."""
        del package, bit
        return 0

    def has_extra(self, package: str, bit: int, switch: str) -> bool:
        """Return a default."""
        del package, bit, switch
        return True

    def prepare_dependencies(self, package: str, bits: Sequence[int]) -> None:
        """Do nothing."""

    def dependencies(self, package: str, bit: int, switch: str | None = None) -> Sequence[Edge] | Unavailable:
        """Return a default."""
        return Unavailable(f"{package} {bit} {switch}")


def facts_of(proof: Incompatibility) -> list[Incompatibility]:
    """Return the facts of a proof, without duplicates, in breadth-first order."""
    queue = [proof]
    seen = {id(proof)}
    facts: list[Incompatibility] = []
    for clause in queue:  # grows during the loop
        if not isinstance(clause.cause, Derived | Merged):
            facts.append(clause)
            continue
        for part in clause.cause.parts:
            if id(part) not in seen:
                seen.add(id(part))
                queue.append(part)
    return facts


def smallest_proof(proof: Incompatibility, universe: Sequence[int]) -> Incompatibility:
    """Return a proof from few of the facts of ``proof``; ``proof`` itself if the limits do not suffice."""
    groups = _grouped(facts_of(proof))
    merged = [[_merge(group, universe)] if len(group) > 1 else group for group in groups]
    if refute(_flat(merged), universe) is None:
        merged = _merge_where_possible(groups, merged, universe)
    remaining = _spare(merged, universe)
    return refute(_flat(remaining), universe) or proof


def _grouped(facts: Sequence[Incompatibility]) -> list[list[Incompatibility]]:
    """Group the dependencies of one package on one other."""
    groups: dict[object, list[Incompatibility]] = {}
    for fact in facts:
        key: object = id(fact)
        # A release that excludes an extra has this cause too, but does not require a package: its mask lacks "not installed".
        if isinstance(fact.cause, Dependency) and len(fact.packages) > 1 and fact.masks[1] & ABSENT:
            key = tuple(fact.packages)
        groups.setdefault(key, []).append(fact)
    return list(groups.values())


def _merge(group: Sequence[Incompatibility], universe: Sequence[int]) -> Incompatibility:
    """Merge the dependencies of one pair: a release of the union is required."""
    parent, child, *switch = group[0].packages
    bits, refused = 0, universe[child]
    for fact in group:
        bits |= fact.masks[0]
        refused &= fact.masks[1]
    return Incompatibility([parent, child, *switch], [bits, refused, *group[0].masks[2:]], Merged(tuple(group)))


def _merge_where_possible(
    groups: Sequence[list[Incompatibility]], merged: list[list[Incompatibility]], universe: Sequence[int]
) -> list[list[Incompatibility]]:
    current = [list(group) for group in groups]
    for index, group in enumerate(groups):
        if len(group) > 1:
            current[index] = merged[index]
            if refute(_flat(current), universe) is None:
                current[index] = group
    return [[fact] for fact in _flat(current)]


def _spare(groups: list[list[Incompatibility]], universe: Sequence[int]) -> list[list[Incompatibility]]:
    """Drop every group that is not necessary, the last first."""
    remaining = list(groups)
    for group in reversed(groups[-MOST_TRIALS:]):
        rest = [it for it in remaining if it is not group]
        if refute(_flat(rest), universe) is not None:
            remaining = rest
    return remaining


def _flat(groups: Sequence[Sequence[Incompatibility]]) -> list[Incompatibility]:
    return [fact for group in groups for fact in group]


def refute(facts: Sequence[Incompatibility], universe: Sequence[int]) -> Incompatibility | None:
    """Return a proof that ``facts`` contradict each other, or None if they do not, or if the limit is reached."""
    state = SearchState(_NoSource())
    for number, values in enumerate(universe):
        state.add_variable(str(number), values)
    clauses = [_copy(fact, universe) for fact in facts]
    for clause in clauses:
        if not clause.packages:
            return clause
        state.watch(clause)
        state.trail.touch(clause.packages[0])
    while state.conflicts < REFUTE_CONFLICTS:
        conflict = propagate(state)
        if conflict is None:
            if not _split(state, clauses):
                return None
            continue
        state.conflicts += 1
        learned = analyse(state, conflict)
        if not isinstance(learned, Learned):
            return learned
        state.back_to(learned.level)
        state.watch(learned.clause)
        package = learned.clause.packages[0]
        state.narrow(package, state.trail.current[package] & ~learned.clause.masks[0], learned.clause)
    return None


def _copy(fact: Incompatibility, universe: Sequence[int]) -> Incompatibility:
    """Return a fact without terms that always hold; its cause is the fact, so that a proof refers to it."""
    terms = [
        (package, mask & universe[package])
        for package, mask in zip(fact.packages, fact.masks, strict=True)
        if universe[package] & ~mask
    ]
    return Incompatibility([package for package, _ in terms], [mask for _, mask in terms], Derived((fact,)))


def _split(state: SearchState, clauses: Sequence[Incompatibility]) -> bool:
    """Decide a term of the first incompatibility that is open; return False if there is none."""
    current = state.trail.current
    for clause in clauses:
        terms = list(zip(clause.packages, clause.masks, strict=True))
        if all(current[package] & mask for package, mask in terms):
            package, mask = next((package, mask) for package, mask in terms if current[package] & ~mask)
            state.trail.open_level()
            state.narrow(package, current[package] & mask, None)
            return True
    return False
