"""The partial assignment: the possible values of every package, and the narrowings in order.

Packages are numbers here. A package starts at its universe and is only narrowed. Every narrowing is an entry with its level
and its reason (None for a decision). Backtracking to a level restores the earlier values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipx_parallel.resolver.terms import Incompatibility


class Trail:
    """Entries in parallel lists, the current masks, and the queue of packages to propagate."""

    __slots__ = (
        "before",
        "current",
        "entries_of",
        "level",
        "levels",
        "packages",
        "queue",
        "queued",
        "reasons",
        "starts",
    )

    def __init__(self) -> None:
        """Start with no package, at level 0."""
        self.current: list[int] = []  # per package: its possible values
        self.entries_of: list[list[int]] = []  # per package: its entries, oldest first
        self.packages: list[int] = []  # per entry, as the next three lists
        self.before: list[int] = []
        self.reasons: list[Incompatibility | None] = []
        self.levels: list[int] = []
        self.starts: list[int] = []  # per level above 0: its first entry
        self.level = 0
        self.queue: list[int] = []
        self.queued: list[bool] = []

    def add_package(self, universe: int) -> None:
        """Add the next package."""
        self.current.append(universe)
        self.entries_of.append([])
        self.queued.append(False)

    def narrow(self, package: int, mask: int, reason: Incompatibility | None) -> None:
        """Narrow a package to a non-empty proper subset of its possible values, and queue it."""
        self.entries_of[package].append(len(self.packages))
        self.packages.append(package)
        self.before.append(self.current[package])
        self.reasons.append(reason)
        self.levels.append(self.level)
        self.current[package] = mask
        self.touch(package)

    def touch(self, package: int) -> None:
        """Queue a package for propagation."""
        if not self.queued[package]:
            self.queued[package] = True
            self.queue.append(package)

    def open_level(self) -> None:
        """Start a new level; the next entries belong to it."""
        self.starts.append(len(self.packages))
        self.level += 1

    def back_to(self, level: int) -> None:
        """Undo every entry above ``level`` and clear the queue; do nothing if there is none."""
        if level >= self.level:
            return
        self.clear_queue()
        start = self.starts[level]
        for entry in range(len(self.packages) - 1, start - 1, -1):
            package = self.packages[entry]
            self.current[package] = self.before[entry]
            self.entries_of[package].pop()
        del self.packages[start:], self.before[start:], self.reasons[start:], self.levels[start:]
        del self.starts[level:]
        self.level = level

    def clear_queue(self) -> None:
        """Clear the queue."""
        for package in self.queue:
            self.queued[package] = False
        self.queue.clear()

    def at_level(self, package: int, level: int) -> int:
        """Return the possible values of the package at the end of a level."""
        for entry in self.entries_of[package]:
            if self.levels[entry] > level:
                return self.before[entry]
        return self.current[package]

    def satisfier(self, package: int, mask: int) -> int:
        """Return the first entry after which the package is within ``mask``; -1 if it always is.

        The package must be within ``mask`` now.
        """
        satisfier = -1
        before = self.before
        for entry in reversed(self.entries_of[package]):
            if before[entry] & ~mask:
                satisfier = entry
                break
        return satisfier
