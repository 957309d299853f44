"""Share out who gives way: let every package keep near its best, and widen only for those that stand in each other's way.

Taking the best of the first requirement, then of the second, and so on, is a trap: it lets the last one fall by ten years
to spare the first a patch release, and it asks about every release on the way down. So each package starts with a narrow
window of its best releases. When windows contradict each other, those that do, and no others, are widened by a step.
Once there is an answer, every window that was widened is narrowed again as far as the others allow, in order. What is not
installed holds nobody back meanwhile: else torch of years ago would stay, which needs none of what torch of today pins.

The outcome: no package's window can be narrower without another's being wider. (Windows grow by steps, so if every window
could be kept and one be narrower, narrowing that one alone would have succeeded.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolver.conflict import blame
from pipx_parallel.resolver.links import OFF, ON
from pipx_parallel.resolver.ports import ABSENT
from pipx_parallel.resolver.propagate import propagate
from pipx_parallel.resolver.search import search
from pipx_parallel.resolver.terms import Derived, Incompatibility

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipx_parallel.resolver.state import SearchState
    from pipx_parallel.resolver.windows import Windows


class Wishes:
    """Packages held to windows, in order of importance, and the attempts to settle the search within them."""

    def __init__(self, state: SearchState, windows: Windows, stop: int, fixed: Sequence[int] = ()) -> None:
        """Start with no window. ``fixed`` are wishes never given up; ``stop`` is the count of conflicts that ends it all.

        Every method that searches raises ``LimitReachedError`` beyond ``stop``.
        """
        self.state = state
        self.windows = windows
        self.stop = stop
        self.fixed = fixed
        self.steps: dict[int, int] = {}
        self.floors: dict[int, int] = {}  # the narrowest step that could hold at all
        self.owners: dict[int, int] = {}  # wish -> package
        self.absent: set[int] = set()  # what the last settled search does not install

    def hold(self, packages: Iterable[int]) -> Incompatibility | None:
        """Hold more packages to the narrowest windows that certain facts and the fixed wishes leave open.

        Leaves the search at level 0. Returns what is to blame if those alone contradict each other.
        """
        state = self.state
        state.back_to(0)
        blamed = self._assume(self.fixed)
        if blamed is None:
            conflict = propagate(state)
            blamed = None if conflict is None else blame(state, conflict)
        if blamed is None:
            for package in packages:
                self.steps[package] = self.floors[package] = self._floor(package, 0)
        state.back_to(0)
        return blamed

    def settle(self) -> Incompatibility | None:
        """Settle the search within windows as narrow as can be; return the end of the argument if no windows do."""
        while True:
            blamed = self._attempt(self.steps)
            if blamed is None:
                break
            owners = [self.owners[wish] for wish in blamed.packages if wish in self.owners]
            if not owners:
                return blamed
            self.state.back_to(0)
            for package in owners:
                self.steps[package] = self._floor(package, self.steps[package] + 1)
            if len(owners) == 1:  # nobody else is to blame: that window could never hold
                self.floors[owners[0]] = self.steps[owners[0]]
        self._narrow()
        return None

    def _narrow(self) -> None:
        """Narrow each window again as far as the others allow. The search is settled before and after."""
        settled = True
        self._tighten()
        order = list(self.steps)
        for place, package in enumerate(order):
            step = self.floors[package]
            if package in self.absent:
                self.steps[package] = step
                continue
            while step < self.steps[package]:
                free = self.absent.intersection(order[place:])
                held = {it: one for it, one in self.steps.items() if it not in free}
                settled = self._attempt({**held, package: step}) is None
                if settled:
                    self._tighten()
                    break
                self.state.back_to(0)
                step = self._floor(package, step + 1)
        if not settled:
            self._attempt(self.steps)

    def _tighten(self) -> None:
        """Set the window of each package that is installed to what the settled search makes use of."""
        state = self.state
        self.absent = {package for package in self.steps if state.trail.current[package] & ABSENT}
        for package in self.steps:
            if package not in self.absent:
                chosen, used = state.trail.current[package], self.floors[package]
                while chosen & ~self.windows(state.names[package], state.universe[package] & ~ABSENT, used):
                    used += 1
                self.steps[package] = used

    def _attempt(self, steps: dict[int, int]) -> Incompatibility | None:
        """Settle the search within these windows, or return which wishes are to blame."""
        state = self.state
        state.back_to(0)
        wishes = list(self.fixed)
        for package, step in steps.items():
            mask = state.universe[package] & ~ABSENT
            window = self.windows(state.names[package], mask, step)
            if mask & ~window:
                wish = state.wish(package, window)
                self.owners[wish] = package
                wishes.append(wish)
        blamed = self._assume(wishes)
        if blamed is None:
            blamed = search(state, self.stop, state.trail.level)
            if blamed is not None and blamed.packages:
                self._remember(blamed)
        return blamed

    def _assume(self, wishes: Sequence[int]) -> Incompatibility | None:
        """Turn wishes on, all in one level; return what makes that impossible."""
        state = self.state
        conflict = propagate(state)
        if conflict is not None:
            return blame(state, conflict)
        state.trail.open_level()
        for wish in wishes:
            if state.trail.current[wish] == OFF:
                return Incompatibility([wish], [ON], Derived(()))
            if state.trail.current[wish] != ON:
                state.narrow(wish, ON, None)
        return None

    def _remember(self, blamed: Incompatibility) -> None:
        """Keep which wishes contradict each other, so that the next attempt need not find out."""
        self.state.back_to(0)
        self.state.watch(blamed)
        self.state.trail.touch(blamed.packages[0])

    def _floor(self, package: int, step: int) -> int:
        """Return the first step from ``step`` on that leaves the package a choice it does not have one step earlier."""
        state = self.state
        domain = state.universe[package] & ~ABSENT
        now = state.trail.current[package]
        name = state.names[package]
        before = self.windows(name, domain, step - 1) if step else now & ABSENT
        while True:
            window = self.windows(name, domain, step)
            if window & now & ~before or not domain & ~window or (not step and before):
                return step
            step += 1
