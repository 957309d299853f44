"""Long histories: look at few of many releases, and take what lies between two of them to need what both need.

A search that falls through a long history would ask for every release on the way. Instead it looks at releases in doubling
distances. If two of them need a package, those between, which nobody has looked at, are taken to need it too, somewhere in
the range that both span. This is a guess: it holds while a variable is on (``state.continuity``), is given up if there is no
answer with it, and what was passed over is never part of a proof.
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

FAR = 48  # releases: a shorter stretch is read as a whole


def add_continuity(state: SearchState) -> int:
    """Return a new variable under which gaps in histories are guessed."""
    state.continuity = state.add_variable(f"\0{len(state.names)}", ABSENT | ON)
    state.hinted[state.continuity] = True
    return state.continuity


def probes(state: SearchState, package: int, bit: int, mask: int) -> list[int]:
    """Return the releases to ask about next: ``bit``, and those of ``mask`` behind it in doubling distances.

    They end before the next release that is known. Empty if ``mask`` is small, or gaps may not be guessed.
    """
    if state.continuity < 0 or state.trail.current[state.continuity] != ON or mask.bit_count() <= FAR:
        return []
    order = list(bits_of(mask))
    if state.source.choose(state.names[package], 1 << order[0] | 1 << order[-1]) == order[-1]:
        order.reverse()
    known = state.needs[package]
    gap: list[int] = []  # up to the next release that was looked at
    for candidate in order[order.index(bit) :]:
        if candidate in known:
            break
        gap.append(candidate)
    else:
        gap.append(order[-1])
    places = [0, *[1 << power for power in range(len(gap).bit_length()) if 1 << power < len(gap)], len(gap) - 1]
    return list(dict.fromkeys(gap[place] for place in places))


def interpolate(state: SearchState, package: int) -> None:
    """Guess what the releases need that lie between those which were looked at."""
    for table in state.tables_of[package]:
        if table.parent == package:
            for older, newer in pairwise(sorted(state.needs[package if table.switch == NO_SWITCH else table.switch])):
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
