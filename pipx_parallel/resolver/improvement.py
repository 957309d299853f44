"""Improve a solution by branch and bound: search for a cheaper one until there is none; learned clauses are kept.

The cost of a solution is the sum over some packages of the cost of their releases (``Scale.cost``). A package that the new
solution does not install has its old cost, so that dropping a package is no gain. Packages that only the new solution has are
not counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.resolver.dependency_table import OFF, ON
from pipx_parallel.resolver.outcome import LimitReachedError
from pipx_parallel.resolver.ports import ABSENT, equal_by_type
from pipx_parallel.resolver.search import search_under
from pipx_parallel.resolver.terms import Incompatibility, Preferred

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipx_parallel.resolver.levels import Scale
    from pipx_parallel.resolver.state import SearchState

MOST_ROUNDS = 50


class CostBound:
    """An upper bound ``most`` on the cost of solutions while ``switch`` is on. The search checks it at each step."""

    def __init__(
        self,
        state: SearchState,
        scales: Mapping[int, Scale],
        chosen: Mapping[str, int],
        read: Callable[[], Mapping[str, int]],
    ) -> None:
        """Set the bound below the cost of ``chosen``. ``read`` returns the solution of a finished search."""
        self.scales = scales
        self.without = {package: scale.cost(chosen[scale.name]) for package, scale in scales.items()}
        self.read = read
        self.state = state
        self.most = sum(self.without.values()) - 1
        self.switch = state.add_variable(f"\0{len(state.names)}", ABSENT | ON)
        state.hinted[self.switch] = True

    def exceeded(self) -> bool:
        """Return whether the partial assignment already costs too much; if so, add an incompatibility of the cause."""
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
        """Decide that a package without dependents is absent, after all others are decided: only then its cost is known.

        A package that only the bound requires is not part of a solution: an incompatibility excludes that assignment.

        Returns:
            Whether there was such a package.
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
        """Return the lowest cost that a package can still have."""
        rest = mask & ~ABSENT
        if not rest:
            return self.without[package]
        scale = self.scales[package]
        cost = scale.cost(scale.nearest(rest))
        return min(cost, self.without[package]) if mask & ABSENT else cost


@equal_by_type
class Improvement(NamedTuple):
    """Parameters of an improvement.

    ``counted`` returns the packages of a solution that have a cost, ``read`` the solution of a finished search. ``fixed`` are
    switches that stay on.
    """

    counted: Callable[[Mapping[str, int]], Mapping[int, Scale]]
    read: Callable[[], Mapping[str, int]]
    fixed: Sequence[int]

    def improve(self, state: SearchState, chosen: Mapping[str, int], stop: int) -> tuple[Mapping[str, int], bool]:
        """Return the best solution, starting from ``chosen``, and whether it is proved to be the best."""
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
                    # Only without absent packages is a solution that is cheaper than this one also cheaper than the first.
                    bounds.append(bound.switch)
        except LimitReachedError:
            pass
        finally:
            state.bound = None
        return chosen, False
