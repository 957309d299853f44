"""The argument for an impossibility against exhaustion: its facts are true, and contradict each other by themselves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from pipx_parallel.resolver.masks import bits_of
from pipx_parallel.resolver.ports import Edge, RootEdge, Unavailable
from pipx_parallel.resolver.report import Step, Used, explain
from pipx_parallel.resolver.solver import Impossible, solve
from pipx_parallel.resolver.terms import Bound, Dependency, Required
from tests.property.batches import batches, for_seeds
from tests.property.strategies import universe_of, universes
from tests.support.fake_source import Answer, FakeSource, Universe, all_answers
from tests.support.plain_argument import lines


def check(universe: Universe) -> None:
    """Rebuild a universe from nothing but the facts of the argument: it must have no answer either."""
    result = solve(FakeSource(universe), universe.roots)
    if not isinstance(result, Impossible):
        return
    steps = explain(result)
    assert steps[-1].conclusion == ()
    assert all(use < position for position, step in enumerate(steps) for use in step.uses)
    assert list(all_answers(rebuilt(universe, steps))) == []
    text = lines(steps, result)
    assert text
    assert "\0" not in "".join(text)


def rebuilt(universe: Universe, steps: tuple[Step, ...]) -> Universe:
    """Return the universe in which only the facts of the steps hold; each must hold in the first one."""
    dependencies: dict[tuple[str, int], Answer] = {}
    extras: dict[tuple[str, int, str], Answer] = {}
    roots: list[RootEdge] = []
    for used in (used for step in steps for used in step.facts):
        cause = used.cause
        if isinstance(cause, Required | Bound):
            root = RootEdge(cause.edge, cause.label, isinstance(cause, Bound))
            assert root in universe.roots
            roots.append(root)
            continue
        name = cause.parent if isinstance(cause, Dependency) else cause.package
        for bit in bits_of(used.releases):
            answer_known = (
                universe.extras.get((name, bit, cause.switch))
                if cause.switch
                else universe.dependencies.get((name, bit))
            )
            answer = _stated(used, answer_known, universe.domains.get(used.child, 2))
            if cause.switch:
                extras[name, bit, cause.switch] = _joined(extras.get((name, bit, cause.switch), ()), answer)
            else:
                dependencies[name, bit] = _joined(dependencies.get((name, bit), ()), answer)
    return Universe(universe.domains, dependencies, extras, roots)


def _stated(used: Used, answer_known: Answer | None, domain: int) -> Answer:
    """Return what a fact says of a release, having checked that the source said it."""
    cause = used.cause
    assert answer_known is not None
    if not isinstance(cause, Dependency):
        assert isinstance(answer_known, Unavailable)
        return answer_known
    assert not isinstance(answer_known, Unavailable)
    if not used.others:
        assert set(cause.edges) <= set(answer_known)
        return cause.edges
    mask = -1
    for edge in answer_known:
        mask &= edge.mask if edge.package == used.child else -1
    assert not mask & ~used.allowed & domain
    return (Edge(used.child, used.allowed, ("any of", used.allowed)),)


def _joined(before: Answer, answer: Answer) -> Answer:
    if isinstance(before, Unavailable) or isinstance(answer, Unavailable):
        return before if isinstance(before, Unavailable) else answer
    return (*before, *answer)


@pytest.mark.parametrize("batch", batches(40_000, 6))
def test_an_argument_is_made_of_true_facts_that_suffice(batch: int) -> None:
    """1,500 universes by seed, two in five of them without an answer."""
    for_seeds(batch, check, universe_of)


@settings(max_examples=60, deadline=None)
@given(universes())
def test_arguments_hold_for_universes_that_shrink(universe: Universe) -> None:
    """Hypothesis draws (and, should it fail, shrinks) the universe."""
    check(universe)
