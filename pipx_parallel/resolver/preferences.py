"""Share out who gives way: keep every package near its first choice, and widen only for those that contradict each other.

Taking the best of the first requirement, then of the second, and so on, is a trap: it lets the last one fall by ten years
to spare the first a patch release, and it asks about every release on the way down. So each package starts at its first
preference level (``resolver.levels``). Where levels contradict each other, those of the unsat core, and no others, are
widened by a step, until there is an answer; ``resolver.improvement`` starts from there. A package that is held counts as
installed: to do without it, say by an old release that did not need it yet, is no way to keep it near its first choice.
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
    """Packages held to preference levels, in order of importance, and the attempts to settle the search within them."""

    def __init__(self, state: SearchState, stop: int, fixed: Sequence[int] = ()) -> None:
        """Start with no level. ``fixed`` are switches never given up; ``stop`` is the count of conflicts that ends it all.

        Every method that searches raises ``LimitReachedError`` beyond ``stop``.
        """
        self.state = state
        self.stop = stop
        self.fixed = fixed
        self.scales: dict[int, Scale] = {}
        self.steps: dict[int, int] = {}
        self.owners: dict[int, int] = {}  # switch -> package

    def hold(self, scales: Iterable[tuple[int, Scale]]) -> Incompatibility | None:
        """Hold more packages to the narrowest levels that certain facts and the fixed switches leave open.

        Leaves the search at level 0. Returns the unsat core if those alone contradict each other.
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

    def settle(self) -> Incompatibility | None:
        """Settle the search within levels; return the end of the argument if no levels do.

        Each level is held at a trail level of its own, so that widening one undoes those behind it and no others: what an
        attempt costs does not grow with the number of packages.
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
            # Who made trouble comes last from now on: what must be undone the next time is then little.
            order = [package for package in order if package not in owners] + [it for it in order if it in owners]
            for package in owners:
                self.steps[package] = self._floor(package, self.steps[package] + 1, base)
            core = None

    def _switches(self, package: int) -> list[int]:
        """Return the switch of a package's level, none where that leaves nothing out."""
        scale, step = self.scales[package], self.steps[package]
        if scale.is_whole(step):
            return []
        switch = self.state.prefer(package, scale.within(step))
        self.owners[switch] = package
        return [switch]

    def _floor(self, package: int, step: int, level: int) -> int:
        """Return the first step from ``step`` on that leaves a choice that the step before does not.

        What the package can be at all is what was certain at the trail level ``level``.
        """
        scale = self.scales[package]
        now = self.state.trail.at_level(package, level)
        before = scale.within(step - 1) if step else now & ABSENT
        while not scale.is_whole(step):
            if scale.within(step) & now & ~before or (not step and before):
                return step
            step += 1
        return step
