"""The solver against exhaustion: it finds an answer exactly when there is one, and the one it promises."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from pipx_parallel.resolver.solver import Impossible, Solution, SolverLimits, solve
from pipx_parallel.resolver.windows import RankWindows
from tests.property.batches import batches, for_seeds
from tests.property.strategies import crowded_of, directs_of, universe_of, universes
from tests.support.fake_source import Chosen, FakeSource, Universe, all_answers, is_closed, rank

Vector = list[int]
PLAIN = SolverLimits(improve=0)


def check_windows(universe: Universe) -> None:
    """Hold the answer within windows against all answers: who gives way, and how far."""
    source = FakeSource(universe)
    result = solve(source, universe.roots)
    answers = list(all_answers(universe))
    if isinstance(result, Impossible):
        assert answers == []
        return
    assert is_closed(universe, result.chosen)
    windows = RankWindows(source)

    def steps(chosen: Chosen, names: list[str]) -> Vector:
        return [step_of(windows, universe, name, chosen.get(name, 0)) for name in names]

    directs = directs_of(universe)
    mine = steps(result.chosen, directs)
    within = [answer for answer in answers if no_worse(steps(answer, directs), mine)]
    assert all(steps(answer, directs) == mine for answer in within), "a window of a direct could be narrower"
    best = max(ranks(universe, answer, directs) for answer in within)
    assert ranks(universe, result.chosen, directs) == best
    others = [name for name in universe.domains if name not in directs]
    same = [answer for answer in within if ranks(universe, answer, directs) == best]
    mine = steps(result.chosen, others)
    assert all(steps(answer, others) == mine for answer in same if no_worse(steps(answer, others), mine))


def step_of(windows: RankWindows, universe: Universe, name: str, bit: int) -> int:
    """Return the first step whose window holds a release; 0 for a package that is not installed."""
    step = 0
    while bit and not windows(name, universe.domains[name], step) >> bit & 1:
        step += 1
    return step


def no_worse(mine: Vector, theirs: Vector) -> bool:
    """Say whether no step is wider."""
    return all(a <= b for a, b in zip(mine, theirs, strict=True))


def ranks(universe: Universe, chosen: Chosen, names: list[str]) -> Vector:
    """Return how good the chosen releases are."""
    return [rank(universe, name, chosen[name]) for name in names]


def check(universe: Universe) -> None:
    """Hold the answer without windows against all answers."""
    result = solve(FakeSource(universe), universe.roots, limits=PLAIN)
    answers = list(all_answers(universe))
    if isinstance(result, Impossible):
        assert answers == []
        assert result.proof.packages == []
        return
    assert isinstance(result, Solution)
    assert is_closed(universe, result.chosen)
    directs = directs_of(universe)
    assert ranks(universe, result.chosen, directs) == max(ranks(universe, answer, directs) for answer in answers)


@pytest.mark.parametrize("batch", batches(0, 8))
def test_without_windows_an_answer_is_found_exactly_when_one_exists_and_directs_are_best_in_order(batch: int) -> None:
    """2,000 universes by seed (at night more): found or refuted as exhaustion says; directs lexicographically best."""
    for_seeds(batch, check, universe_of)


@pytest.mark.parametrize("batch", batches(10_000, 8))
def test_with_windows_nobody_gives_way_further_than_the_others_make_him(batch: int) -> None:
    """2,000 more: found or refuted as exhaustion says; windows of directs, then of the others, cannot be narrower."""
    for_seeds(batch, check_windows, universe_of)


@pytest.mark.parametrize("batch", batches(20_000, 2))
def test_in_a_crowd_an_answer_is_found_exactly_when_one_exists(batch: int) -> None:
    """500 universes full of conflicts, without windows."""
    for_seeds(batch, check, crowded_of)


@pytest.mark.parametrize("batch", batches(30_000, 2))
def test_in_a_crowd_nobody_gives_way_further_than_the_others_make_him(batch: int) -> None:
    """500 more, with windows."""
    for_seeds(batch, check_windows, crowded_of)


@settings(max_examples=100, deadline=None)
@given(universes())
def test_the_same_holds_for_universes_that_shrink(universe: Universe) -> None:
    """Hypothesis draws (and, should it fail, shrinks) the universe."""
    check(universe)
    check_windows(universe)
