"""Soft constraints: every solution satisfies them if possible; they are relaxed last.

There are two kinds. An older release has the upper bounds that newer releases of the same package state: if it does not state
them itself, it may still not work beyond them. A late fix of an old series is not held to those of releases before it. A package
whose extra is requested has that extra. Each constraint has a variable, its *escape*: the constraint holds while the escape is
off. A *guard* is a variable that, while on, keeps every escape off, including later ones, except those that were relaxed.

Inherited bounds become incompatibilities only if they are relevant: before the dependencies of a release are loaded, before it
is chosen, and for every pair after all packages are decided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolver.dependency_table import NO_SWITCH, OFF, ON
from pipx_parallel.resolver.outcome import Escape
from pipx_parallel.resolver.ports import ABSENT
from pipx_parallel.resolver.terms import Incompatibility, Inherited, Preferred

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from pipx_parallel.resolver.dependency_table import DependencyTable
    from pipx_parallel.resolver.state import SearchState


def add_guard(state: SearchState, relaxed: Container[int] = ()) -> int:
    """Return a new guard that keeps every escape off except those in ``relaxed``; it replaces the previous guard."""
    state.guard = state.add_variable(f"\0{len(state.names)}", ABSENT | ON)
    state.hinted[state.guard] = True
    state.relaxed = relaxed
    for escape in state.escapes.values():
        _guard(state, escape)
    return state.guard


def _guard(state: SearchState, escape: int) -> None:
    if escape not in state.relaxed:
        cause = Preferred(state.names[escape])
        state.table(state.guard, escape, NO_SWITCH).add_row(ON, OFF, cause, cause)
        state.refresh(state.guard)


def escape_of(state: SearchState, package: int, child: int, switch: int) -> int:
    """Return the escape from the bounds of a package on another, with ``switch`` from the bounds of that extra.

    If ``child`` is the switch itself, it is the escape from having that extra.
    """
    key = (package, child, switch)
    number = state.escapes.get(key)
    if number is None:
        number = state.escapes[key] = state.add_variable(f"\0{len(state.names)}", ABSENT | ON)
        state.hinted[number] = True
        if state.guard >= 0:
            _guard(state, number)
    return number


def inherit(state: SearchState, package: int, bit: int) -> bool:
    """Add the inherited bounds of a release, as parent or child, that exclude a release that can be chosen now.

    Returns:
        Whether a bound was added.
    """
    current = state.trail.current
    added = False
    for table in state.tables_of[package]:
        if not table.caps or (table.switch != NO_SWITCH and current[table.switch] != ON):
            continue
        if table.parent == package:
            added |= _inherit(state, table, bit, current[table.child])
        elif table.child == package:
            parent = current[table.parent]
            if not parent & (parent - 1) and not parent & ABSENT:
                added |= _inherit(state, table, parent.bit_length() - 1, 1 << bit)
    return added


def inherit_all(state: SearchState) -> bool:
    """Add the inherited bounds of all pairs of decided packages; return whether one was added."""
    current = state.trail.current
    added = False
    for table in list(state.capped):
        parent, child = current[table.parent], current[table.child]
        settled = not (parent & (parent - 1) or child & (child - 1) or (parent | child) & ABSENT)
        if settled and (table.switch == NO_SWITCH or current[table.switch] == ON):
            added |= _inherit(state, table, parent.bit_length() - 1, child)
    return added


def _inherit(state: SearchState, table: DependencyTable, bit: int, child: int) -> bool:
    cap = table.inherited(bit)
    if cap is None or not child >> cap.top + 1 or (cap.stated_by, cap.top) in table.added:
        return False
    table.added.add((cap.stated_by, cap.top))
    escape = escape_of(state, table.parent, table.child, table.switch)
    packages = [table.parent, table.child, escape]
    masks = [(1 << cap.stated_by) - 2 & ~cap.late, state.universe[table.child] >> cap.top + 1 << cap.top + 1, OFF]
    if table.switch != NO_SWITCH:
        packages.append(table.switch)
        masks.append(ON)
    state.add_clause(Incompatibility(packages, masks, Inherited(cap.stated_by, cap.dependency)))
    return True


def lacks_extra(state: SearchState, package: int, release: int, switch: int) -> None:
    """Add that a release lacks a requested extra that the newest allowed release has."""
    escape = escape_of(state, package, switch, switch)
    cause = Preferred(state.names[switch])
    state.table(package, escape, switch).add_row(release, ON, cause, cause)
    state.refresh(package)


def escapes_in(state: SearchState, chosen: Mapping[str, int]) -> list[Escape]:
    """Return the inherited bounds that a solution exceeds, of each pair of packages the one that the newest release states."""
    escapes: list[Escape] = []
    for table in state.capped:
        names = state.names[table.parent], state.names[table.child]
        if names[0] in chosen and names[1] in chosen:
            cap = table.exceeded(chosen[names[0]], chosen[names[1]])
            switched = table.switch == NO_SWITCH or state.names[table.switch] in chosen
            if cap is not None and switched:
                escapes.append(Escape(*names, cap.dependency, cap.stated_by))
    return escapes


def lacking_in(state: SearchState, chosen: Mapping[str, int]) -> list[str]:
    """Return the switches that are on in a solution although the release does not have that extra."""
    return [
        state.names[switch]
        for switch in state.direct
        if (base := state.base[switch]) >= 0
        and state.names[switch] in chosen
        and not state.source.has_extra(state.names[base], chosen[state.names[base]], state.names[switch])
    ]
