"""Load dependencies from the source into the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolver.dependency_table import NO_SWITCH, OFF, ON, Cap
from pipx_parallel.resolver.ports import ABSENT, Unavailable
from pipx_parallel.resolver.soft_constraints import lacks_extra
from pipx_parallel.resolver.terms import Bound, Dependency, Incompatibility, Required, Unusable

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from pipx_parallel.resolver.ports import Edge, RootEdge
    from pipx_parallel.resolver.state import SearchState


MOST_UNUSABLE = 64  # unusable releases that are skipped to find the newest usable one


def add_roots(state: SearchState, roots: Sequence[RootEdge]) -> None:
    """Add the root requirements and constraints. Packages are decided in the order of the requirements."""
    wanted = [root.edge.package for root in roots if not root.constraint]
    bound = [root.edge.package for root in roots if root.constraint]
    add_packages(state, wanted)
    set_direct(state, [state.numbers[name] for name in wanted])
    add_packages(state, bound)
    for root in roots:
        _bind(state, root)


def _bind(state: SearchState, root: RootEdge) -> None:
    """Exclude what a root requirement or a constraint does not allow; its package is known."""
    number = state.numbers[root.edge.package]
    allowed = root.edge.mask | (ABSENT if root.constraint else 0)
    cause = Bound(root.label, root.edge) if root.constraint else Required(root.label, root.edge)
    state.roots.append(root)
    out = state.universe[number] & ~allowed
    if out:
        state.units[number].append(Incompatibility([number], [out], cause))
        state.refresh(number)


def load_newest(state: SearchState) -> None:
    """Load the dependencies of the best allowed release of each direct package, so that its upper bounds are always known.

    The packages that the requested extras add there become direct packages.
    """
    best: dict[int, int] = {}
    for package in state.direct:
        if state.base[package] < 0 and (mask := allowed(state, package)):
            best[package] = state.source.choose(state.names[package], mask)
            state.source.prepare_dependencies(state.names[package], [best[package]])
    for package, bit in best.items():
        best[package] = _load_newest_usable(state, package, bit)
    switches = [it for it in state.direct if state.base[it] in best]
    brought = [*_brought_in(state, switches, best)]
    state.brought = frozenset(brought).difference(state.direct)
    set_direct(state, [*state.direct, *brought])


def _load_newest_usable(state: SearchState, package: int, bit: int) -> int:
    """Load the dependencies of a release; while it is unusable, those of the next best. Return the last one loaded."""
    for _ in range(MOST_UNUSABLE):
        if bit not in state.dependencies[package]:
            load_dependencies(state, package, [bit])
        rest = usable(state, package)
        if not rest >> bit & 1 and rest:
            bit = state.source.choose(state.names[package], rest)
        else:
            break
    return bit


def _brought_in(state: SearchState, switches: Iterable[int], best: Mapping[int, int]) -> Iterable[int]:
    """Load what the requested extras add to the best releases of their packages; return the packages that they add."""
    brought: dict[int, None] = {}
    queue = list(switches)
    for switch in queue:  # grows during the loop
        base = state.base[switch]
        name, bit = state.names[base], best[base]
        if isinstance(state.source.dependencies(name, bit), Unavailable):
            continue
        if switch in state.direct and state.source.has_extra(name, bit, state.names[switch]):
            state.wanted_extras.add(switch)
        if bit not in state.dependencies[switch]:
            load_dependencies(state, base, [bit], switch)
        for edge in state.dependencies[switch][bit]:
            number = state.numbers[edge.package]
            if state.base[number] < 0:
                brought[number] = None
            elif state.base[number] == base and number not in queue:
                queue.append(number)
    return brought


def allowed(state: SearchState, package: int) -> int:
    """Return the releases of a package that the root requirements and constraints allow."""
    out = 0
    for unit in state.units[package]:
        if isinstance(unit.cause, Required | Bound):
            out |= unit.masks[0]
    return state.universe[package] & ~ABSENT & ~out


def usable(state: SearchState, package: int) -> int:
    """Return the allowed releases without those that are known to be unusable."""
    out = 0
    for unit in state.units[package]:
        if isinstance(unit.cause, Unusable):
            out |= unit.masks[0]
    return allowed(state, package) & ~out


def set_direct(state: SearchState, packages: Iterable[int]) -> None:
    """Set the direct packages, which are decided first, in this order."""
    state.direct = list(dict.fromkeys(packages))
    own = set(state.direct)
    state.decision_queue = state.direct + [number for number in state.decision_queue if number not in own]
    for index, number in enumerate(state.decision_queue):
        state.queue_index[number] = index


def add_packages(state: SearchState, names: Iterable[str]) -> None:
    """Assign numbers to the new packages among ``names``; announce them to the source in bulk."""
    new = [name for name in dict.fromkeys(names) if name not in state.numbers]
    if not new:
        return
    switch_of = state.source.switch_of
    ordinary = [name for name in (switch_of(name) or name for name in new) if name not in state.numbers]
    if ordinary:
        state.source.prepare(list(dict.fromkeys(ordinary)))
    for name in new:
        state.intern(name)
    for name in dict.fromkeys(ordinary):
        for bound in state.bounds_of(name):
            _bind(state, bound)


def load_dependencies(state: SearchState, package: int, bits: Sequence[int], switch: int = NO_SWITCH) -> None:
    """Load the dependencies of these releases (with ``switch``: what that extra adds) into the tables."""
    name = state.names[package]
    if len(bits) > 1:
        state.source.prepare_dependencies(name, bits)
    loaded = state.dependencies[package if switch == NO_SWITCH else switch]
    state.reads += len(bits)
    for bit in bits:
        state.observer.asks(name)
        if switch == NO_SWITCH:
            edges = state.source.dependencies(name, bit)
        else:
            edges = state.source.dependencies(name, bit, switch=state.names[switch])
        if isinstance(edges, Unavailable):
            loaded[bit] = ()
            _rule_out(state, package, 1 << bit, switch, Unusable(name, _name(state, switch), edges.reason))
            continue
        loaded[bit] = edges
        if switch in state.wanted_extras and not state.source.has_extra(name, bit, state.names[switch]):
            lacks_extra(state, package, 1 << bit, switch)
        add_packages(state, [edge.package for edge in edges])
        for child_edges in _by_child(edges):
            _add_dependency(state, package, 1 << bit, switch, child_edges)
    state.refresh(package)


def _by_child(edges: Sequence[Edge]) -> Iterable[tuple[Edge, ...]]:
    """Group edges by package: several edges to one package act as one."""
    groups: dict[str, tuple[Edge, ...]] = {}
    for edge in edges:
        seen = groups.get(edge.package)
        groups[edge.package] = (edge,) if seen is None else (*seen, edge)
    return groups.values()


def _add_dependency(state: SearchState, parent: int, release: int, switch: int, edges: tuple[Edge, ...]) -> None:
    child = state.numbers[edges[0].package]
    mask = edges[0].mask
    key: Hashable = edges[0].key
    if len(edges) > 1:
        for edge in edges:
            mask &= edge.mask
        key = tuple(edge.key for edge in edges)
    if child in (parent, switch):
        # A release (or extra) that requires itself: always satisfied, or the release is unusable.
        if not mask & (release if child == parent else ON):
            _rule_out(state, parent, release, switch, Dependency(state.names[parent], _name(state, switch), edges))
        return
    table = state.table(parent, child, switch)
    row = table.by_key.get(key)
    if row is None:
        table.add_row(release, mask, key, Dependency(state.names[parent], _name(state, switch), edges))
    else:
        table.widen(row, release)
    top = mask.bit_length() - 1
    if 0 < top < state.newest[child]:
        cause = table.by_bit[release].clause.cause
        if isinstance(cause, Dependency):
            stated_by = release.bit_length() - 1
            table.add_cap(Cap(stated_by, top, cause, state.source.later_uploads(state.names[parent], stated_by)))
            state.capped[table] = None


def _rule_out(state: SearchState, package: int, release: int, switch: int, cause: Dependency | Unusable) -> None:
    """Exclude a release, or its use with an extra. Equal causes share one incompatibility."""
    if switch == NO_SWITCH:
        state.add_unit(package, release, cause)
    else:
        state.table(package, switch, switch).add_row(release, OFF, cause, cause)
        state.refresh(package)


def _name(state: SearchState, switch: int) -> str | None:
    return None if switch == NO_SWITCH else state.names[switch]
