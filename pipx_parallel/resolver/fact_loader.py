"""Ask the source and turn its answers into tables: the one place where the search learns something from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.resolver.dependency_table import NO_SWITCH, OFF, ON, Cap
from pipx_parallel.resolver.ports import ABSENT, Edge, Unavailable
from pipx_parallel.resolver.soft_constraints import lacks_extra
from pipx_parallel.resolver.terms import Bound, Incompatibility, Needs, Required, Unusable

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from pipx_parallel.resolver.state import SearchState


MOST_UNUSABLE = 64  # releases that are passed over to find the newest one


class RootEdge(NamedTuple):
    """One thing the user asks for.

    ``label`` is the caller's word for where it was written; it comes back unchanged in explanations. With ``constraint`` the
    package need not be installed, but if it is, its value lies in ``edge.mask``.
    """

    edge: Edge
    label: Hashable
    constraint: bool = False


def add_roots(state: SearchState, roots: Sequence[RootEdge]) -> None:
    """Take what the user asks for. The order of the requirements is the order in which packages are decided."""
    wanted = [root.edge.package for root in roots if not root.constraint]
    bound = [root.edge.package for root in roots if root.constraint]
    meet(state, wanted)
    set_direct(state, [state.numbers[name] for name in wanted])
    meet(state, bound)
    for root in roots:
        number = state.numbers[root.edge.package]
        allowed = root.edge.mask | (ABSENT if root.constraint else 0)
        cause = Bound(root.label, root.edge) if root.constraint else Required(root.label, root.edge)
        out = state.universe[number] & ~allowed
        if out:
            state.units[number].append(Incompatibility([number], [out], cause))
            state.refresh(number)


def learn_newest(state: SearchState) -> None:
    """Learn what the best allowed release of each package of the user needs, so that its bounds are known whatever happens.

    The packages that the user's extras bring in there count as the user's from then on.
    """
    best: dict[int, int] = {}
    for package in state.direct:
        if state.base[package] < 0 and (mask := allowed(state, package)):
            best[package] = state.source.choose(state.names[package], mask)
            state.source.prepare_dependencies(state.names[package], [best[package]])
    for package, bit in best.items():
        best[package] = _learn_newest_usable(state, package, bit)
    switches = [it for it in state.direct if state.base[it] in best]
    set_direct(state, [*state.direct, *_brought_in(state, switches, best)])


def _learn_newest_usable(state: SearchState, package: int, bit: int) -> int:
    """Learn what a release needs, and as long as it turns out that it cannot be used, the next; return the last."""
    for _ in range(MOST_UNUSABLE):
        if bit not in state.needs[package]:
            learn_needs(state, package, [bit])
        rest = usable(state, package)
        if not rest >> bit & 1 and rest:
            bit = state.source.choose(state.names[package], rest)
        else:
            break
    return bit


def _brought_in(state: SearchState, switches: Iterable[int], best: Mapping[int, int]) -> Iterable[int]:
    """Learn what the user's extras add to the best releases of their packages; return the packages that they bring in."""
    brought: dict[int, None] = {}
    queue = list(switches)
    for switch in queue:  # grows while it is read
        base = state.base[switch]
        name, bit = state.names[base], best[base]
        if isinstance(state.source.dependencies(name, bit), Unavailable):
            continue
        if switch in state.direct and state.source.has_extra(name, bit, state.names[switch]):
            state.wanted_extras.add(switch)
        if bit not in state.needs[switch]:
            learn_needs(state, base, [bit], switch)
        for edge in state.needs[switch][bit]:
            number = state.numbers[edge.package]
            if state.base[number] < 0:
                brought[number] = None
            elif state.base[number] == base and number not in queue:
                queue.append(number)
    return brought


def allowed(state: SearchState, package: int) -> int:
    """Return the releases of a package that the user's own lines allow."""
    out = 0
    for unit in state.units[package]:
        if isinstance(unit.cause, Required | Bound):
            out |= unit.masks[0]
    return state.universe[package] & ~ABSENT & ~out


def usable(state: SearchState, package: int) -> int:
    """Return the releases that the user's own lines allow, without those of which it is known that they cannot be used."""
    out = 0
    for unit in state.units[package]:
        if isinstance(unit.cause, Unusable):
            out |= unit.masks[0]
    return allowed(state, package) & ~out


def set_direct(state: SearchState, packages: Iterable[int]) -> None:
    """Say which packages are the user's: they are decided first, in this order."""
    state.direct = list(dict.fromkeys(packages))
    own = set(state.direct)
    state.decision_queue = state.direct + [number for number in state.decision_queue if number not in own]
    for place, number in enumerate(state.decision_queue):
        state.place[number] = place


def meet(state: SearchState, names: Iterable[str]) -> None:
    """Give numbers to the packages among ``names`` that are new, asking for their domains in bulk."""
    new = [name for name in dict.fromkeys(names) if name not in state.numbers]
    if not new:
        return
    switch_of = state.source.switch_of
    ordinary = [name for name in (switch_of(name) or name for name in new) if name not in state.numbers]
    if ordinary:
        state.source.prepare(list(dict.fromkeys(ordinary)))
    for name in new:
        state.intern(name)


def learn_needs(state: SearchState, package: int, bits: Sequence[int], switch: int = NO_SWITCH) -> None:
    """Ask what these releases of a package need (with ``switch``: what that extra adds) and add it to the tables."""
    name = state.names[package]
    if len(bits) > 1:
        state.source.prepare_dependencies(name, bits)
    known = state.needs[package if switch == NO_SWITCH else switch]
    state.reads += len(bits)
    for bit in bits:
        if switch == NO_SWITCH:
            answer = state.source.dependencies(name, bit)
        else:
            answer = state.source.dependencies(name, bit, switch=state.names[switch])
        if isinstance(answer, Unavailable):
            known[bit] = ()
            _rule_out(state, package, 1 << bit, switch, Unusable(name, _name(state, switch), answer.reason))
            continue
        known[bit] = answer
        if switch in state.wanted_extras and not state.source.has_extra(name, bit, state.names[switch]):
            lacks_extra(state, package, 1 << bit, switch)
        meet(state, [edge.package for edge in answer])
        for edges in _by_child(answer):
            _add_need(state, package, 1 << bit, switch, edges)
    state.refresh(package)


def _by_child(answer: Sequence[Edge]) -> Iterable[tuple[Edge, ...]]:
    """Group edges by package: several on one package act as one."""
    groups: dict[str, tuple[Edge, ...]] = {}
    for edge in answer:
        seen = groups.get(edge.package)
        groups[edge.package] = (edge,) if seen is None else (*seen, edge)
    return groups.values()


def _add_need(state: SearchState, parent: int, release: int, switch: int, edges: tuple[Edge, ...]) -> None:
    child = state.numbers[edges[0].package]
    mask = edges[0].mask
    key: Hashable = edges[0].key
    if len(edges) > 1:
        for edge in edges:
            mask &= edge.mask
        key = tuple(edge.key for edge in edges)
    if child in (parent, switch):
        # The release (or the extra) needs itself: true as it stands, or the release cannot be used at all.
        if not mask & (release if child == parent else ON):
            _rule_out(state, parent, release, switch, Needs(state.names[parent], _name(state, switch), edges))
        return
    table = state.table(parent, child, switch)
    row = table.by_key.get(key)
    if row is None:
        table.add_row(release, mask, key, Needs(state.names[parent], _name(state, switch), edges))
    else:
        table.widen(row, release)
    top = mask.bit_length() - 1
    if 0 < top < state.newest[child]:
        needs = table.by_bit[release].clause.cause
        if isinstance(needs, Needs):
            table.add_cap(Cap(release.bit_length() - 1, top, needs))
            state.capped[table] = None


def _rule_out(state: SearchState, package: int, release: int, switch: int, cause: Needs | Unusable) -> None:
    """Learn that a release cannot be used, or not with an extra. Equal causes share one incompatibility."""
    if switch == NO_SWITCH:
        state.add_unit(package, release, cause)
    else:
        state.table(package, switch, switch).add_row(release, OFF, cause, cause)
        state.refresh(package)


def _name(state: SearchState, switch: int) -> str | None:
    return None if switch == NO_SWITCH else state.names[switch]
