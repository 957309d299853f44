"""Cut a proof down: the fewest facts that already contradict each other, and a fresh proof from those alone.

The search proves impossibility along the way it happened to go. What the user needs is the shortest honest argument. So the
facts at the bottom of the proof are taken by themselves, needs between two packages are read together where that suffices,
every fact that can be spared is dropped, and what remains is refuted anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolver.conflict import Learned, analyse
from pipx_parallel.resolver.ports import ABSENT, Unavailable
from pipx_parallel.resolver.propagate import propagate
from pipx_parallel.resolver.state import SearchState
from pipx_parallel.resolver.terms import Derived, Incompatibility, Merged, Needs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.resolver.ports import Edge

REFUTE_CONFLICTS = 2_000  # a core that takes more is not worth cutting down
MOST_TRIALS = 300


class _NoSource:
    """The source of a closed world: every fact is there already."""

    def prepare(self, packages: Sequence[str]) -> None:
        """Do nothing."""

    def domain(self, package: str) -> int | Unavailable:
        """Know nothing."""
        return Unavailable(package)

    def switch_of(self, package: str) -> str | None:
        """Know nothing."""
        del package
        return None

    def choose(self, package: str, mask: int) -> int:
        """Take the highest."""
        return mask.bit_length() - 1 if package else 0

    def best(self, package: str, mask: int) -> int:
        """Take the highest."""
        return self.choose(package, mask)

    def newest(self, package: str) -> int:
        """Know nothing."""
        del package
        return 0

    def uploaded(self, package: str, bit: int) -> int:
        """Know nothing."""
        del package, bit
        return 0

    def has_extra(self, package: str, bit: int, switch: str) -> bool:
        """Know nothing."""
        del package, bit, switch
        return True

    def prepare_dependencies(self, package: str, bits: Sequence[int]) -> None:
        """Do nothing."""

    def dependencies(self, package: str, bit: int, switch: str | None = None) -> Sequence[Edge] | Unavailable:
        """Know nothing."""
        return Unavailable(f"{package} {bit} {switch}")


def facts_of(proof: Incompatibility) -> list[Incompatibility]:
    """Return the incompatibilities at the bottom of a proof, each once, in the order of a breadth-first walk."""
    queue = [proof]
    seen = {id(proof)}
    facts: list[Incompatibility] = []
    for clause in queue:  # grows while it is read
        if not isinstance(clause.cause, Derived | Merged):
            facts.append(clause)
            continue
        for part in clause.cause.parts:
            if id(part) not in seen:
                seen.add(id(part))
                queue.append(part)
    return facts


def smallest_proof(proof: Incompatibility, universe: Sequence[int]) -> Incompatibility:
    """Return a proof from as few of the facts of ``proof`` as can be found; ``proof`` itself if none is found in time."""
    groups = _grouped(facts_of(proof))
    merged = [[_merge(group, universe)] if len(group) > 1 else group for group in groups]
    if refute(_flat(merged), universe) is None:
        merged = _merge_where_possible(groups, merged, universe)
    kept = _spare(merged, universe)
    return refute(_flat(kept), universe) or proof


def _grouped(facts: Sequence[Incompatibility]) -> list[list[Incompatibility]]:
    """Put the needs of one package on one other side by side."""
    groups: dict[object, list[Incompatibility]] = {}
    for fact in facts:
        key: object = id(fact)
        # A release that rules an extra out is a need too, but not of the second package: its term lacks "not installed".
        if isinstance(fact.cause, Needs) and len(fact.packages) > 1 and fact.masks[1] & ABSENT:
            key = tuple(fact.packages)
        groups.setdefault(key, []).append(fact)
    return list(groups.values())


def _merge(group: Sequence[Incompatibility], universe: Sequence[int]) -> Incompatibility:
    """Read needs of one pair together: some release of the union is needed."""
    parent, child, *switch = group[0].packages
    bits, refused = 0, universe[child]
    for fact in group:
        bits |= fact.masks[0]
        refused &= fact.masks[1]
    return Incompatibility([parent, child, *switch], [bits, refused, *group[0].masks[2:]], Merged(tuple(group)))


def _merge_where_possible(
    groups: Sequence[list[Incompatibility]], merged: list[list[Incompatibility]], universe: Sequence[int]
) -> list[list[Incompatibility]]:
    kept = [list(group) for group in groups]
    for at, group in enumerate(groups):
        if len(group) > 1:
            kept[at] = merged[at]
            if refute(_flat(kept), universe) is None:
                kept[at] = group
    return [[fact] for fact in _flat(kept)]


def _spare(groups: list[list[Incompatibility]], universe: Sequence[int]) -> list[list[Incompatibility]]:
    """Drop every group that the others do without, the last found first."""
    kept = list(groups)
    for group in reversed(groups[-MOST_TRIALS:]):
        rest = [it for it in kept if it is not group]
        if refute(_flat(rest), universe) is not None:
            kept = rest
    return kept


def _flat(groups: Sequence[Sequence[Incompatibility]]) -> list[Incompatibility]:
    return [fact for group in groups for fact in group]


def refute(facts: Sequence[Incompatibility], universe: Sequence[int]) -> Incompatibility | None:
    """Return a proof that ``facts`` contradict each other, or None if they do not (or it takes too long to see)."""
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
    """Return a fact without terms that always hold; its cause is the fact, so that a proof leads back to it."""
    terms = [
        (package, mask & universe[package])
        for package, mask in zip(fact.packages, fact.masks, strict=True)
        if universe[package] & ~mask
    ]
    return Incompatibility([package for package, _ in terms], [mask for _, mask in terms], Derived((fact,)))


def _split(state: SearchState, clauses: Sequence[Incompatibility]) -> bool:
    """Decide a term of the first incompatibility that is open; False if none is."""
    current = state.trail.current
    for clause in clauses:
        terms = list(zip(clause.packages, clause.masks, strict=True))
        if all(current[package] & mask for package, mask in terms):
            package, mask = next((package, mask) for package, mask in terms if current[package] & ~mask)
            state.trail.open_level()
            state.narrow(package, current[package] & mask, None)
            return True
    return False
