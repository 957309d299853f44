"""Optimise the objective in stages: relaxations, then direct packages, then all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolver.fact_loader import allowed, load_newest, usable
from pipx_parallel.resolver.interpolation import add_continuity
from pipx_parallel.resolver.levels import MOVED, Scale
from pipx_parallel.resolver.outcome import LimitReachedError
from pipx_parallel.resolver.ports import ABSENT
from pipx_parallel.resolver.preferences import Preferences
from pipx_parallel.resolver.search import assume, pinned, search
from pipx_parallel.resolver.soft_constraints import add_guard
from pipx_parallel.resolver.solution import reachable
from pipx_parallel.resolver.state import NEVER, NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipx_parallel.resolver.outcome import SolverLimits
    from pipx_parallel.resolver.ports import RootEdge
    from pipx_parallel.resolver.state import SearchState
    from pipx_parallel.resolver.terms import Incompatibility

MOST_RELAXATIONS = 16
MOST_ROUNDS = 16
MOST_UNPROVEN = 500  # releases loaded for a proof that a later search repeats


def optimise(
    state: SearchState, roots: Sequence[RootEdge], limits: SolverLimits, is_final: Callable[[], bool]
) -> bool | Incompatibility:
    """Find the best solution; return whether it is proved to be the best, or a refutation if there is no solution.

    ``is_final`` returns whether the refutation must be complete. Raises ``LimitReachedError``.
    """
    if not limits.improve:
        core = search(state, limits.conflicts)
        return False if core is None else core
    load_newest(state)
    return _Objective(state, roots, limits, is_final).run()


class _Objective:
    """The stages of one search."""

    def __init__(
        self, state: SearchState, roots: Sequence[RootEdge], limits: SolverLimits, is_final: Callable[[], bool]
    ) -> None:
        self.state = state
        self.is_final = is_final
        self.roots = roots
        self.limits = limits
        self.directs: dict[int, Scale] = {}
        self.guard = NOTHING
        self.optimal = True

    def run(self) -> bool | Incompatibility:
        """Run all stages."""
        state = self.state
        for package in state.direct:
            if state.base[package] == NOTHING and (mask := usable(state, package) or allowed(state, package)):
                # A pin that only an extra brings in gives way to a line of the user, as the pins of other dependencies do.
                moved = 0 if package in state.brought else MOVED
                self.directs[package] = Scale(state.source, state.names[package], mask, moved)
        add_continuity(state)
        for _ in range(MOST_ROUNDS):
            core = self._settle_directs()
            if core is not None:
                return core
            if self._improve_directs() and self._settle_others():
                return self.optimal
        return False

    def _improve_directs(self) -> bool:
        """Minimise the total lag of the direct packages; return whether the solution is still valid."""
        state, names, chosen = self.state, self.state.names, self._chosen()
        counted = self._counted(chosen)
        if not self.optimal or all(scale.cost(chosen[names[it]]) == 0 for it, scale in counted.items()):
            return True
        self._limit_reads()
        stop = state.conflicts + self.limits.improve
        from pipx_parallel.resolver.improvement import Improvement  # few answers need it

        improvement = Improvement(self._counted, self._chosen, self._fixed())
        improved, optimal = improvement.improve(state, chosen, stop)
        self.optimal &= optimal
        return self._settle_as(improved)

    def _counted(self, chosen: Mapping[str, int]) -> Mapping[int, Scale]:
        return {it: scale for it, scale in self.directs.items() if self.state.names[it] in chosen}

    def _chosen(self) -> Mapping[str, int]:
        return reachable(self.state, self.roots)[0]

    def _settle_directs(self) -> Incompatibility | None:
        """Find a solution with the direct packages near their newest and as few relaxations as possible."""
        state, stop = self.state, self.limits.improve
        relaxed: frozenset[int] = frozenset()
        unproven: Incompatibility | None = None
        try:
            for _ in range(MOST_RELAXATIONS):
                self.guard = add_guard(state, relaxed)
                preferences = Preferences(state, stop, self._fixed())
                core = preferences.hold(self.directs.items()) or preferences.solve()
                if core is not None and self.guard in core.packages:
                    from pipx_parallel.resolver.relaxation import relax  # only if a soft constraint cannot hold

                    outcome = relax(state, stop, [it for it in self._fixed() if it != self.guard])
                    if isinstance(outcome, frozenset):
                        relaxed = outcome
                        continue
                    core = outcome
                if core is None or state.continuity not in core.packages:
                    state.last_read = NEVER
                    self.optimal &= state.continuity == NOTHING or not state.guesses
                    return core
                state.continuity = NOTHING  # there is no solution with interpolation: load every release
                if not self.is_final():
                    unproven, state.last_read = core, state.reads + MOST_UNPROVEN
        except LimitReachedError:
            if unproven is not None and state.reads > state.last_read:
                return unproven
        state.last_read = NEVER
        self.optimal = False
        self.guard = state.guard = state.continuity = NOTHING
        state.back_to(0)
        return search(state, self.limits.conflicts)

    def _fixed(self) -> list[int]:
        return [switch for switch in (self.guard, self.state.continuity) if switch != NOTHING]

    def _settle_others(self) -> bool:
        """Keep the direct packages and move all others as near to their newest as possible.

        Returns:
            Whether the solution is still valid.
        """
        state, chosen = self.state, self._chosen()
        stop = state.conflicts + self.limits.improve
        directs = {state.names[it]: chosen[state.names[it]] for it in state.direct if state.names[it] in chosen}
        fixed = [*self._fixed(), *pinned(state, directs)]
        self._limit_reads()
        held: dict[int, Scale] = {}
        try:
            while True:
                others = self._others(chosen)
                new = {it: self._scale(it) for it in others if it not in held}
                if not new or (not held and self._is_best_given_directs(others, chosen)):
                    break
                held.update(new)
                preferences = Preferences(state, stop, fixed)
                if preferences.hold(held.items()) or preferences.solve():
                    return False  # a bound that was loaded meanwhile excludes the releases of the direct packages
                chosen = self._chosen()
            if held:
                from pipx_parallel.resolver.improvement import Improvement  # as above: few need it

                chosen, optimal = Improvement(self._scales, self._chosen, fixed).improve(state, chosen, stop)
                self.optimal &= optimal
        except LimitReachedError:
            self.optimal = False
        return not held or self._settle_as(chosen)

    def _scales(self, chosen: Mapping[str, int]) -> Mapping[int, Scale]:
        return {it: self._scale(it) for it in self._others(chosen)}

    def _scale(self, package: int) -> Scale:
        state = self.state
        return Scale(state.source, state.names[package], allowed(state, package))

    def _others(self, chosen: Mapping[str, int]) -> list[int]:
        state, direct = self.state, set(self.state.direct)
        numbers = [state.numbers[name] for name in chosen]
        return [it for it in numbers if it not in direct and state.base[it] == NOTHING]

    def _is_best_given_directs(self, packages: Sequence[int], chosen: Mapping[str, int]) -> bool:
        """Return whether the direct packages exclude every better release of each of ``packages``.

        This is true for most inputs and avoids another search. Direct packages are decided first, so the trail has what they
        leave at the level of the last of them.
        """
        state, trail = self.state, self.state.trail
        level = max((trail.levels[trail.entries_of[it][-1]] for it in state.direct if trail.entries_of[it]), default=0)
        for package in packages:
            name = state.names[package]
            if state.source.choose(name, trail.at_level(package, level) & ~ABSENT) != chosen[name]:
                return False
        return True

    def _settle_as(self, chosen: Mapping[str, int]) -> bool:
        """Restore a solution, direct packages first; return False if bounds that were loaded since exclude it."""
        state, direct = self.state, set(self.state.direct)
        state.most_reads = NEVER
        state.back_to(0)
        own = {name: bit for name, bit in chosen.items() if state.numbers[name] in direct}
        rest = {name: bit for name, bit in chosen.items() if name not in own}
        core = assume(state, [*self._fixed(), *pinned(state, own)]) or assume(state, pinned(state, rest))
        return (core or search(state, state.conflicts + self.limits.conflicts, state.trail.level)) is None

    def _limit_reads(self) -> None:
        self.state.most_reads = self.state.reads + self.limits.reads
