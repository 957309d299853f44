"""The objective against exhaustion: no answer is better than the one that is found, by the rules written down once more here.

The rules speak of the releases that the search has looked at: which bounds of newer releases are known is part of the case.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings

from pipx_parallel.resolver.ports import Unavailable
from pipx_parallel.resolver.solver import Impossible, Solution, solve
from tests.property.batches import batches, for_seeds
from tests.property.strategies import crowded_of, directs_of, history_of, universe_of, universes
from tests.support.fake_source import Chosen, FakeSource, Universe, all_answers, base_of, is_closed

DAY = 1_000_000  # a day of lag against one package that is not at its newest
UNDATED = 30


class KnownFacts(NamedTuple):
    """What of a universe the search has looked at."""

    universe: Universe
    source: FakeSource
    bounds: dict[tuple[str, str, str | None], list[tuple[int, int]]]  # (parent, child, extra) -> (stated by, newest)

    def escapes(self, chosen: Chosen) -> frozenset[tuple[str, str, str | None]]:
        """Return where an answer is beyond a bound that a newer release states."""
        return frozenset(
            key
            for key, rows in self.bounds.items()
            for parent, child, extra in [key]
            if parent in chosen and child in chosen and (extra is None or extra in chosen)
            if any(
                by > chosen[parent] and chosen[child] > top and not self.is_late(parent, chosen[parent], by)
                for by, top in rows
            )
        )

    def is_late(self, name: str, bit: int, newer: int) -> bool:
        """Return whether a release was uploaded on a later day than a newer one."""
        days = self.universe.uploads
        return 0 < days.get((name, newer), 0) < days.get((name, bit), 0)

    def lacking(self, chosen: Chosen) -> frozenset[str]:
        """Return the extras of the user that an answer is without although the newest allowed release has them."""
        return frozenset(
            extra
            for extra in wanted_extras(self.universe)
            if not self.source.has_extra(str(base_of(extra)), chosen[str(base_of(extra))], extra)
        )

    def relaxed_weight(self, chosen: Chosen) -> int:
        """Return the weight of the last resorts of a solution."""
        return 1_000 * len(self.escapes(chosen)) + len(self.lacking(chosen))


def known_of(universe: Universe, source: FakeSource) -> KnownFacts:
    """Collect the upper bounds of all releases that were looked at."""
    bounds: dict[tuple[str, str, str | None], list[tuple[int, int]]] = {}
    for parent, bit, extra in source.asked:
        answer = (
            universe.dependencies.get((parent, bit), ())
            if extra is None
            else universe.extras.get((parent, bit, extra), ())
        )
        masks: dict[str, int] = {}
        for edge in () if isinstance(answer, Unavailable) else answer:
            masks[edge.package] = masks.get(edge.package, -1) & edge.mask
        for child, mask in masks.items():
            top = mask.bit_length() - 1
            if child not in {parent, extra} and base_of(child) is None and 0 < top < source.newest(child):
                bounds.setdefault((parent, child, extra), []).append((bit, top))
    return KnownFacts(universe, source, bounds)


def allowed(universe: Universe, name: str) -> int:
    """Return the releases of a package that the user's own lines allow."""
    mask = universe.domains.get(name, 0)
    for root in universe.roots:
        if root.edge.package == name:
            mask &= root.edge.mask
    return mask


def usable(universe: Universe, name: str) -> int:
    """Return the same, for packages of the user without the best ones as long as these cannot be used."""
    mask = allowed(universe, name)
    rest = mask if name in directs_of(universe) else 0
    while rest:
        bit = FakeSource(universe).choose(name, rest)
        if not isinstance(universe.dependencies.get((name, bit)), Unavailable):
            return rest
        rest &= ~(1 << bit)
    return mask


def wanted_extras(universe: Universe) -> list[str]:
    """Return the extras of the user that the newest allowed release of their package has."""
    source = FakeSource(universe)
    extras_found = []
    for name in dict.fromkeys(root.edge.package for root in universe.roots if not root.constraint):
        base = base_of(name)
        if base is not None and (mask := usable(universe, base)):
            bit = source.choose(base, mask)
            if source.has_extra(base, bit, name) and not isinstance(
                universe.dependencies.get((base, bit)), Unavailable
            ):
                extras_found.append(name)
    return extras_found


def counted(universe: Universe) -> list[str]:
    """Return the packages that the user asks for, and those that the extras named bring in with the newest release."""
    source = FakeSource(universe)
    asked = dict.fromkeys(root.edge.package for root in universe.roots if not root.constraint)
    queue = [name for name in asked if base_of(name) is not None]
    names = dict.fromkeys(directs_of(universe))
    for extra in queue:
        base = str(base_of(extra))
        bit = source.choose(base, usable(universe, base)) if usable(universe, base) else 0
        answer = universe.extras.get((base, bit, extra), ())
        if isinstance(answer, Unavailable) or isinstance(universe.dependencies.get((base, bit)), Unavailable):
            continue
        for edge in answer:
            if base_of(edge.package) == base and edge.package not in queue:
                queue.append(edge.package)
            elif base_of(edge.package) is None and edge.package in universe.domains:
                names[edge.package] = None
    return list(names)


def cost(universe: Universe, name: str, bit: int) -> int:
    """Return the lag of a release in days, from the best that the user allows, and whether it is not that one."""
    mask = usable(universe, name)
    order = [release for release in range(1, mask.bit_length()) if mask >> release & 1]
    order = order if universe.lowest else order[::-1]
    best, lag = universe.uploads.get((name, order[0]), 0), 0
    for release in order[: order.index(bit) + 1][1:]:
        uploaded = universe.uploads.get((name, release), 0)
        days = uploaded - best if universe.lowest else best - uploaded  # less than 0: a late fix of an old series
        lag = max(lag, days) if best and uploaded else lag + UNDATED
    return lag * DAY + (bit != order[0])


def total(universe: Universe, chosen: Chosen, mine: Chosen, names: list[str]) -> int:
    """Return what an answer costs: a package that it drops costs what it does in ``mine``, one that it adds nothing."""
    return sum(cost(universe, name, chosen.get(name, mine[name])) for name in names if name in mine)


def check(universe: Universe) -> None:
    """Hold the answer against all answers."""
    source = FakeSource(universe)
    result = solve(source, universe.roots)
    answers = list(all_answers(universe))
    if isinstance(result, Impossible):
        assert answers == []
        assert result.proof.packages == []
        return
    assert isinstance(result, Solution)
    assert result.optimal
    mine = result.chosen
    assert is_closed(universe, mine)
    facts = known_of(universe, source)
    for name in directs_of(universe):
        assert (name, source.choose(name, usable(universe, name)), None) in source.asked, "the newest was not looked at"
    escapes = facts.escapes(mine)
    assert {(it.parent, it.child) for it in result.escapes} == {(parent, child) for parent, child, _ in escapes}
    assert facts.relaxed_weight(mine) == min(facts.relaxed_weight(answer) for answer in answers), (
        "a last resort too many"
    )
    same = [it for it in answers if facts.escapes(it) == escapes and facts.lacking(it) == facts.lacking(mine)]
    directs = counted(universe)
    least = total(universe, mine, mine, directs)
    assert all(total(universe, it, mine, directs) >= least for it in same), "the user's packages could be newer"
    same = [it for it in same if all(it.get(name) == mine.get(name) for name in directs)]
    others = [name for name in universe.domains if name not in directs]
    least = total(universe, mine, mine, others)
    assert all(total(universe, it, mine, others) >= least for it in same), "other packages could be newer"


@pytest.mark.parametrize("batch", batches(10_000, 8))
def test_no_answer_is_better_where_bounds_come_and_go(batch: int) -> None:
    """2,000 universes by seed (at night more) whose upper bounds appear, rise and go missing over a project's history."""
    for_seeds(batch, check, history_of)


@pytest.mark.parametrize("batch", batches(30_000, 2))
def test_no_answer_is_better_of_needs_at_random(batch: int) -> None:
    """500 universes with gaps, cycles and extras."""
    for_seeds(batch, check, universe_of)


@pytest.mark.parametrize("batch", batches(40_000, 1))
def test_no_answer_is_better_in_a_crowd(batch: int) -> None:
    """250 universes full of conflicts."""
    for_seeds(batch, check, crowded_of)


@settings(max_examples=100, deadline=None)
@given(universes())
def test_the_same_holds_for_universes_that_shrink(universe: Universe) -> None:
    """Hypothesis draws (and, should it fail, shrinks) the universe."""
    check(universe)
