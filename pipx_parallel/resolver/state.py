"""The state of one search: packages by number, the trail, the tables, learned clauses, and the decision queue.

Facts (tables, units, universes) only grow and hold at every level; only the trail backtracks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pipx_parallel.resolver.dependency_table import NO_SWITCH, ON, DependencyTable
from pipx_parallel.resolver.ports import ABSENT, SolverObserver, Unavailable
from pipx_parallel.resolver.terms import ExtraOf, Incompatibility, Preferred
from pipx_parallel.resolver.trail import Trail

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from pipx_parallel.resolver.ports import CandidateSource, Edge, RootEdge
    from pipx_parallel.resolver.terms import Dependency, Unusable

NOTHING = -1
NEVER = 1 << 60  # the index of a variable that is not in the decision queue


class SolutionBound(Protocol):
    """A condition on solutions beyond the facts; a method that returns True has added an incompatibility or a decision."""

    def exceeded(self) -> bool:
        """Return whether the partial assignment violates the condition."""
        ...

    def leave_out(self) -> bool:
        """Return whether, after all packages are decided, one had to be excluded."""
        ...


class SearchState:
    """The state that the phases (propagate, conflict, decide) share."""

    def __init__(self, source: CandidateSource, observer: SolverObserver | None = None) -> None:
        """Start with no package."""
        self.bounds_of: Callable[[str], Sequence[RootEdge]] = lambda _: ()  # the constraints on a package that is met
        self.roots: list[RootEdge] = []  # all that were applied, constraints that were met included
        self.source = source
        self.observer = observer or SolverObserver()
        self.trail = Trail()
        # packages, all by number
        self.names: list[str] = []
        self.numbers: dict[str, int] = {}
        self.universe: list[int] = []
        self.base: list[int] = []  # per switch: the package whose extra it is, else NOTHING
        self.switches: list[list[int]] = []
        # facts
        self.units: list[list[Incompatibility]] = []
        self.newest: list[int] = []  # per package: the newest release that a requirement without bounds allows
        self.capped: dict[DependencyTable, None] = {}  # tables with upper bounds that older releases inherit
        # soft constraints
        self.preferred: dict[tuple[int, int], int] = {}
        self.escapes: dict[tuple[int, int, int], int] = {}
        self.guard = NOTHING
        self.continuity = NOTHING
        self.guesses = 0
        self.relaxed: Container[int] = ()
        self.wanted_extras: set[int] = set()  # requested switches that the newest allowed release has
        self.bound: SolutionBound | None = None
        self.unit_causes: dict[tuple[int, Dependency | Unusable], Incompatibility] = {}
        self.tables: dict[tuple[int, int, int], DependencyTable] = {}
        self.tables_of: list[list[DependencyTable]] = []  # per package: every table it is parent, child or switch of
        # per package (or switch): the loaded edges, by release bit
        self.dependencies: list[dict[int, Sequence[Edge]]] = []
        self.fresh: list[tuple[int, int]] = []  # (level, package) of facts added above level 0
        # learned
        self.watching: list[list[Incompatibility]] = []
        # order of work
        self.direct: list[int] = []  # the direct packages, in the order written
        self.brought: frozenset[int] = frozenset()  # those of them that only extras bring in
        self.decision_queue: list[int] = []
        self.queue_index: list[int] = []  # per package: its index in the decision queue
        self.pointer = 0  # every package of the decision queue before it is decided
        self.activity: list[int] = []  # how often a package took part in a conflict
        self.wanted: list[int] = []  # packages that became required since the last hint
        self.hinted: list[bool] = []
        self.tried: list[int] = []
        self.rejections: list[int] = []
        self.decisions = self.conflicts = 0
        self.learned = 0
        self.reads = 0  # releases whose dependencies were loaded
        self.most_reads = NEVER  # if exceeded, a conflict ends the search
        self.last_read = NEVER  # if exceeded, the next step ends the search

    def intern(self, name: str) -> int:
        """Return the number of a package; load its domain on first use."""
        number = self.numbers.get(name)
        if number is not None:
            return number
        self.observer.asks(name)
        base_name = self.source.switch_of(name)
        base = NOTHING if base_name is None else self.intern(base_name)
        universe = ABSENT | (self._domain(name) if base == NOTHING else ON)
        number = self.add_variable(name, universe, base)
        self.queue_index[number] = len(self.decision_queue)
        self.decision_queue.append(number)
        if base == NOTHING and universe != ABSENT:
            self.newest[number] = self.source.newest(name)
        if base != NOTHING:
            self._tie(number, base)
        return number

    def add_variable(self, name: str, universe: int, base: int = NOTHING) -> int:
        """Add a package or a switch, outside the decision queue, and return its number."""
        number = self.numbers[name] = len(self.names)
        self.names.append(name)
        self.universe.append(universe)
        self.base.append(base)
        self.switches.append([])
        self.units.append([])
        self.tables_of.append([])
        self.watching.append([])
        self.dependencies.append({})
        self.queue_index.append(NEVER)
        self.activity.append(0)
        self.hinted.append(False)
        self.tried.append(NOTHING)
        self.rejections.append(0)
        self.newest.append(0)
        self.trail.add_package(universe)
        return number

    def prefer(self, package: int, allowed: int) -> int:
        """Return a switch that, while on, keeps a package within ``allowed`` (with ``ABSENT``: or not installed).

        The search assumes such switches and drops them. Clauses that it learns while they are on contain them, so they stay valid.
        """
        switch = self.preferred.get((package, allowed))
        if switch is None:
            switch = self.preferred[package, allowed] = self.add_variable(f"\0{len(self.names)}", ABSENT | ON, NOTHING)
            self.hinted[switch] = True
            cause = Preferred(self.names[package])
            self.table(switch, package, NO_SWITCH).add_row(ON, allowed, cause, cause)
        return switch

    def _domain(self, name: str) -> int:
        domain = self.source.domain(name)
        return 0 if isinstance(domain, Unavailable) else domain & ~ABSENT

    def _tie(self, switch: int, base: int) -> None:
        self.switches[base].append(switch)
        cause = ExtraOf(self.names[switch], self.names[base])
        table = self.table(switch, base, NO_SWITCH)
        table.add_row(ON, self.universe[base] & ~ABSENT, cause, cause)

    def table(self, parent: int, child: int, switch: int) -> DependencyTable:
        """Return the table of that triple; create it on first use.

        If ``switch`` is the child itself, it is a second, unconditional table of the pair, for releases that exclude the extra.
        """
        table = self.tables.get((parent, child, switch))
        if table is None:
            condition = NO_SWITCH if switch == child else switch
            table = self.tables[parent, child, switch] = DependencyTable(parent, child, condition, self.universe[child])
            self.tables_of[parent].append(table)
            self.tables_of[child].append(table)
            if condition != NO_SWITCH:
                self.tables_of[condition].append(table)
        return table

    def add_unit(self, package: int, mask: int, cause: Dependency | Unusable) -> None:
        """Exclude ``mask`` of a package; facts with equal causes share one incompatibility."""
        unit = self.unit_causes.get((package, cause))
        if unit is None:
            unit = self.unit_causes[package, cause] = Incompatibility([package], [mask], cause)
            self.units[package].append(unit)
        unit.masks[0] |= mask
        self.refresh(package)

    def refresh(self, package: int) -> None:
        """Queue a package that has new facts, now and after every backjump below this level."""
        self.trail.touch(package)
        if self.trail.level:
            self.fresh.append((self.trail.level, package))

    def narrow(self, package: int, mask: int, reason: Incompatibility | None) -> None:
        """Narrow a package on the trail; record if it becomes required."""
        if not mask & ABSENT and self.trail.current[package] & ABSENT:
            self.wanted.append(package)
            self.pointer = min(self.pointer, self.queue_index[package])
        self.trail.narrow(package, mask, reason)

    def back_to(self, level: int) -> None:
        """Backtrack to a level. Facts that were added above it are processed again, because they may apply here."""
        self.trail.back_to(level)
        self.pointer = 0
        fresh = self.fresh
        start = len(fresh)
        while start and fresh[start - 1][0] > level:
            start -= 1
            self.trail.touch(fresh[start][1])
        tail = list(dict.fromkeys(package for _, package in fresh[start:]))
        fresh[start:] = [(level, package) for package in tail] if level else []

    def add_clause(self, clause: Incompatibility) -> None:
        """Add an incompatibility of at least two terms, and queue its packages."""
        for package in clause.packages[:2]:
            self.watching[package].append(clause)
            self.refresh(package)

    def watch(self, clause: Incompatibility) -> None:
        """Add a learned clause. Its first two terms are watched."""
        self.learned += 1
        if len(clause.packages) == 1:
            self.units[clause.packages[0]].append(clause)
            return
        self.watching[clause.packages[0]].append(clause)
        self.watching[clause.packages[1]].append(clause)
