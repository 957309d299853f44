"""The shortest markers over the parts of a lock and its targets: ``"web" in extras``. Pure.

An installer may select any set of extras and groups that do not conflict. Selecting an extra also selects the project's own
dependencies. A pin belongs to a selection if it belongs to one of the parts in it, so that it suffices to look at one part beside
each set of conflicting parts: a cell. If two parts that conflict are selected nevertheless, the pins of both are: an installer
refuses that, because it meets two releases of one project (PEP 751).
"""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from pipx_parallel.locks.parts import base_group, conflicting, forks_of, rival_pairs, rivals_of
from pipx_parallel.locks.term_cover import Term, joined_terms, shortest
from pipx_parallel.model import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipx_parallel.locks.parts import Fork
    from pipx_parallel.locks.target_markers import TargetSet
    from pipx_parallel.model import Parts

_MOST_SUBSETS = 5  # conflicting parts of one kind whose every subset is looked at for the shortest marker


class Member(NamedTuple):
    """One resolution that has a pin: its fork, the cells of its target, and the parts that the pin is for."""

    fork: Fork
    cells: int
    parts: frozenset[Part | None]


class _Literals(NamedTuple):
    """A conjunction: at most one part that is selected beside those that conflict, and what is said of these."""

    part: Part | None
    selected: Fork = ()
    refused: Fork = ()


class _Cell(NamedTuple):
    """A selection: a set of conflicting parts, and at most one other part."""

    fork: Fork
    part: Part | None


class PartSet:
    """The parts of a lock, and the markers that tell some selections of them from the others."""

    def __init__(self, parts: Parts, targets: TargetSet) -> None:
        """Take the parts and the targets."""
        self._targets = targets
        self._parts = parts
        self._group = base_group(parts)
        self._base = Part("group", self._group) if self._group is not None else None
        self._conflicting = conflicting(parts)
        named = [*(Part("extra", name) for name in parts.extras), *(Part("group", name) for name in parts.groups)]
        own = [self._base] if self._base is not None else []
        self._others = [*own, *(part for part in named if part not in self._conflicting)]
        self._forks = forks_of(parts)
        self._pairs = rival_pairs(parts)
        self._markers: dict[tuple[tuple[_Cell, int], ...], str | None] = {}

    def marker(self, members: Sequence[Member]) -> str | None:
        """Return the marker that is true where the pin of these resolutions is to be installed; None if that is always."""
        rows: dict[Fork, dict[Part | None, int]] = {}
        for member in members:
            row = rows.setdefault(member.fork, {})
            for part in member.parts:
                own = self._base if part is None else part
                row[own] = row.get(own, 0) | member.cells
        values = self._relevant(rows)
        key = tuple(values.items())
        if key not in self._markers:
            self._markers[key] = self._shortest(values)
        return self._markers[key]

    # --- which selections have the pin ------------------------------------------------------------------------------------

    def _value(self, rows: Mapping[Fork, Mapping[Part | None, int]], cell: _Cell) -> int:
        """Return the targets in which a selection has the pin."""
        forks = [cell.fork] if cell.fork not in self._pairs else [(part,) for part in cell.fork]
        value = 0
        for fork in forks:
            selected: list[Part | None] = [*fork, *([cell.part] if cell.part is not None else [])]
            if self._base is None or any(part is not None and part.kind == "extra" for part in selected):
                selected.append(self._base)
            row = rows.get(fork, {})
            for part in selected:
                value |= row.get(part, 0)
        return value

    def _relevant(self, rows: Mapping[Fork, Mapping[Part | None, int]]) -> dict[_Cell, int]:
        """Return the cells over those parts alone that make a difference, and their values."""
        every = [_Cell(fork, part) for fork in [*self._forks, *self._pairs] for part in (None, *self._others)]
        values = {cell: self._value(rows, cell) for cell in every}
        rest = [
            part
            for part in self._others
            if any(values[cell] != values[cell._replace(part=None)] for cell in every if cell.part == part)
        ]
        deciding = [
            part
            for part in self._conflicting
            if any(
                values[cell] != values[cell._replace(fork=tuple(other for other in cell.fork if other != part))]
                for cell in every
                if part in cell.fork
            )
        ]
        return {
            cell: value
            for cell, value in values.items()
            if (cell.part is None or cell.part in rest) and set(cell.fork) <= set(deciding)
        }

    # --- the text ---------------------------------------------------------------------------------------------------------

    def _shortest(self, values: Mapping[_Cell, int]) -> str | None:
        """Return the marker for these values, built from the smallest set of targets to the largest."""
        cells = list(values)
        terms = {_Literals(None): (1 << len(cells)) - 1} | {
            literals: mask
            for literals in self._literals(cells)
            if (mask := sum(1 << number for number, cell in enumerate(cells) if _holds(literals, cell)))
        }
        covered = [0] * len(cells)
        taken: dict[tuple[str, int], list[str]] = {}
        for targets in sorted(
            {value for value in values.values() if value}, key=lambda value: (value.bit_count(), value)
        ):
            wanted = sum(
                1 << number for number, value in enumerate(values.values()) if value == targets != covered[number]
            )
            allowed = sum(1 << number for number, value in enumerate(values.values()) if value & targets == targets)
            for literals in self._cover(terms, wanted, allowed):
                choices, rest = _split(literals)
                taken.setdefault((rest, targets), []).extend(choices)
                covered = [
                    value | targets if terms[literals] >> number & 1 else value for number, value in enumerate(covered)
                ]
        return self._joined(taken)

    def _cover(self, terms: Mapping[_Literals, int], wanted: int, allowed: int) -> list[_Literals]:
        if not wanted:
            return []
        whole = _Literals(None)
        if not terms[whole] & ~allowed:
            return [whole]
        by_text = {
            " and ".join(filter(None, [*_split(literals)[0], _split(literals)[1]])): literals
            for literals in terms
            if literals != whole
        }
        rows = (Term(terms[literals], text) for text, literals in by_text.items())
        return [by_text[term.text] for term in shortest(wanted, rows, allowed)]

    def _joined(self, taken: Mapping[tuple[str, int], Sequence[str]]) -> str | None:
        """Return all terms as one marker; those that differ only in one selected part share the rest."""
        terms: list[Term] = []
        for (fork, targets), choices in taken.items():
            words = [text for text in (" or ".join(choices), fork, self._targets.marker_of(targets)) if text]
            if not words:
                return None
            terms.append(Term(targets, " and ".join(map(_grouped, words) if len(words) > 1 else words)))
        return joined_terms(sorted(terms, key=lambda term: -term.cells.bit_count()))

    def _literals(self, cells: Sequence[_Cell]) -> Iterator[_Literals]:
        """Yield every conjunction that may be of use for these cells."""
        parts = dict.fromkeys(cell.part for cell in cells)
        deciding = dict.fromkeys(part for cell in cells for part in cell.fork)
        options = [list(self._said_of(kind)) for kind in _kinds(list(deciding), self._parts)]
        for part in parts:
            for row in product(*options):
                selected = tuple(other for chosen, _ in row for other in chosen)
                yield _Literals(part, selected, tuple(other for _, refused in row for other in refused))

    def _said_of(self, kind: Fork) -> Iterator[tuple[Fork, Fork]]:
        """Yield what a conjunction can say of parts that conflict with one another: which are selected, which are not."""
        forks = [fork for fork in (*self._forks, *self._pairs) if set(fork) <= set(kind)]
        if len(kind) > _MOST_SUBSETS:
            yield (), ()
            for part in kind:
                rivals = rivals_of(part, self._parts)
                yield from [((part,), ()), ((), (part,))]
                yield (part,), tuple(other for other in kind if other != part and other not in rivals)
            yield from ((fork, tuple(part for part in kind if part not in fork)) for fork in forks)
            return
        for fork in forks:
            rest = [part for part in kind if part not in fork]
            for size in range(len(rest) + 1):
                yield from ((fork, refused) for refused in combinations(rest, size))


def _kinds(parts: Sequence[Part], every: Parts) -> list[Fork]:
    """Return the parts in sets that are independent of one another: no part conflicts with a part of another set."""
    kinds: list[set[Part]] = []
    for part in parts:
        near = rivals_of(part, every) | {part}
        joined = [kind for kind in kinds if kind & near]
        kinds = [kind for kind in kinds if not kind & near] + [near.union(*joined)]
    return [tuple(part for part in parts if part in kind) for kind in kinds]


def _holds(literals: _Literals, cell: _Cell) -> bool:
    return (
        literals.part in {None, cell.part}
        and set(literals.selected) <= set(cell.fork)
        and set(literals.refused).isdisjoint(cell.fork)
    )


def _split(literals: _Literals) -> tuple[list[str], str]:
    """Return the one selected part of a conjunction, if there is one, and the rest."""
    if literals.part is None and len(literals.selected) == 1:
        return [_selected(literals.selected[0])], _fork_text(literals._replace(selected=()))
    return ([] if literals.part is None else [_selected(literals.part)]), _fork_text(literals)


def _fork_text(literals: _Literals) -> str:
    words = [*map(_selected, literals.selected), *(_selected(part, no="not ") for part in literals.refused)]
    return " and ".join(words)


def _selected(part: Part, no: str = "") -> str:
    return f'"{part.name}" {no}in {"extras" if part.kind == "extra" else "dependency_groups"}'


def _grouped(text: str) -> str:
    return f"({text})" if " or " in text else text
