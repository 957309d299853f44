"""Which releases of a history are built: few, and the answer is as new as if all were."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import pytest

from pipx_parallel.resolution.build_steps import BuildSteps
from pipx_parallel.resolver.ports import Edge, Unavailable

CHILD = 9  # releases of the project that the history bounds; the list asks for the newest one


class History(NamedTuple):
    """The newest release of ``b`` that each release of ``a`` allows; a ``CandidateSource`` as far as it is asked."""

    tops: Sequence[int]  # of releases 1, 2, ...

    def dependencies(self, package: str, bit: int) -> Sequence[Edge] | Unavailable:
        """Return the only dependency."""
        return [Edge("b", (2 << self.tops[bit - 1]) - 2, package)]

    def switch_of(self, package: str) -> str | None:
        """Return None: there are no extras."""
        del package
        return None

    def newest(self, package: str) -> int:
        """Return the newest release of ``b``."""
        del package
        return CHILD

    def fits(self, bit: int) -> bool:
        """Return whether a release allows the newest ``b``."""
        return self.tops[bit - 1] == CHILD


def built_for(history: History, read: int) -> tuple[int | None, list[int]]:
    """Return the release of the last search (None: no solution), and the builds, if only ``read`` (a mask) needs none."""
    steps: BuildSteps | None = BuildSteps()
    builds: list[int] = []
    while True:
        assert steps is not None
        steps = steps._replace(read={"a": read})
        bit = next(
            (
                bit
                for bit in range(len(history.tops), 0, -1)
                if (history.fits(bit) if read >> bit & 1 else _is_open(steps, history, bit))
            ),
            None,
        )
        chosen = None if bit is None else {"a": bit, "b": CHILD}
        new = [] if bit is None or read >> bit & 1 else [bit]
        builds += new
        read |= sum(1 << it for it in new)
        steps = steps.following(chosen, [("a", it) for it in new], history.dependencies)
        if steps is None:
            return bit, builds


def _is_open(steps: BuildSteps, history: History, bit: int) -> bool:
    return not steps.withheld("a") >> bit & 1 and not steps.assumed("a", bit, history)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 40, 200])
def test_where_a_bound_begins_is_found_with_few_builds(size: int) -> None:
    """In doubling steps down, then by halves: the answer is the newest release without the bound, wherever that is."""
    for last in range(size + 1):
        history = History([CHILD if bit <= last else 5 for bit in range(1, size + 2)])

        answer, builds = built_for(history, read=2 << size)
        assert answer == (last or None)
        assert len(builds) <= 2 * (size + 1).bit_length() + 1


def test_bounds_that_rise_over_a_history_need_few_builds_too() -> None:
    """Neighbours with different bounds: what lies in between is taken to be within the wider one."""
    history = History([CHILD] * 30 + [3] * 20 + [4] * 20 + [6] * 30)

    answer, builds = built_for(history, read=1 << 100)
    assert answer == 30
    assert len(builds) <= 14


@pytest.mark.parametrize("seed", range(30))
def test_a_history_without_order_is_searched_to_its_end(seed: int) -> None:
    """Whatever the releases state: the search ends, nothing is built twice, and what it finds is built and fits."""
    random = Random(seed)  # noqa: S311 - test data
    history = History([random.choice([CHILD, 4, 5]) for _ in range(random.randint(1, 60))])

    answer, builds = built_for(history, read=0)
    assert len(set(builds)) == len(builds)
    assert answer is None or (history.fits(answer) and answer in builds)
    assert answer is not None or not any(history.fits(bit) for bit in builds)


def test_a_build_that_fits_withholds_nothing() -> None:
    """Only a release that contradicts the solution it was built for says something of its neighbours."""
    history = History([CHILD] * 9)

    steps = BuildSteps().following({"a": 9, "b": CHILD}, [("a", 9)], history.dependencies)
    assert steps is not None
    assert not steps.withheld("a")
    failed = BuildSteps().following({"a": 9}, [("a", 9)], lambda _package, _bit: Unavailable("its build failed"))
    assert failed is not None
    assert failed.withheld("a") == 1 << 8
