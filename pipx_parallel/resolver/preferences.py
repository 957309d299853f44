"""Keep every package near its first choice; widen the preference levels only of packages that contradict each other.

Choosing the best release of the first requirement, then of the second, and so on, has a defect: the last one may become ten
years old to spare the first a patch release, and every release in between is loaded. So each package starts at its first
preference level (``resolver.levels``). If levels contradict each other, those of the unsat core, and no others, are widened by
a step, until there is a solution; ``resolver.improvement`` starts from there. A held package must be installed: a solution
without it, for example with an old release that does not depend on it, does not keep it near its first choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolver.levels import Scale
from pipx_parallel.resolver.ports import ABSENT
from pipx_parallel.resolver.search import assume, keep, search

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipx_parallel.resolver.state import SearchState
    from pipx_parallel.resolver.terms import Incompatibility


class Preferences:
    """Packages held to preference levels, in order of importance, and the searches within these levels."""

    def __init__(self, state: SearchState, stop: int, fixed: Sequence[int] = ()) -> None:
        """Start without levels. ``fixed`` are switches that stay on; ``stop`` is the maximum number of conflicts.

        Every method that searches raises ``LimitReachedError`` beyond ``stop``.
        """
        self.state = state
        self.stop = stop
        self.fixed = fixed
        self.scales: dict[int, Scale] = {}
        self.steps: dict[int, int] = {}
        self.owners: dict[int, int] = {}  # switch -> package

    def hold(self, scales: Iterable[tuple[int, Scale]]) -> Incompatibility | None:
        """Hold more packages to the narrowest levels that the facts and the fixed switches allow.

        Leaves the search at level 0. Returns the unsat core if the fixed switches alone contradict each other.
        """
        state = self.state
        state.back_to(0)
        core = assume(state, self.fixed)
        if core is None:
            for package, scale in scales:
                self.scales[package] = scale
                self.steps[package] = self._floor(package, 0, state.trail.level)
        state.back_to(0)
        return core

    def solve(self) -> Incompatibility | None:
        """Find a solution within the levels, which are widened as needed; return the refutation if there is none.

        Each preference level has its own trail level, so that widening it undoes only the later ones: the cost of an attempt
        does not grow with the number of packages.
        """
        state = self.state
        state.back_to(0)
        core = assume(state, self.fixed)
        base, order, held = state.trail.level, list(self.steps), 0
        while True:
            while core is None and held < len(order):
                core = assume(state, self._switches(order[held]))
                held += 1
            if core is None:
                core = search(state, self.stop, state.trail.level)
            if core is None:
                return None
            owners = [self.owners[switch] for switch in core.packages if switch in self.owners]
            if not owners:
                return core
            held = min(map(order.index, owners))
            state.back_to(base + held)
            keep(state, [core])
            # The packages of the core come last from now on, so that the next widening undoes little.
            order = [package for package in order if package not in owners] + [it for it in order if it in owners]
            for package in owners:
                self.steps[package] = self._floor(package, self.steps[package] + 1, base)
            core = None

    def _switches(self, package: int) -> list[int]:
        """Return the switch of a package's level; empty if the level excludes nothing."""
        scale, step = self.scales[package], self.steps[package]
        if scale.is_whole(step):
            return []
        switch = self.state.prefer(package, scale.within(step))
        self.owners[switch] = package
        return [switch]

    def _floor(self, package: int, step: int, level: int) -> int:
        """Return the first step from ``step`` on that allows a release that the previous step does not.

        Only releases that were possible at the trail level ``level`` count.
        """
        scale = self.scales[package]
        now = self.state.trail.at_level(package, level)
        before = scale.within(step - 1) if step else now & ABSENT
        while not scale.is_whole(step):
            if scale.within(step) & now & ~before or (not step and before):
                return step
            step += 1
        return step
