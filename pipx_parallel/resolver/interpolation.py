"""Interpolate the dependencies of long histories: load a sample of the releases and assume the others to be similar.

A search that backtracks through a long history would load every release. Instead it samples releases at doubling distances.
If two neighbouring samples require a package, the releases between them are assumed to require it too, in the range that both
span. The assumption holds while a variable is on (``state.continuity``). It is dropped if there is no solution with it, and
releases that were not loaded are never part of a proof.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from pipx_parallel.resolver.dependency_table import NO_SWITCH, ON
from pipx_parallel.resolver.masks import bits_of
from pipx_parallel.resolver.ports import ABSENT
from pipx_parallel.resolver.terms import Incompatibility, Preferred

if TYPE_CHECKING:
    from pipx_parallel.resolver.dependency_table import DependencyTable
    from pipx_parallel.resolver.state import SearchState

FAR = 48  # releases: a shorter range is loaded completely


def add_continuity(state: SearchState) -> int:
    """Add and return the variable that enables interpolation."""
    state.continuity = state.add_variable(f"\0{len(state.names)}", ABSENT | ON)
    state.hinted[state.continuity] = True
    return state.continuity


def probes(state: SearchState, package: int, bit: int, mask: int) -> list[int]:
    """Return the releases to sample next: ``bit``, and those of ``mask`` after it at doubling distances.

    They end before the next release that is loaded. Empty if ``mask`` is small, or if interpolation is off.
    """
    if state.continuity < 0 or state.trail.current[state.continuity] != ON or mask.bit_count() <= FAR:
        return []
    order = list(bits_of(mask))
    if state.source.choose(state.names[package], 1 << order[0] | 1 << order[-1]) == order[-1]:
        order.reverse()
    loaded = state.dependencies[package]
    gap: list[int] = []  # up to the next loaded release
    for candidate in order[order.index(bit) :]:
        if candidate in loaded:
            break
        gap.append(candidate)
    else:
        gap.append(order[-1])
    indexes = [0, *[1 << power for power in range(len(gap).bit_length()) if 1 << power < len(gap)], len(gap) - 1]
    return list(dict.fromkeys(gap[index] for index in indexes))


def interpolate(state: SearchState, package: int) -> None:
    """Interpolate the dependencies of the releases between the loaded ones."""
    for table in state.tables_of[package]:
        if table.parent == package:
            for older, newer in pairwise(
                sorted(state.dependencies[package if table.switch == NO_SWITCH else table.switch])
            ):
                between = state.universe[package] & (1 << newer) - (2 << older)
                if between and (older, newer) not in table.guessed:
                    _guess(state, table, older, newer, between)


def _guess(state: SearchState, table: DependencyTable, older: int, newer: int, between: int) -> None:
    rows = table.by_bit.get(1 << older), table.by_bit.get(1 << newer)
    if rows[0] is None or rows[1] is None:
        return
    both = (rows[0].allowed | rows[1].allowed) & ~ABSENT
    outside = state.universe[table.child] & ~((1 << both.bit_length()) - (both & -both))
    if both:
        table.guessed.add((older, newer))
        packages, masks = [table.parent, table.child, state.continuity], [between, outside, ON]
        if table.switch != NO_SWITCH:
            packages.append(table.switch)
            masks.append(ON)
        state.add_clause(Incompatibility(packages, masks, Preferred(state.names[table.child])))
        state.guesses += 1
