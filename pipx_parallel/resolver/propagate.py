"""Unit propagation: narrow packages by every incompatibility until nothing changes or one is violated.

A narrowed package is processed once: its units, its tables (as parent, child or switch), and the clauses that watch it. A
table is read only if its parent can still be one of its releases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolver.dependency_table import NO_SWITCH, OFF, ON

if TYPE_CHECKING:
    from pipx_parallel.resolver.dependency_table import DependencyTable, Row
    from pipx_parallel.resolver.state import SearchState
    from pipx_parallel.resolver.terms import Incompatibility


def propagate(state: SearchState) -> Incompatibility | None:
    """Narrow packages until nothing more follows. Return the conflict: an incompatibility whose terms all hold, or None."""
    trail = state.trail
    queue, queued, current = trail.queue, trail.queued, trail.current
    head = 0
    conflict = None
    while head < len(queue):
        package = queue[head]
        head += 1
        queued[package] = False
        conflict = _check_units(state, package) if state.units[package] else None
        if conflict is None:
            for table in state.tables_of[package]:
                # Nothing follows if the parent cannot be a release of the table, or if the extra is off.
                if current[table.parent] & table.covered and (table.switch == NO_SWITCH or current[table.switch] & ON):
                    conflict = _check_table(state, table)
                    if conflict is not None:
                        break
            else:
                conflict = _check_watched(state, package) if state.watching[package] else None
        if conflict is not None:
            break
    for package in queue[head:]:
        queued[package] = False
    queue.clear()
    return conflict


def _check_units(state: SearchState, package: int) -> Incompatibility | None:
    for unit in state.units[package]:
        now = state.trail.current[package]
        mask = unit.masks[0]
        if now & mask:
            if not now & ~mask:
                return unit
            state.narrow(package, now & ~mask, unit)
    return None


def _check_table(state: SearchState, table: DependencyTable) -> Incompatibility | None:
    """Apply a table whose parent is, or may be, one of its releases and whose switch is not off."""
    current = state.trail.current
    parent, child = current[table.parent], current[table.child]
    if parent & (parent - 1):
        return _check_open_table(state, table, parent, child)
    row = table.by_bit[parent]
    if not child & ~row.allowed:
        return None
    return _require(state, table, [row], row.allowed)


def _check_open_table(state: SearchState, table: DependencyTable, parent: int, child: int) -> Incompatibility | None:
    """Apply a table whose parent is not decided: exclude releases with unsatisfiable dependencies, then merge the others."""
    live: list[Row] = []
    dead: list[Row] = []
    allowed = out = 0
    for row in table.rows:
        if row.bits & parent:
            if row.allowed & child:
                live.append(row)
                allowed |= row.allowed
            else:
                dead.append(row)
                out |= row.bits
    if dead and parent & ~out:
        if table.switch == NO_SWITCH or state.trail.current[table.switch] == ON:
            parent &= ~out
            state.narrow(table.parent, parent, table.merged(dead))
        else:
            return None  # the extra may still be off, and other releases may be chosen
    elif dead:
        return _require(state, table, dead, 0)
    if not parent & ~table.covered and child & ~allowed:
        return _require(state, table, live, allowed)
    return None


def _require(state: SearchState, table: DependencyTable, rows: list[Row], allowed: int) -> Incompatibility | None:
    """Apply ``rows`` if the parent can only be one of their releases."""
    current = state.trail.current
    child = current[table.child]
    if table.switch != NO_SWITCH and current[table.switch] != ON:
        if not child & allowed:
            state.narrow(table.switch, OFF, table.merged(rows))
        return None
    clause = table.merged(rows)
    if not child & allowed:
        return clause
    state.narrow(table.child, child & allowed, clause)
    return None


def _check_watched(state: SearchState, package: int) -> Incompatibility | None:
    """Process the clauses that watch a package; keep two terms that do not hold at the front of each."""
    current = state.trail.current
    watching = state.watching[package]
    remaining: list[Incompatibility] = []
    for index, clause in enumerate(watching):
        packages, masks = clause.packages, clause.masks
        if packages[0] == package:
            packages[0], packages[1] = packages[1], packages[0]
            masks[0], masks[1] = masks[1], masks[0]
        other = current[packages[0]]
        if current[package] & ~masks[1] or not other & masks[0]:
            remaining.append(clause)
            continue
        for spare in range(2, len(packages)):
            if current[packages[spare]] & ~masks[spare]:
                packages[1], packages[spare] = packages[spare], packages[1]
                masks[1], masks[spare] = masks[spare], masks[1]
                state.watching[packages[1]].append(clause)
                break
        else:
            remaining.append(clause)
            if not other & ~masks[0]:
                remaining += watching[index + 1 :]
                state.watching[package] = remaining
                return clause
            state.narrow(packages[0], other & ~masks[0], clause)
    state.watching[package] = remaining
    return None
