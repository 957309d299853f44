"""The solver against exhaustion: it finds an answer exactly when there is one, and the one it promises."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from pipx_parallel.resolver.solver import Impossible, Solution, SolverLimits, solve
from tests.property.batches import batches, for_seeds
from tests.property.strategies import crowded_of, directs_of, universe_of, universes
from tests.support.fake_source import Chosen, FakeSource, Universe, all_answers, is_closed, rank

Vector = list[int]
PLAIN = SolverLimits(improve=0)


def ranks(universe: Universe, chosen: Chosen, names: list[str]) -> Vector:
    """Return how good the chosen releases are."""
    return [rank(universe, name, chosen[name]) for name in names]


def check(universe: Universe) -> None:
    """Hold the answer without the objective against all answers."""
    check_result(universe, solve(FakeSource(universe), universe.roots, limits=PLAIN))


def check_met(universe: Universe) -> None:
    """Do the same, with each constraint on a package that is no root given when the search meets the package."""
    wanted = {root.edge.package for root in universe.roots if not root.constraint}
    later = [root for root in universe.roots if root.edge.package not in wanted]
    roots = [root for root in universe.roots if root not in later]
    result = solve(
        FakeSource(universe),
        roots,
        limits=PLAIN,
        bounds_of=lambda name: [root for root in later if root.edge.package == name],
    )
    check_result(universe, result)


def check_result(universe: Universe, result: Impossible | Solution) -> None:
    """Hold a result against all answers."""
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
def test_without_the_objective_an_answer_is_found_exactly_when_one_exists_and_directs_are_best_in_order(
    batch: int,
) -> None:
    """2,000 universes by seed (at night more): found or refuted as exhaustion says; directs lexicographically best."""
    for_seeds(batch, check, universe_of)


@pytest.mark.parametrize("batch", batches(8_000, 4))
def test_constraints_may_be_given_when_their_package_is_met(batch: int) -> None:
    """1,000 universes: the same answers as with all constraints at the start."""
    for_seeds(batch, check_met, universe_of)


@pytest.mark.parametrize("batch", batches(20_000, 2))
def test_with_many_packages_a_solution_is_found_exactly_if_one_exists(batch: int) -> None:
    """500 universes full of conflicts, without the objective."""
    for_seeds(batch, check, crowded_of)


@settings(max_examples=100, deadline=None)
@given(universes())
def test_the_same_holds_for_universes_that_shrink(universe: Universe) -> None:
    """Hypothesis draws (and, should it fail, shrinks) the universe."""
    check(universe)
