"""The argument in words."""

from __future__ import annotations

from pipx_parallel.resolver.report import explain
from pipx_parallel.resolver.solver import Impossible, solve
from tests.support.fake_source import FakeSource, Universe, world
from tests.support.plain_argument import explanation


def refuted(universe: Universe) -> Impossible:
    """Solve and assert that there is no solution."""
    result = solve(FakeSource(universe), universe.roots)
    assert isinstance(result, Impossible)
    return result


def words(universe: Universe) -> list[str]:
    """Return the lines of the explanation."""
    return explanation(refuted(universe))


def test_two_roots_that_contradict_each_other() -> None:
    """Two roots that contradict each other."""
    universe = world({"a": 3, "b": 1}, {}, ["b:1", "a:1", "a:2-3"])

    assert words(universe) == [
        "in.txt:2 asks for a:1",
        "in.txt:3 asks for a:2-3",
        "so no set of releases meets them all",
    ]


def test_a_chain_starts_at_the_root() -> None:
    """A chain starts at the root."""
    universe = world(
        {"a": 5, "b": 5, "c": 3, "z": 4},
        {"a:1-5": ["b:2-5", "z:1-4"], "b:1-5": ["c:1"], "z:1-4": []},
        ["a:3-5", "c:2-3"],
    )

    assert words(universe) == [
        "in.txt:1 asks for a:3-5",
        "a 3 to 5 needs b:2-5",
        "b 2 to 5 needs c:1",
        "in.txt:2 asks for c:2-3",
        "so no set of releases meets them all",
    ]


def test_a_package_nobody_has_is_reported_in_one_line() -> None:
    """A package that no index has is reported in one line."""
    universe = world({"a": 1}, {}, ["a:1", "ghost:1"])

    assert words(universe) == ["in.txt:2 asks for ghost:1, but no release of ghost matches"]


def test_a_requirement_that_no_release_meets_is_reported_in_one_line() -> None:
    """A requirement that no release satisfies is reported in one line."""
    universe = world({"a": 2}, {}, ["a:7"])

    assert words(universe) == ["in.txt:1 asks for a:7, but no release of a matches"]


def test_a_need_that_nothing_meets_ends_the_chain() -> None:
    """A dependency that nothing satisfies ends the chain."""
    universe = world({"a": 2, "b": 1}, {"a:1-2": ["b:4"]}, ["a:1-2"])

    assert words(universe) == [
        "in.txt:1 asks for a:1-2",
        "every release of a needs b:4, but no release of b matches",
        "so no set of releases meets them all",
    ]


def test_unusable_releases_are_named_with_the_reason() -> None:
    """Unusable releases are named with the reason."""
    universe = world({"a": 3}, {"a:2-3": ["!needs Python 4"]}, ["a:2-3"])

    assert words(universe) == [
        "in.txt:1 asks for a:2-3",
        "a 2 to 3 cannot be used: needs Python 4",
        "so no set of releases meets them all",
    ]


def test_a_bound_is_reported_as_a_bound() -> None:
    """A bound is reported as a bound."""
    universe = world({"a": 1, "b": 3}, {"a:1": ["b:3"]}, ["a:1", "<= b:1-2"])

    assert words(universe) == [
        "in.txt:1 asks for a:1",
        "a 1 needs b:3",
        "in.txt:2 allows only b:1-2",
        "so no set of releases meets them all",
    ]


def test_an_extra_is_named() -> None:
    """An extra is named."""
    universe = world({"a": 1, "b": 2}, {"a[x]:1": ["b:1"]}, ["a:1", "a[x]", "b:2"])

    assert words(universe) == [
        "in.txt:1 asks for a:1",
        "in.txt:2 asks for a[x]",
        "a 1 (as a[x]) needs b:1",
        "in.txt:3 asks for b:2",
        "so no set of releases meets them all",
    ]


def test_releases_in_lockstep_are_one_line_not_one_each() -> None:
    """Every ``boto`` needs a ``core`` of its own, and each ``core`` the same old ``lib``."""
    dependencies = {f"boto:{bit}": [f"core:{bit}"] for bit in range(1, 41)}
    universe = world(
        {"boto": 40, "core": 40, "lib": 2}, {**dependencies, "core:1-40": ["lib:1"]}, ["boto:1-40", "lib:2"]
    )

    assert words(universe) == [
        "in.txt:1 asks for boto:1-40",
        "every release of boto needs every release of core, bounds differ by release",
        "every release of core needs lib:1",
        "in.txt:2 asks for lib:2",
        "so no set of releases meets them all",
    ]


def test_what_does_not_matter_is_left_out() -> None:
    """``noise`` conflicts on the way and is settled; the argument does without it."""
    universe = world(
        {"noise": 3, "n": 3, "a": 2, "b": 2},
        {"noise:2-3": ["n:1"], "n:1": ["!broken"], "a:1-2": ["b:1"]},
        ["noise:1-3", "a:1-2", "b:2"],
    )

    assert words(universe) == [
        "in.txt:2 asks for a:1-2",
        "every release of a needs b:1",
        "in.txt:3 asks for b:2",
        "so no set of releases meets them all",
    ]


def test_a_case_by_case_argument_draws_its_conclusions() -> None:
    """Neither ``a`` nor ``b`` alone is impossible; each of the four pairs is."""
    universe = world(
        {"a": 2, "b": 2, "c": 2, "d": 2},
        {"a:1": ["c:1"], "a:2": ["d:1"], "b:1": ["c:2", "d:2"], "b:2": ["c:2", "d:2"]},
        ["a:1-2", "b:1-2"],
    )
    steps = explain(refuted(universe))

    assert steps[-1].conclusion == ()
    assert words(universe)[-1] == "so no set of releases meets them all"
