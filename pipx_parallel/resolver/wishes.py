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
    from collections.abc import Container, Iterable, Sequence

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
        """Settle the search within windows as narrow as can be; return the end of the argument if no windows do.

        Each window is held at a level of its own, so that widening one undoes those behind it and no others: what an attempt
        costs does not grow with the number of packages.
        """
        state = self.state
        state.back_to(0)
        blamed = self._assume(self.fixed)
        base, order, held = state.trail.level, list(self.steps), 0
        while True:
            while blamed is None and held < len(order):
                blamed = self._hold(order[held])
                held += 1
            if blamed is None:
                blamed = search(state, self.stop, state.trail.level)
            if blamed is None:
                break
            owners = [self.owners[wish] for wish in blamed.packages if wish in self.owners]
            if not owners:
                return blamed
            held = min(map(order.index, owners))
            state.back_to(base + held)
            self._keep([blamed])
            # Who made trouble comes last from now on: what must be undone the next time is then little.
            order = [package for package in order if package not in owners] + [it for it in order if it in owners]
            for package in owners:
                self.steps[package] = self._floor(package, self.steps[package] + 1, base)
            if len(owners) == 1:  # nobody else is to blame: that window could never hold
                self.floors[owners[0]] = self.steps[owners[0]]
            blamed = None
        self._narrow()
        return None

    def _hold(self, package: int) -> Incompatibility | None:
        """Hold one package to its window, at a level of its own; return what makes that impossible."""
        wishes = self._wishes_of(package, self.steps[package])
        blamed = self._assume(wishes)
        if blamed is None:
            conflict = propagate(self.state)
            blamed = None if conflict is None else blame(self.state, conflict)
        return blamed

    def _narrow(self) -> None:
        """Narrow each window again as far as the others allow. The search is settled before and after."""
        settled = True
        self._tighten()
        lessons: list[Incompatibility] = []
        level = -1  # at which every other window is held; -1: they are not yet
        passed: list[int] = []  # not installed, and held from here on
        order = list(self.steps)
        for place, package in enumerate(order):
            step = self.floors[package]
            if package in self.absent:
                self.steps[package] = step
                passed.append(package)
                continue
            while step < self.steps[package]:
                if level < 0:
                    level = self._hold_all(self.absent.intersection(order[place:]), lessons)
                elif passed:
                    level = self._hold_also(passed, level)
                passed.clear()
                blamed = self._narrower(package, step, level)
                settled = blamed is None
                if blamed is None:
                    self._tighten()
                    level = -1
                    break
                lessons.append(blamed)
                step = self._floor(package, step + 1, level)
        if not settled:
            self.state.back_to(0)
            self._keep(lessons)
            self._attempt(self.steps)

    def _hold_all(self, free: Container[int], lessons: list[Incompatibility]) -> int:
        """Hold every window but those of ``free``, which is possible, and return at which level.

        What narrower ones have taught is kept first.
        """
        self.state.back_to(0)
        self._keep(lessons)
        lessons.clear()
        self._assume(self._wishes({package: step for package, step in self.steps.items() if package not in free}))
        propagate(self.state)
        return self.state.trail.level

    def _hold_also(self, packages: Iterable[int], level: int) -> int:
        """Hold these windows as well as those of ``level``, which is possible, and return at which level."""
        self.state.back_to(level)
        self._assume([wish for package in packages for wish in self._wishes_of(package, self.steps[package])])
        propagate(self.state)
        return self.state.trail.level

    def _narrower(self, package: int, step: int, level: int) -> Incompatibility | None:
        """Settle the search with one window narrower than those that are held at ``level``, or return what is to blame."""
        state = self.state
        state.back_to(level)
        wish = state.wish(package, self._window(package, step))
        self.owners[wish] = package
        if state.trail.current[wish] == OFF:  # learned before
            return Incompatibility([wish], [ON], Derived(()))
        state.trail.open_level()
        if state.trail.current[wish] != ON:
            state.narrow(wish, ON, None)
        return search(state, self.stop, state.trail.level)

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
        blamed = self._assume(self._wishes(steps))
        if blamed is None:
            blamed = search(state, self.stop, state.trail.level)
            if blamed is not None:
                state.back_to(0)
                self._keep([blamed])
        return blamed

    def _wishes(self, steps: dict[int, int]) -> list[int]:
        """Return the fixed wishes, and one for each window that leaves something out."""
        return [*self.fixed, *[wish for package, step in steps.items() for wish in self._wishes_of(package, step)]]

    def _wishes_of(self, package: int, step: int) -> list[int]:
        """Return the wish for one window, none where it leaves nothing out."""
        window = self._window(package, step)
        if not self.state.universe[package] & ~ABSENT & ~window:
            return []
        wish = self.state.wish(package, window)
        self.owners[wish] = package
        return [wish]

    def _window(self, package: int, step: int) -> int:
        return self.windows(self.state.names[package], self.state.universe[package] & ~ABSENT, step)

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

    def _keep(self, lessons: Iterable[Incompatibility]) -> None:
        """Keep which wishes contradict each other, so that the next attempt need not find out. To be called at level 0."""
        for blamed in lessons:
            if blamed.packages:
                self.state.watch(blamed)
                self.state.trail.touch(blamed.packages[0])

    def _floor(self, package: int, step: int, level: int = 0) -> int:
        """Return the first step from ``step`` on that leaves the package a choice it does not have one step earlier.

        What it can be at all is what was certain at ``level`` (0, or one at which windows are held).
        """
        state = self.state
        domain = state.universe[package] & ~ABSENT
        now = state.trail.at_level(package, level)
        name = state.names[package]
        before = self.windows(name, domain, step - 1) if step else now & ABSENT
        while True:
            window = self.windows(name, domain, step)
            if window & now & ~before or not domain & ~window or (not step and before):
                return step
            step += 1
