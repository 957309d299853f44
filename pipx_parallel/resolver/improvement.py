"""Improve an answer: ask for a cheaper one until there is none, by branch and bound over what the search has learned.

The cost of an answer is the sum over some packages of the cost of their releases (``Scale.cost``). A package that an answer
does without costs what it costs in the answer to be improved: dropping a package is no gain. Packages that only the new
answer has are not counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.resolver.dependency_table import OFF, ON
from pipx_parallel.resolver.ports import ABSENT
from pipx_parallel.resolver.search import LimitReachedError, search_under
from pipx_parallel.resolver.terms import Incompatibility, Preferred

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipx_parallel.resolver.levels import Scale
    from pipx_parallel.resolver.state import SearchState

MOST_ROUNDS = 50


class CostBound:
    """Answers must cost ``most`` at the most while ``switch`` is on. The search asks at each step (``exceeded``)."""

    def __init__(
        self,
        state: SearchState,
        scales: Mapping[int, Scale],
        chosen: Mapping[str, int],
        read: Callable[[], Mapping[str, int]],
    ) -> None:
        """Ask for less than ``chosen`` costs. ``read`` reads the answer off a settled search."""
        self.scales = scales
        self.without = {package: scale.cost(chosen[scale.name]) for package, scale in scales.items()}
        self.read = read
        self.state = state
        self.most = sum(self.without.values()) - 1
        self.switch = state.add_variable(f"\0{len(state.names)}", ABSENT | ON)
        state.hinted[self.switch] = True

    def exceeded(self) -> bool:
        """Return whether what is assigned costs too much already; if so, an incompatibility says which part of it."""
        current = self.state.trail.current
        if current[self.switch] == OFF:
            return False
        least: dict[int, int] = {}
        total = 0
        for package, scale in self.scales.items():
            mask = current[package]
            if mask >> scale.first & 1:
                continue
            cost = self._least(package, mask)
            if cost:
                least[package] = cost
                total += cost
        if total <= self.most:
            return False
        packages, masks = [self.switch], [ON]
        for package, cost in least.items():
            mask = self.state.universe[package] & ~ABSENT & ~self.scales[package].cheaper(cost)
            packages.append(package)
            masks.append(mask | (ABSENT if self.without[package] >= cost else 0))
        self.state.add_clause(Incompatibility(packages, masks, Preferred("")))
        return True

    def leave_out(self) -> bool:
        """Leave out the packages that nobody needs, now that all others are settled: only then is known what that costs.

        Return whether there was one. One that the bound alone has brought in is not part of the answer.
        """
        current = self.state.trail.current
        for package in self.scales:
            if current[package] & ABSENT and current[package] != ABSENT:
                self.state.trail.open_level()
                self.state.narrow(package, ABSENT, None)
                return True
        chosen = self.read()
        for package in self.scales:
            if not current[package] & ABSENT and self.state.names[package] not in chosen:
                packages = [package, *[self.state.numbers[name] for name in chosen]]
                masks = [self.state.universe[package] & ~ABSENT, *[current[it] for it in packages[1:]]]
                self.state.add_clause(Incompatibility(packages, masks, Preferred("")))
                return True
        return False

    def _least(self, package: int, mask: int) -> int:
        """Return the least that a package can still cost."""
        rest = mask & ~ABSENT
        if not rest:
            return self.without[package]
        scale = self.scales[package]
        cost = scale.cost(scale.nearest(rest))
        return min(cost, self.without[package]) if mask & ABSENT else cost


class Improvement(NamedTuple):
    """What an answer is improved by: ``counted`` gives its packages that count, ``read`` reads it off a settled search.

    ``fixed`` are the switches that every answer keeps to.
    """

    counted: Callable[[Mapping[str, int]], Mapping[int, Scale]]
    read: Callable[[], Mapping[str, int]]
    fixed: Sequence[int]

    def improve(self, state: SearchState, chosen: Mapping[str, int], stop: int) -> tuple[Mapping[str, int], bool]:
        """Return the best answer found, starting from ``chosen``, and whether none is better."""
        bounds: list[int] = []
        try:
            for _ in range(MOST_ROUNDS):
                scales = self.counted(chosen)
                bound = CostBound(state, scales, chosen, self.read)
                if bound.most < 0:
                    return chosen, True
                state.bound = bound
                if search_under(state, [*self.fixed, *bounds, bound.switch], stop) is not None:
                    return chosen, True
                chosen = self.read()
                if all(not state.trail.at_level(package, 0) & ABSENT for package in scales):
                    bounds.append(
                        bound.switch
                    )  # else what is cheaper than this answer need not be so by the one before
        except LimitReachedError:
            pass
        finally:
            state.bound = None
        return chosen, False
