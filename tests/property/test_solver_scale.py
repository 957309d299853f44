"""The solver on universes too large to exhaust: it is held to counts, never to seconds."""

from __future__ import annotations

from random import Random

import pytest

from pipx_parallel.resolver.ports import Edge, RootEdge
from pipx_parallel.resolver.solver import Impossible, Solution, SolverLimits, solve
from tests.support.fake_source import LazySource, Universe
from tests.support.plain_argument import explanation

RELEASES = 2_400
SIZES = {
    "boto": RELEASES,
    "core": RELEASES,
    "transfer": 60,
    "date": 20,
    "lib": 100,
    "path": 10,
    "pandas": 100,
    "requests": 100,
}


def full(name: str) -> int:
    """Return every release of a package."""
    return (2 << SIZES[name]) - 2


def at_least(name: str, low: int) -> int:
    """Return the releases of a package from ``low`` on."""
    return full(name) & ~((1 << low) - 1)


def below(low: int) -> int:
    """Return the releases before ``low``."""
    return (1 << low) - 2


def lockstep_needs(name: str, bit: int) -> list[Edge]:
    """Need what boto3, botocore and their neighbours need: each release its own core, all cores an old date and lib."""
    if name == "boto":
        transfer = max(bit // 40, 1)
        return [
            Edge("core", 1 << bit, ("core ==", bit)),
            Edge("path", full("path"), "path"),
            Edge("transfer", at_least("transfer", transfer), ("transfer >=", transfer)),
        ]
    if name == "core":
        top = 60 if bit < 2_000 else 90
        return [
            Edge("path", full("path"), "path"),
            Edge("date", below(18), "date < 18"),
            Edge("lib", below(top), ("lib <", top)),
        ]
    return {
        "transfer": [Edge("core", at_least("core", max(bit * 40 - 39, 1)), ("core >=", bit))],
        "pandas": [Edge("date", at_least("date", 8), "date >= 8")],
        "requests": [Edge("lib", at_least("lib", 8), "lib >= 8")],
    }.get(name, [])


def lockstep(*roots: str | tuple[str, int]) -> LazySource:
    """Return the universe with roots: a package, or a package and the mask that is asked for."""
    asked = [(root, full(root)) if isinstance(root, str) else root for root in roots]
    edges = [RootEdge(Edge(name, mask, (name, mask)), f"in.txt:{line}") for line, (name, mask) in enumerate(asked, 1)]
    return LazySource(Universe({name: full(name) for name in SIZES}, {}, {}, edges), lockstep_needs)


@pytest.mark.parametrize(
    ("roots", "conflicts", "questions"),
    [
        (("pandas", "boto"), 2, 20),
        (("boto", "pandas"), 0, 10),
        (("date", "boto"), 12, 60),
        (("lib", "boto"), 20, 120),
        (("boto", "lib", "requests"), 20, 120),
        (("date", "lib", "boto"), 40, 500),
    ],
)
def test_thousands_of_releases_in_lockstep_take_few_conflicts_and_few_questions(
    roots: tuple[str, ...], conflicts: int, questions: int
) -> None:
    """Whoever comes first, boto keeps its newest release and its old-fashioned neighbours move."""
    source = lockstep(*roots)

    result = solve(source, source.universe.roots)

    assert isinstance(result, Solution)
    assert (result.chosen["boto"], result.chosen["core"], result.chosen["date"]) == (RELEASES, RELEASES, 17)
    assert result.counts.conflicts <= conflicts
    assert len(source.asked) <= questions


def test_a_fall_through_all_releases_takes_few_conflicts() -> None:
    """Without windows the new lib is spared, and all 2,400 releases fall in batches, not one by one."""
    source = lockstep("lib", ("lib", at_least("lib", 90)), "boto")

    result = solve(source, source.universe.roots, limits=SolverLimits(improve=0))

    assert isinstance(result, Impossible)
    assert result.counts.conflicts <= 40
    assert len(source.asked) <= 2 * RELEASES + len(SIZES)


def test_the_argument_for_thousands_of_releases_is_a_few_lines() -> None:
    """The argument for thousands of releases is a few lines."""
    source = lockstep(("lib", at_least("lib", 90)), "boto")

    result = solve(source, source.universe.roots)

    assert isinstance(result, Impossible)
    text = explanation(result)
    assert len(text) <= 6
    assert text[0].startswith("in.txt:1 asks for lib")


def climbing(top: int) -> LazySource:
    """Return two projects in lockstep of 2,400 releases, whose lower bound on ``lib`` rises; the user allows it to ``top``."""

    def dependencies(name: str, bit: int) -> list[Edge]:
        if name == "boto":
            return [Edge("core", 1 << bit, ("core ==", bit))]
        return [Edge("lib", at_least("lib", bit // 24), ("lib >=", bit // 24))] if name == "core" else []

    masks = {"boto": full("boto"), "lib": below(top + 1)}
    roots = [RootEdge(Edge(name, mask, (name, mask)), name) for name, mask in masks.items()]
    return LazySource(Universe({name: full(name) for name in ("boto", "core", "lib")}, {}, {}, roots), dependencies)


@pytest.mark.parametrize("top", [97, 60, 3])
def test_a_long_way_back_takes_few_looks(top: int) -> None:
    """What lies between two releases that need too much is passed over; the newest that fits is found all the same."""
    source = climbing(top)

    result = solve(source, source.universe.roots)

    assert isinstance(result, Solution)
    assert result.chosen == {"boto": min(top * 24 + 23, RELEASES), "core": min(top * 24 + 23, RELEASES), "lib": top}
    assert len(source.asked) <= 250
    assert not result.optimal


def test_what_was_passed_over_is_no_proof() -> None:
    """Only one release in the middle of a long history is available: every release is looked at before giving up."""
    source = LazySource(
        Universe(
            {"a": full("boto"), "b": 0b110},
            {},
            {},
            [RootEdge(edge, edge.key) for edge in (Edge("a", full("boto"), "a"), Edge("b", 0b100, "b"))],
        ),
        lambda name, bit: [Edge("b", 0b10, "b==1")] if name == "a" and bit != 1_234 else [],
    )

    result = solve(source, source.universe.roots)

    assert isinstance(result, Solution)
    assert result.chosen == {"a": 1_234, "b": 2}


def layered(count: int) -> LazySource:
    """Return packages that each need some five later ones, with bounds that never conflict."""
    releases = 120
    every = (2 << releases) - 2

    def dependencies(name: str, _bit: int) -> list[Edge]:
        random = Random(int(name))  # noqa: S311 - a seed, not a secret
        later = {int(name) + 1 + int(random.expovariate(8 / count)): random.randrange(1, 60) for _ in range(5)}
        return [
            Edge(str(other), every & ~((1 << low) - 1), (other, low)) for other, low in later.items() if other < count
        ]

    roots = [RootEdge(Edge(str(number), every, number), number) for number in range(count // 7)]
    return LazySource(Universe({str(number): every for number in range(count)}, {}, {}, roots), dependencies)


@pytest.mark.parametrize("count", [171, 1_000])
def test_without_conflicts_each_package_is_asked_about_once(count: int) -> None:
    """Without conflicts each package is asked about once."""
    source = layered(count)

    result = solve(source, source.universe.roots)

    assert isinstance(result, Solution)
    assert result.counts.conflicts == 0
    assert result.counts.decisions <= count
    assert len(source.asked) == len(result.chosen)


def eras(seed: int, packages: int = 100, releases: int = 40) -> LazySource:
    """Return packages whose releases need others of about their own age: many small conflicts."""
    random = Random(seed)  # noqa: S311 - a seed, not a secret
    others = [random.sample(range(packages), 3) for _ in range(packages)]
    every = (2 << releases) - 2

    def dependencies(name: str, bit: int) -> list[Edge]:
        era = bit // 3 * 3
        edges_found: list[Edge] = []
        for other in others[int(name)]:
            draw = Random(f"{seed} {name} {other} {era}")  # noqa: S311 - a seed, not a secret
            low = min(max(1, era - 3 + draw.randrange(-3, 3)), releases)
            high = min(low + 6 + draw.randrange(3), releases)
            if str(other) != name:
                edges_found.append(Edge(str(other), (2 << high) - (1 << low), (other, low, high)))
        return edges_found

    roots = [RootEdge(Edge(str(number), every, number), number) for number in range(8)]
    return LazySource(Universe({str(number): every for number in range(packages)}, {}, {}, roots), dependencies)


@pytest.mark.parametrize("seed", range(4))
def test_many_small_conflicts_stay_few_enough(seed: int) -> None:
    """A hundred packages that must be of one age: direct ones end within a release or two of the newest."""
    source = eras(seed)

    result = solve(source, source.universe.roots)

    assert isinstance(result, Solution)
    assert result.counts.conflicts <= 90
    assert all(result.chosen[str(number)] >= 36 for number in range(8))


def test_when_the_improvement_is_cut_short_the_first_answer_stands() -> None:
    """One conflict is not enough for windows: what comes out is closed all the same, directs best in order."""
    source = eras(0)

    cut = solve(source, source.universe.roots, limits=SolverLimits(improve=1))
    plain = solve(eras(0), source.universe.roots, limits=SolverLimits(improve=0))

    assert isinstance(cut, Solution)
    assert isinstance(plain, Solution)
    assert [cut.chosen[str(number)] for number in range(8)] == [plain.chosen[str(number)] for number in range(8)]
