"""The shortest list of terms that is true in some cells and in no others: what markers are made of. Pure.

A cell is one case that a marker has to decide: a target, or a choice of extras and groups. A term is a conjunction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MOST_STEPS = 20_000  # of the search for the shortest list of terms; beyond it the best list so far is taken


class Term(NamedTuple):
    """One conjunction: the cells where it is true, and its text."""

    cells: int
    text: str


def shortest(wanted: int, terms: Iterable[Term], allowed: int | None = None) -> list[Term]:
    """Return terms of the least length in sum that are true in all wanted cells, and in no cell that is not allowed."""
    forbidden = ~(wanted if allowed is None else allowed)
    usable = [
        Term(term.cells & wanted, term.text) for term in terms if term.cells & wanted and not term.cells & forbidden
    ]
    cover = _Cover(wanted, sorted(usable, key=_by_length)).best()
    return sorted(cover, key=lambda term: (term.cells & -term.cells, term.text))


class _Cover:
    """The search for terms of the least length in sum that are true in all wanted cells."""

    def __init__(self, wanted: int, terms: Sequence[Term]) -> None:
        """Keep the terms that no shorter term replaces; ``terms`` are sorted by length."""
        self.wanted = wanted
        self.terms: list[Term] = []
        for term in terms:
            if not any(term.cells & ~other.cells == 0 for other in self.terms):
                self.terms.append(term)
        self.steps = _MOST_STEPS
        self.shortest: tuple[tuple[int, int], list[Term]] = ((1 << 30, 0), [])

    def best(self) -> list[Term]:
        """Return the terms."""
        self._greedy()
        self._search(self.wanted, [], 0)
        return self.shortest[1]

    def _greedy(self) -> None:
        rest, taken = self.wanted, []
        while rest:
            term = max(self.terms, key=lambda term: ((term.cells & rest).bit_count() / len(term.text), -len(term.text)))
            taken.append(term)
            rest &= ~term.cells
        self._keep(taken)

    def _search(self, rest: int, taken: list[Term], length: int) -> None:
        self.steps -= 1
        if not rest:
            self._keep(taken)
            return
        if self.steps < 0:
            return
        cell = rest & -rest
        for term in self.terms:
            longer = length + _length(term)
            if longer - _length(term) + len(term.text) > self.shortest[0][0]:
                return  # the terms are sorted by length
            if term.cells & cell:
                self._search(rest & ~term.cells, [*taken, term], longer)

    def _keep(self, taken: list[Term]) -> None:
        length = (len(joined_terms(taken)), len(taken))
        if length < self.shortest[0]:
            self.shortest = (length, taken)


def joined_terms(terms: Sequence[Term]) -> str:
    """Return the terms as one marker."""
    if len(terms) == 1:
        return terms[0].text
    return " or ".join(f"({term.text})" if " and " in term.text else term.text for term in terms)


def _length(term: Term) -> int:
    """Return how much a term adds to a marker of several."""
    return len(term.text) + 4 + 2 * (" and " in term.text)


def _by_length(term: Term) -> tuple[int, int, str]:
    return _length(term), -term.cells.bit_count(), term.text
