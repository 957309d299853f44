"""Conflict analysis: learn a clause from a conflict, up to the first unique implication point.

The conflicting incompatibility is resolved with the reasons of its latest terms until only one term is from the last level.
The result is a consequence of the facts alone. After a backjump to the level of its second latest term it narrows a package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.resolver.ports import equal_by_type
from pipx_parallel.resolver.terms import Derived, Incompatibility

if TYPE_CHECKING:
    from pipx_parallel.resolver.state import SearchState


@equal_by_type
class Learned(NamedTuple):
    """A learned clause: it narrows its first package after a backjump to ``level``."""

    clause: Incompatibility
    level: int


class Terms:
    """An incompatibility during resolution: masks and satisfying trail entries by package."""

    __slots__ = ("entry", "masks", "parts", "state")

    def __init__(self, state: SearchState, clause: Incompatibility) -> None:
        """Start from an incompatibility whose terms all hold."""
        self.state = state
        self.masks: dict[int, int] = {}
        self.entry: dict[int, int] = {}
        self.parts: list[Incompatibility] = [clause]
        for package, mask in zip(clause.packages, clause.masks, strict=True):
            self.put(package, mask)

    def put(self, package: int, mask: int) -> None:
        """Set a term; drop it if it always holds."""
        entry = self.state.trail.satisfier(package, mask)
        if entry < 0:
            self.masks.pop(package, None)
            self.entry.pop(package, None)
        else:
            self.masks[package] = mask
            self.entry[package] = entry

    def latest(self) -> tuple[int, int, int]:
        """Return the package whose term was satisfied last, its entry, and the last entry of the others (-1 if none)."""
        first = second = -1
        package = -1
        for name, entry in self.entry.items():
            if entry > first:
                package, first, second = name, entry, first
            elif entry > second:
                second = entry
        return package, first, second

    def resolve(self, pivot: int, reason: Incompatibility) -> None:
        """Resolve with ``reason``: replace the term of ``pivot`` by the terms that implied it."""
        self.parts.append(reason)
        for package, mask in zip(reason.packages, reason.masks, strict=True):
            mine = self.masks.get(package)
            if package == pivot:
                self.put(package, mask | self.masks[package])
            else:
                self.put(package, mask if mine is None else mask & mine)


def analyse(state: SearchState, conflict: Incompatibility, base_level: int = 0) -> Learned | Incompatibility:
    """Return the clause to learn from an incompatibility whose terms all hold.

    If the conflict does not depend on levels above ``base_level``, return an incompatibility of the decisions up to that
    level; for level 0 it has no terms (a refutation).
    """
    trail = state.trail
    terms = Terms(state, conflict)
    touched: dict[int, None] = {}
    while terms.masks:
        pivot, entry, second = terms.latest()
        level = trail.levels[entry]
        if level <= base_level:
            break
        if second < 0 or trail.levels[second] < level:
            _shorten(terms, pivot)
            return _learned(state, terms, pivot, touched)
        reason = trail.reasons[entry]
        if reason is None:  # above the base level a decision opens its level, so other terms are from earlier levels
            raise RuntimeError("Bug: the conflict rests on two decisions of one level")
        touched[pivot] = None
        terms.resolve(pivot, reason)
    return _decisions_in(terms)


def decisions_behind(state: SearchState, conflict: Incompatibility) -> Incompatibility:
    """Return the decisions that imply an incompatibility whose terms all hold; without terms it is a refutation."""
    return _decisions_in(Terms(state, conflict))


def _decisions_in(terms: Terms) -> Incompatibility:
    """Resolve until only decisions remain."""
    reasons = terms.state.trail.reasons
    while True:
        derived = ((entry, package) for package, entry in terms.entry.items() if reasons[entry] is not None)
        entry, package = max(derived, default=(-1, -1))
        reason = reasons[entry] if entry >= 0 else None
        if reason is None:
            return Incompatibility(list(terms.masks), list(terms.masks.values()), Derived(tuple(terms.parts)))
        terms.resolve(package, reason)


def _learned(state: SearchState, terms: Terms, pivot: int, touched: dict[int, None]) -> Learned:
    trail = state.trail
    others = sorted((package for package in terms.masks if package != pivot), key=lambda it: -terms.entry[it])
    packages = [pivot, *others]
    for package in (*touched, *(it for it in packages if it not in touched)):
        state.activity[package] += 1
    cause = Derived(tuple(terms.parts))
    clause = Incompatibility(packages, [terms.masks[package] for package in packages], cause)
    return Learned(clause, trail.levels[terms.entry[others[0]]] if others else 0)


def _shorten(terms: Terms, pivot: int) -> None:
    """Minimise the clause: drop terms whose reason adds no other term."""
    trail = terms.state.trail
    for package in list(terms.masks):
        if package == pivot:
            continue
        reason = trail.reasons[terms.entry[package]]
        if reason is not None and _implied(terms, package, reason):
            terms.resolve(package, reason)


def _implied(terms: Terms, package: int, reason: Incompatibility) -> bool:
    for name, mask in zip(reason.packages, reason.masks, strict=True):
        if name == package:
            if terms.state.universe[package] & ~(mask | terms.masks[package]):
                return False
        else:
            mine = terms.masks.get(name)
            if mine is None or mine & ~mask:
                return False
    return True
