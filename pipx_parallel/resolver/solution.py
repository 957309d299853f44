"""Read the solution of a finished search: the dependency edges, and why packages are not newer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pipx_parallel.resolver.fact_loader import usable
from pipx_parallel.resolver.outcome import DependencyEdge, Fact, Held, held_down_to, left_by
from pipx_parallel.resolver.ports import ABSENT
from pipx_parallel.resolver.state import NOTHING
from pipx_parallel.resolver.terms import Bound, Dependency, Derived, Inherited, Merged, Required, Unusable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pipx_parallel.resolver.ports import Edge, RootEdge
    from pipx_parallel.resolver.state import SearchState
    from pipx_parallel.resolver.terms import Cause, Incompatibility


def reachable(state: SearchState, roots: Sequence[RootEdge]) -> tuple[dict[str, int], list[DependencyEdge]]:
    """Return the packages that are reachable from the roots, and the edges; breadth first, so direct packages come first."""
    chosen: dict[str, int] = {}
    dependencies: list[DependencyEdge] = []
    queue: list[str] = []

    def take(edge: Edge) -> None:
        number = state.numbers[edge.package]
        mask = state.trail.current[number]
        if mask & (mask - 1) or not mask & edge.mask:
            raise RuntimeError(f"Bug: {edge.package} is settled against {edge.key!r}")
        if edge.package not in chosen:
            put(number)
            if state.base[number] != NOTHING and state.names[state.base[number]] not in chosen:
                put(state.base[number])

    def put(number: int) -> None:
        chosen[state.names[number]] = state.trail.current[number].bit_length() - 1
        queue.append(state.names[number])

    for root in roots:
        if not root.constraint:
            take(root.edge)
    for name in queue:  # grows during the loop
        for dependency in _edges_of(state, name):
            dependencies.append(dependency)
            take(dependency.edge)
    return chosen, dependencies


def _edges_of(state: SearchState, name: str) -> Iterator[DependencyEdge]:
    """Yield the dependencies of a package, or those that a switch adds to its package."""
    number = state.numbers[name]
    base = state.base[number]
    parent, switch = (number, None) if base == NOTHING else (base, name)
    bit = state.trail.current[parent].bit_length() - 1
    for edge in state.dependencies[number][bit]:
        yield DependencyEdge(state.names[parent], switch, edge)


def held_back(state: SearchState, roots: Sequence[RootEdge], chosen: Mapping[str, int]) -> dict[str, Held]:
    """Return for each chosen package that is not at the best of its domain what excludes the best."""
    held: dict[str, Held] = {}
    for name, bit in chosen.items():
        number = state.numbers[name]
        if state.base[number] != NOTHING:
            continue
        best = state.source.best(name, state.universe[number] & ~ABSENT)
        if best != bit:
            explain = partial(_held, state, roots, number, chosen)
            left = partial(_left, state, number)
            held[name] = held_down_to(
                bit, explain(best), usable(state, number), partial(state.source.best, name), explain, left
            )
    return held


def _held(state: SearchState, roots: Sequence[RootEdge], package: int, chosen: Mapping[str, int], best: int) -> Held:
    own = _leaves(_own_dependencies_against(state, package, 1 << best, chosen))
    return Held(best, tuple(_excluders(state, roots, package, best, chosen)), tuple(own))


def _left(state: SearchState, package: int, mask: int, held: Held) -> int:
    """Return the releases of a mask that are not excluded by the facts that exclude another release."""
    name = state.names[package]
    for fact in held.by:
        if isinstance(fact, Dependency) and fact.parent == name:
            return 0  # it is the choice of the other release that decides
        if isinstance(fact, Inherited):
            mask &= (1 << min(edge.mask.bit_length() for edge in fact.dependency.edges)) - 1
        elif isinstance(fact, Unusable):
            mask &= usable(state, package)
        else:
            mask = left_by(fact, name, mask)
    return mask


def _excluders(
    state: SearchState, roots: Sequence[RootEdge], package: int, best: int, chosen: Mapping[str, int]
) -> list[Fact]:
    name, release = state.names[package], 1 << best
    facts: list[Fact] = [
        (Bound if root.constraint else Required)(root.label, root.edge)
        for root in roots
        if root.edge.package == name and not root.edge.mask & release
    ]
    own = _leaves(_own_dependencies_against(state, package, release, chosen))
    others = _leaves(_dependencies_against(state, package, release, chosen))
    if not facts and own and _are_consequences(state, roots, package, others):
        return [fact for fact in own if _is_against_a_line(fact, roots)] or own
    facts += others
    if not facts:
        facts += _bounds_against(state, package, best, chosen)
    if facts:
        return facts
    facts = _leaves([it for it in state.units[package] if it.masks[0] & release and not isinstance(it.cause, Derived)])
    return facts or own or _leaves(_reasons_against(state, package, release))


def _is_against_a_line(fact: Fact, roots: Sequence[RootEdge]) -> bool:
    """Return whether no release satisfies both a dependency and a line of the user."""
    edges = fact.edges if isinstance(fact, Dependency) else ()
    return any(root.edge.package == edge.package and not root.edge.mask & edge.mask for root in roots for edge in edges)


def _are_consequences(state: SearchState, roots: Sequence[RootEdge], package: int, facts: Sequence[Fact]) -> bool:
    """Return whether all facts are dependencies of releases that nothing but the package itself requires."""
    parents = {fact.parent for fact in facts if isinstance(fact, Dependency)}
    if not parents:
        return False
    queue = [root.edge.package for root in roots if not root.constraint]
    seen = set(queue)
    for name in queue:  # grows during the loop
        number = state.numbers[name]
        base = state.base[number]
        if package in {number, base}:
            continue
        required = [dependency.edge.package for dependency in _edges_of(state, name)]
        for other in [*required, *([] if base == NOTHING else [state.names[base]])]:
            if other not in seen:
                seen.add(other)
                queue.append(other)
    return parents.isdisjoint(seen)


def _dependencies_against(
    state: SearchState, package: int, release: int, chosen: Mapping[str, int]
) -> Iterator[Incompatibility]:
    """Yield the dependencies of chosen packages that exclude a release."""
    for table in state.tables_of[package]:
        parent = state.names[table.parent]
        if table.child == package and parent in chosen and _is_active(state, table.switch, chosen):
            row = table.by_bit.get(1 << chosen[parent])
            if row is not None and not row.allowed & release:
                yield row.clause


def _bounds_against(state: SearchState, package: int, best: int, chosen: Mapping[str, int]) -> Iterator[Fact]:
    """Yield the upper bounds that chosen packages inherit and that exclude a release."""
    for table in state.tables_of[package]:
        parent = state.names[table.parent]
        if table.child == package and table.caps and parent in chosen and _is_active(state, table.switch, chosen):
            cap = table.inherited(chosen[parent])
            if cap is not None and best > cap.top:
                yield Inherited(cap.stated_by, cap.dependency)


def _own_dependencies_against(
    state: SearchState, package: int, release: int, chosen: Mapping[str, int]
) -> Iterator[Incompatibility]:
    """Yield the dependencies of a release that the chosen releases do not satisfy."""
    for table in state.tables_of[package]:
        if table.parent == package and _is_active(state, table.switch, chosen):
            row = table.by_bit.get(release)
            child = state.names[table.child]
            if row is not None and child in chosen and not row.allowed & (1 << chosen[child]):
                yield row.clause


def _is_active(state: SearchState, switch: int, chosen: Mapping[str, int]) -> bool:
    return switch == NOTHING or state.names[switch] in chosen


def _reasons_against(state: SearchState, package: int, release: int) -> list[Incompatibility]:
    """Return the incompatibility that excluded the release on the trail."""
    trail = state.trail
    for entry in trail.entries_of[package]:
        reason = trail.reasons[entry]
        if reason is not None and release & trail.before[entry]:
            mask = reason.masks[reason.packages.index(package)]
            if mask & release:
                return [reason]
    return []


def _leaves(clauses: Iterable[Incompatibility]) -> list[Fact]:
    """Return the facts that incompatibilities are derived from, without duplicates, nearest first."""
    queue = list(clauses)
    seen = {id(clause) for clause in queue}
    facts: dict[int, Fact] = {}
    for clause in queue:  # grows during the loop
        cause: Cause = clause.cause
        if isinstance(cause, Derived | Merged):
            for part in cause.parts:
                if id(part) not in seen:
                    seen.add(id(part))
                    queue.append(part)
        elif isinstance(cause, Fact):
            facts[id(cause)] = cause
    return list(facts.values())
