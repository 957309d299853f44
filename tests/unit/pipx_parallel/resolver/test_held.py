"""What a solution says of a package that is not at its best release: the facts that decide, down to the last."""

from __future__ import annotations

from pipx_parallel.resolver.solver import Solution, solve
from pipx_parallel.resolver.terms import Dependency, Inherited, Required
from tests.support.fake_source import FakeSource, Universe, edge, world


def answer(universe: Universe) -> Solution:
    """Solve and assert that there is a solution."""
    result = solve(FakeSource(universe), universe.roots)
    assert isinstance(result, Solution)
    return result


def test_a_bound_behind_another_one_is_named() -> None:
    """``lib`` 9 is excluded by the chosen ``app`` 1; what keeps ``lib`` at 5 is the bound that it inherits of ``app`` 2."""
    universe = world(
        {"app": 3, "key": 2, "lib": 9},
        {"app:3": ["key:2"], "app:2": ["key:2", "lib:1-5"], "app:1": ["lib:1-7"]},
        ["app:1-3", "key:1", "lib:1-9"],
    )

    solution = answer(universe)

    assert solution.chosen == {"app": 1, "key": 1, "lib": 5}
    held = solution.held["lib"]
    assert (held.best, held.by) == (9, (Dependency("app", None, (edge("lib:1-7"),)),))
    assert held.given_up is not None
    assert held.given_up.best == 7
    assert held.given_up.by == (Inherited(2, Dependency("app", None, (edge("lib:1-5"),))),)
    assert held.given_up.given_up is None


def test_a_line_and_two_dependencies_are_all_named() -> None:
    """The user allows up to 8, ``one`` up to 6, ``two`` up to 4: each is what is next after the other."""
    universe = world(
        {"one": 1, "two": 1, "lib": 9},
        {"one:1": ["lib:1-6"], "two:1": ["lib:1-4"]},
        ["one:1", "two:1", "lib:1-8"],
    )

    held = answer(universe).held["lib"]

    assert held.best == 9
    assert {type(fact) for fact in held.by} == {Required, Dependency}
    assert held.given_up is not None
    assert (held.given_up.best, len(held.given_up.by)) == (8, 2)
    assert held.given_up.given_up is None


def test_what_only_the_chosen_release_requires_does_not_decide() -> None:
    """``plugin`` is installed because ``app`` 1 requires it: its bound on ``app`` follows from the choice."""
    universe = world(
        {"app": 2, "key": 2, "plugin": 1},
        {"app:2": ["key:2"], "app:1": ["plugin:1"], "plugin:1": ["app:1"]},
        ["app:1-2", "key:1"],
    )

    assert answer(universe).held["app"].by == (Dependency("app", None, (edge("key:2"),)),)


def test_what_the_user_asks_for_decides() -> None:
    """As before, but a line asks for ``plugin``, so that its bound holds whatever is chosen."""
    universe = world(
        {"app": 2, "key": 2, "plugin": 1},
        {"app:2": ["key:2"], "app:1": ["plugin:1"], "plugin:1": ["app:1"]},
        ["app:1-2", "key:1", "plugin:1"],
    )

    assert answer(universe).held["app"].by == (Dependency("plugin", None, (edge("app:1"),)),)
