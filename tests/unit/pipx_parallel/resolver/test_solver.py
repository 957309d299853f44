"""What the solver chooses, one situation a test. Releases are numbered from 1, the oldest."""

from __future__ import annotations

import pytest

from pipx_parallel.resolver.outcome import Escape
from pipx_parallel.resolver.ports import RootEdge, SolverObserver
from pipx_parallel.resolver.solver import Impossible, LimitReachedError, Solution, SolverLimits, solve
from pipx_parallel.resolver.terms import Bound, Dependency, Required
from tests.support.fake_source import FakeSource, Universe, edge, world


def answer(universe: Universe, limits: SolverLimits | None = None) -> Solution:
    """Solve and assert that there is a solution."""
    result = solve(FakeSource(universe), universe.roots, limits=limits)
    assert isinstance(result, Solution)
    return result


def test_the_newest_is_taken_where_nothing_speaks_against_it() -> None:
    """The newest release is chosen if nothing excludes it."""
    universe = world({"a": 3, "b": 2}, {"a:3": ["b:1-2"]}, ["a:1-3"])

    assert answer(universe).chosen == {"a": 3, "b": 2}


def test_what_nobody_needs_is_left_out() -> None:
    """The newest ``a`` depends on ``b``, which is excluded; an older ``a`` without that dependency is chosen."""
    universe = world({"a": 2, "b": 1, "c": 1}, {"a:2": ["b:1"], "b:1": ["c:2"]}, ["a:1-2"])

    assert answer(universe).chosen == {"a": 1}


def test_a_transitive_package_gives_way_before_a_direct_one() -> None:
    """``date`` is decided first and prefers 3, which only very old releases of ``boto`` allow."""
    universe = world(
        {"pandas": 5, "boto": 9, "core": 9, "date": 3},
        {"pandas:1-5": ["date:1-3"], "boto:2-9": ["core:2-9"], "boto:1": [], "core:1-9": ["date:1-2"]},
        ["pandas:1-5", "boto:1-9"],
    )

    assert answer(universe).chosen == {"pandas": 5, "boto": 9, "date": 2, "core": 9}


def test_among_directs_the_one_that_must_move_least_gives_way() -> None:
    """Sparing ``a`` its one step would cost ``b`` eight."""
    universe = world({"a": 9, "b": 9}, {"b:2-9": ["a:1-8"]}, ["a:1-9", "b:1-9"])

    assert answer(universe).chosen == {"a": 8, "b": 9}


def test_lag_is_counted_in_days_not_in_releases() -> None:
    """Seven releases of ``a`` are a week, the one of ``b`` ten years."""
    universe = world({"a": 9, "b": 2}, {"b:2": ["a:2"]}, ["b:1-2", "a:1-9"])
    days = {("a", bit): 4_000 + bit for bit in range(1, 10)} | {("b", 1): 400, ("b", 2): 4_000}
    result = solve(FakeSource(universe._replace(uploads=days)), universe.roots)

    assert isinstance(result, Solution)
    assert result.chosen == {"b": 2, "a": 2}


def test_without_windows_the_first_direct_is_spared_whatever_it_costs() -> None:
    """Without windows the first direct is spared whatever it costs."""
    universe = world({"a": 9, "b": 9}, {"b:2-9": ["a:1-8"]}, ["a:1-9", "b:1-9"])

    assert answer(universe, SolverLimits(improve=0)).chosen == {"a": 9, "b": 1}


def test_directs_that_move_equally_far_give_way_from_the_last() -> None:
    """Both can do with another ``c``, and only one of them can be at its newest."""
    universe = world({"a": 2, "b": 2, "c": 3}, {"a:2": ["c:1,3"], "b:2": ["c:2"]}, ["a:1-2", "b:1-2"])

    assert answer(universe).chosen == {"a": 2, "b": 1, "c": 1}


def test_what_is_depended_on_gives_way_before_the_dependant() -> None:
    """``b`` 1 states no bound on ``a``, which is no evidence that it works with 2: it inherits that of ``b`` 2."""
    universe = world({"a": 2, "b": 2}, {"b:2": ["a:1"]}, ["a:1-2", "b:1-2"])

    assert answer(universe).chosen == {"a": 1, "b": 2}


def test_an_old_release_does_not_escape_a_bound_that_newer_ones_state() -> None:
    """Neither one that states none nor one that states a wider one; of the project in the middle likewise."""
    universe = world(
        {"a": 9, "b": 9, "c": 3},
        {"a:2-9": ["b:1-9"], "b:4-9": ["c:1"], "b:3": ["c:1-2"]},
        ["a:1-9", "c:1-3"],
    )

    assert answer(universe).chosen == {"a": 9, "b": 9, "c": 1}


def test_an_escape_from_a_bound_is_the_last_resort_and_is_named() -> None:
    """The user wants a newer ``c``: only ``a`` 1, which states no bound, leaves that open."""
    universe = world({"a": 4, "c": 3}, {"a:2-4": ["c:1-2"], "a:1": ["c:1-3"]}, ["a:1-4", "c:3"])

    result = answer(universe)

    assert result.chosen == {"a": 1, "c": 3}
    assert result.escapes == [Escape("a", "c", Dependency("a", None, (edge("c:1-2"),)), 4)]


def test_an_escape_names_the_bound_that_the_newest_release_states() -> None:
    """Releases 2 to 4 of ``a`` state a tighter bound than 5 and 6, which is what somebody who looks at the project reads."""
    universe = world({"a": 6, "b": 9}, {"a:2-4": ["b:1-3"], "a:5-6": ["b:1-6"]}, ["a:1-6", "b:7-9"])
    result = answer(universe)

    assert result.chosen == {"a": 1, "b": 9}
    assert result.escapes == [Escape("a", "b", Dependency("a", None, (edge("b:1-6"),)), 6)]


def test_no_escape_is_taken_where_an_answer_does_without() -> None:
    """``a`` 1 with the newest ``c`` would be nearer, but beyond the bound of ``a`` 2."""
    universe = world({"a": 2, "b": 9, "c": 2}, {"a:2": ["c:1"], "b:2-9": ["c:2"]}, ["a:1-2", "b:1-9"])

    result = answer(universe)

    assert result.chosen == {"a": 2, "b": 1, "c": 1}
    assert not result.escapes


def test_a_release_without_the_extra_asked_for_is_a_last_resort() -> None:
    """``a`` 1 has no extra and needs nothing of ``b``: ``b`` gives way all the same."""
    universe = world({"a": 3, "b": 9}, {"a[x]:2-3": ["b:1"]}, ["a:1-3", "a[x]", "b:1-9"])

    assert answer(universe).chosen == {"a": 3, "a[x]": 1, "b": 1}


def test_a_release_without_the_extra_is_taken_and_named_if_there_is_no_other() -> None:
    """The user wants the newest ``b``, which no release with the extra can have."""
    universe = world({"a": 3, "b": 9}, {"a[x]:2-3": ["b:1"]}, ["a:1-3", "a[x]", "b:9"])

    result = answer(universe)

    assert result.chosen == {"a": 1, "a[x]": 1, "b": 9}
    assert result.lacking == ["a[x]"]


def test_an_extra_that_the_newest_release_does_not_have_moves_nothing() -> None:
    """A name that was never an extra, or one that was dropped: going back for it would cost years, or find nothing."""
    universe = world({"a": 9, "b": 1}, {"a[x]:1": ["b:1"]}, ["a:1-9", "a[x]"])

    result = answer(universe)

    assert result.chosen == {"a": 9, "a[x]": 1}
    assert result.lacking == ["a[x]"]


def test_what_an_extra_of_the_user_brings_in_counts_as_his_own() -> None:
    """``p`` comes with the extra: it is not given up for ``q``, which only comes along."""
    universe = world(
        {"a": 1, "p": 9, "q": 2}, {"a[x]:1": ["p:1-9", "q:1-2"], "p:4-9": ["q:1"], "p:1-3": []}, ["a:1", "a[x]"]
    )

    assert answer(universe).chosen == {"a": 1, "a[x]": 1, "p": 9, "q": 1}


def test_of_two_transitive_packages_the_one_that_must_move_least_gives_way() -> None:
    """The same, one floor down: ``old`` is settled first, and only ``t`` 1 goes with its newest release."""
    universe = world({"r": 1, "old": 9, "t": 9}, {"r:1": ["old:1-9", "t:1-9"], "t:2-9": ["old:1-8"]}, ["r:1"])

    assert answer(universe).chosen == {"r": 1, "old": 8, "t": 9}


def test_a_release_that_cannot_be_used_is_skipped() -> None:
    """An unusable release is skipped."""
    universe = world({"a": 3}, {"a:3": ["!broken"]}, ["a:1-3"])

    result = answer(universe)

    assert result.chosen == {"a": 2}
    assert [getattr(fact, "reason", None) for fact in result.held["a"].by] == ["broken"]


def test_a_bound_holds_only_for_what_is_brought_in() -> None:
    """A bound holds only for what is brought in."""
    universe = world({"a": 1, "b": 3, "c": 3}, {"a:1": ["b:1-3"]}, ["a:1", "<= b:1-2", "<= c:1"])

    assert answer(universe).chosen == {"a": 1, "b": 2}


def test_a_bound_on_a_package_nobody_has_does_no_harm() -> None:
    """A bound on a package that no index has is ignored."""
    universe = world({"a": 1}, {}, ["a:1", "<= ghost:1"])

    assert answer(universe).chosen == {"a": 1}


def test_an_extra_brings_what_it_adds() -> None:
    """An extra brings what it adds."""
    universe = world({"a": 2, "b": 2}, {"a[x]:1-2": ["b:1"]}, ["a:1-2", "a[x]"])

    result = answer(universe)

    assert result.chosen == {"a": 2, "a[x]": 1, "b": 1}
    assert [(need.parent, need.switch, need.edge.key) for need in result.dependencies] == [("a", "a[x]", "b:1")]


def test_an_extra_that_goes_on_after_its_package_is_settled_counts_too() -> None:
    """``a`` is direct and settled first; ``z`` turns the extra on, and only older ``a`` can have it."""
    universe = world(
        {"a": 3, "z": 1, "b": 1},
        {"z:1": ["a:1-3", "a[x]"], "a[x]:3": ["b:2"], "a[x]:1-2": ["b:1"]},
        ["a:1-3", "z:1"],
    )

    assert answer(universe).chosen == {"a": 2, "z": 1, "a[x]": 1, "b": 1}


def test_an_extra_may_name_itself_and_others_of_its_package() -> None:
    """An extra may name itself and others of its package."""
    universe = world(
        {"a": 1, "b": 1, "c": 1},
        {"a[all]:1": ["a:1", "a[all]", "a[x]", "b:1"], "a[x]:1": ["a:1", "a[all]", "c:1"]},
        ["a:1", "a[all]"],
    )

    assert answer(universe).chosen == {"a": 1, "a[all]": 1, "b": 1, "a[x]": 1, "c": 1}


def test_an_extra_brings_its_package_along() -> None:
    """A source should name both; one that names the extra alone gets the package all the same."""
    universe = world({"a": 1, "b": 2, "c": 1}, {"c:1": ["b[x]"], "b[x]:1-2": ["a:1"]}, ["c:1"])

    assert answer(universe).chosen == {"c": 1, "b[x]": 1, "b": 2, "a": 1}


def test_packages_may_need_each_other() -> None:
    """Packages may need each other."""
    universe = world({"a": 2, "b": 2}, {"a:2": ["b:1"], "b:1": ["a:1-2"], "b:2": ["a:1"]}, ["a:1-2"])

    assert answer(universe).chosen == {"a": 2, "b": 1}


def test_a_release_may_name_a_package_twice() -> None:
    """A release may name a package twice."""
    universe = world({"a": 1, "b": 5}, {"a:1": ["b:1-4", "b:2-5"]}, ["a:1"])

    assert answer(universe).chosen == {"a": 1, "b": 4}


def test_no_roots_need_nothing() -> None:
    """No roots need nothing."""
    assert answer(world({"a": 1}, {}, [])).chosen == {}


def test_chosen_packages_come_breadth_first_from_the_roots() -> None:
    """Chosen packages come breadth first from the roots."""
    universe = world({"z": 1, "a": 1, "m": 1, "b": 1}, {"z:1": ["m:1"], "m:1": ["b:1"]}, ["z:1", "a:1"])

    assert list(answer(universe).chosen) == ["z", "a", "m", "b"]


def test_held_names_who_holds_a_package() -> None:
    """Held names who holds a package."""
    universe = world({"a": 1, "b": 3, "c": 3, "d": 3}, {"a:1": ["b:1-2", "d:1-3"]}, ["a:1", "c:1", "<= d:1-2"])

    held = answer(universe).held

    assert {name: it.best for name, it in held.items()} == {"b": 3, "c": 3, "d": 3}
    assert held["b"].by == (Dependency("a", None, (edge("b:1-2"),)),)
    assert held["c"].by == (Required("in.txt:2", edge("c:1")),)
    assert held["d"].by == (Bound("in.txt:3", edge("d:1-2")),)


def test_held_names_what_the_best_would_need() -> None:
    """Held names what the best would need."""
    universe = world({"a": 1, "b": 2, "c": 2}, {"a:1": ["b:1-2", "c:1"], "b:2": ["c:2"]}, ["a:1"])

    assert answer(universe).held["b"].by == (Dependency("b", None, (edge("c:2"),)),)


def test_every_label_survives_in_order() -> None:
    """Two roots on one package, written in two places, are two facts."""
    universe = Universe({"a": 0b1110}, {}, {}, [RootEdge(edge("a:1-2"), ("f", 1)), RootEdge(edge("a:1"), ("g", 7))])

    assert [getattr(it, "label", None) for it in answer(universe).held["a"].by] == [("f", 1), ("g", 7)]


def test_an_observer_sees_decisions_and_conflicts() -> None:
    """An observer sees decisions and conflicts."""

    class Recorder(SolverObserver):
        def __init__(self) -> None:
            self.events: list[tuple[str, ...]] = []

        def decided(self, package: str, bit: int) -> None:
            self.events.append(("decided", package, str(bit)))

        def conflicted(self, package: str) -> None:
            self.events.append(("conflicted", package))

    universe = world({"a": 2, "b": 2, "c": 2}, {"a:1-2": ["b:1-2", "c:1-2"], "c:1-2": ["b:1"]}, ["a:1-2"])
    recorder = Recorder()

    solve(FakeSource(universe), universe.roots, recorder)

    assert ("decided", "b", "2") in recorder.events
    assert ("conflicted", "b") in recorder.events


def test_an_observer_may_end_the_search_before_facts_are_asked_for() -> None:
    """It hears of each package whose facts the source may have to wait for; what it raises reaches the caller."""

    class Asked(SolverObserver):
        def __init__(self) -> None:
            self.names: list[str] = []

        def asks(self, package: str) -> None:
            self.names.append(package)
            if package == "c":
                raise TimeoutError

    universe = world({"a": 1, "b": 1, "c": 1}, {"a:1": ["b:1"], "b:1": ["c:1"]}, ["a:1"])
    asked = Asked()

    with pytest.raises(TimeoutError):
        solve(FakeSource(universe), universe.roots, asked)

    assert list(dict.fromkeys(asked.names)) == ["a", "b", "c"]


def test_a_search_that_takes_too_long_says_so() -> None:
    """A search that reaches its limit raises an error."""
    universe = world({"a": 1, "b": 2, "c": 2}, {"a:1": ["b:1-2", "c:1-2"], "c:1-2": ["b:1"]}, ["a:1"])

    with pytest.raises(LimitReachedError, match="after 1 conflicts"):
        solve(FakeSource(universe), universe.roots, limits=SolverLimits(conflicts=0, improve=0))


def test_an_impossibility_counts_no_answer() -> None:
    """An impossibility counts no answer."""
    universe = world({"a": 1}, {}, ["a:2"])

    assert isinstance(solve(FakeSource(universe), universe.roots), Impossible)


def test_the_source_hears_of_packages_and_candidates_before_it_is_asked() -> None:
    """Roots in one bulk; the first candidate of each before any is asked for its needs."""
    universe = world({"a": 2, "b": 2, "c": 2}, {"a:2": ["c:1-2"]}, ["a:1-2", "b:1-2"])
    source = FakeSource(universe)

    solve(source, universe.roots)

    assert source.prepared == [("a", "b"), ("c",)]
    assert source.hinted[:2] == [("a", (2,)), ("b", (2,))]


def test_nothing_is_asked_twice() -> None:
    """Nothing is asked twice."""
    universe = world(
        {"a": 9, "b": 9, "c": 9}, {"a:1-9": ["b:1-9"], "b:1-9": ["c:1-9"], "c:5-9": ["a:1-3"]}, ["a:1-9", "c:1-9"]
    )
    source = FakeSource(universe)

    solve(source, universe.roots)

    assert len(source.asked) == len(set(source.asked))


def test_a_proof_that_is_made_again_reads_only_a_part_of_long_histories() -> None:
    """If another search follows, thousands of releases are not loaded only for a proof."""
    dependencies = {f"a:{bit}": [f"b:{bit}"] for bit in range(1, 1_200)} | {
        f"b:{bit}": ["c:1"] for bit in range(1, 1_200)
    }
    universe = world(
        {"a": 1_200, "b": 1_200, "c": 2}, {**dependencies, "a:1200": ["b:1200"], "b:1200": ["c:1"]}, ["a:1-1200", "c:2"]
    )
    final, other = FakeSource(universe), FakeSource(universe)

    assert isinstance(solve(final, universe.roots), Impossible)
    assert isinstance(solve(other, universe.roots, is_final=lambda: False), Impossible)
    assert len(final.asked) > 2_000
    assert len(other.asked) < 1_000
