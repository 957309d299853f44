"""Pins of an existing lock, taken without a search, against the search over the same lists."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pipx_parallel.resolution.kept_pins import kept_pins
from pipx_parallel.resolution.roots import edges_and_bounds
from pipx_parallel.resolution.target_search import SearchContext, TargetSearch
from pipx_parallel.resolver.solver import Impossible, Solution, solve
from tests.property.batches import batches, for_seeds
from tests.property.lists import Answers, Case, case_of
from tests.support.scenarios import LIMITS, SOURCE, memory_mirror, understood

if TYPE_CHECKING:
    from pipx_parallel.resolution.candidates import Candidates


class _Draw(NamedTuple):
    """A list, and the source of chance for what an existing lock has."""

    case: Case
    random: Random


def _draw_of(random: Random) -> _Draw:
    return _Draw(case_of(random), random)


def _pins(draw: _Draw, answers: Answers) -> dict[str, str]:
    """Draw a lock: one of the answers; of every fifth a pin is missing, of every fifth one is another release."""
    pins = dict(draw.random.choice(answers.every))
    change = draw.random.randint(0, 4)
    name = draw.random.choice(sorted(pins))
    if change == 0:
        del pins[name]
    elif change == 1:
        pins[name] = draw.random.choice(sorted(draw.case.packages[name]))
    return pins


def check(draw: _Draw) -> bool:
    """Compare what the pins give with what the search finds; return whether the pins alone gave the answer."""
    case = draw.case
    texts = {SOURCE: "\n".join(case.roots), LIMITS: "\n".join(case.constraints)}
    inputs, settings, target = understood(texts, ())
    answers = Answers(case, target)
    if not answers.every or not answers.every[0]:
        return False
    pins = _pins(draw, answers)
    settings = settings._replace(selection=settings.selection._replace(preferred=pins))
    with memory_mirror(case.packages) as mirror:
        search = TargetSearch(SearchContext(inputs, mirror, settings), target)
        candidates, wanted, bounds = search.scope({})
        answer = kept_pins(candidates, *edges_and_bounds(candidates, wanted, bounds))
        if answer is None:
            return False
        sources, edges = search.fresh()
        solution = solve(sources, edges)
        assert not isinstance(solution, Impossible), case
        assert _comparable(answer, candidates) == _comparable(solution, candidates), (case, pins)
        assert {name: pins[name] for name in _versions(search, answer)} == _versions(search, answer)
    return True


def _versions(search: TargetSearch, answer: Solution) -> dict[str, str]:
    search.take(answer, search.candidates)
    return search.versions()


def _comparable(solution: Solution, candidates: Candidates) -> object:
    """Return all that a solution says but the counters; of what excludes a release no order, and nothing of the newest."""
    held = {
        name: (row.best, set(row.by), row.own, row.given_up and (row.given_up.best, set(row.given_up.by)))
        for name, row in solution.held.items()
        if int(candidates.domain(name)) >> solution.chosen[name] + 1  # type: ignore[arg-type]  # it was chosen
    }
    relaxed = (list(solution.escapes), list(solution.lacking))
    return list(solution.chosen.items()), list(solution.dependencies), held, relaxed, solution.optimal


@pytest.mark.parametrize("batch", batches(60_000, 2))
def test_pins_that_fit_are_what_the_search_finds(batch: int) -> None:
    """The same releases, edges and reasons, for 500 lists (at night more)."""
    answered: list[bool] = []
    for_seeds(batch, lambda draw: answered.append(check(draw)), _draw_of)
    assert sum(answered) > len(answered) // 10
