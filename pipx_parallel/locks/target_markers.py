"""The shortest markers over a set of targets: true in some of them, false in the others. Pure.

A target is a row of values: a range of Python versions, the system, the machine, the implementation. A marker is a list of
terms joined by ``or``; a term bounds the Python version and says of each other variable ``==`` or ``!=`` one value, or nothing.
Environments that are no target do not count: that is what makes ``python_version < "3.12"`` shorter than a list of versions.
"""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipx_parallel.locks.term_cover import Term
    from pipx_parallel.model import Target

Version = tuple[int, ...]
Range = tuple[Version, Version]  # from the first up to, and without, the second

SYSTEM_VARIABLES = ("sys_platform", "platform_machine", "implementation_name")
# Looked at only if two targets differ in nothing else.
_RARE = ("platform_python_implementation", "os_name", "platform_system", "implementation_version")


def python_range(target: Target) -> Range:
    """Return the Python versions that a target stands for: its minor series, or the part of it that it was resolved for."""
    parts = [int(part) for part in target.markers.get("python_version", "0.0").split(".")[:2] if part.isdecimal()]
    major, minor = (*parts, 0, 0)[:2]
    low = _numbers(target.python_from) or (major, minor, 0)
    return low, _numbers(target.python_until) or (major, minor + 1, 0)


class TargetSet:
    """Targets, and the markers that tell some of them from the others."""

    def __init__(self, targets: Sequence[Target]) -> None:
        """Cut the Python versions where a target begins or ends: each target is then a set of cells."""
        self._variables = _variables(targets)
        ranges = [python_range(target) for target in targets]
        bounds = sorted({bound for pair in ranges for bound in pair})
        pieces = list(pairwise(bounds))
        self._pieces = [piece for piece in pieces if any(low <= piece[0] < high for low, high in ranges)]
        self._values = [tuple(target.markers.get(name, "") for name in self._variables) for target in targets]
        cells: dict[tuple[int, tuple[str, ...]], int] = {}
        self._cells_of: list[int] = []
        for values, (low, high) in zip(self._values, ranges, strict=True):
            own = 0
            for number, piece in enumerate(self._pieces):
                if low <= piece[0] < high:
                    own |= 1 << cells.setdefault((number, values), len(cells))
            self._cells_of.append(own)
        self._cells = cells
        self._every = (1 << len(cells)) - 1
        self._terms: list[Term] | None = None
        self._markers: dict[int, str] = {}

    def marker(self, chosen: Iterable[int]) -> str | None:
        """Return the marker that is true in the chosen targets (numbers) and false in the others; None if all are chosen.

        Targets whose variables are all equal cannot be distinguished: the marker is true in both.
        """
        wanted = 0
        for number in chosen:
            wanted |= self.cells_of(number)
        return self.marker_of(wanted)

    def cells_of(self, number: int) -> int:
        """Return the cells of a target, as a mask."""
        return self._cells_of[number]

    def marker_of(self, wanted: int) -> str | None:
        """Return the marker that is true in these cells and false in the others; None if these are all."""
        if wanted == self._every:
            return None
        text = self._markers.get(wanted)
        if text is None:
            text = self._markers[wanted] = self._shortest(wanted)
        return text

    def _shortest(self, wanted: int) -> str:
        from pipx_parallel.locks.term_cover import joined_terms, shortest  # only with several targets

        if self._terms is None:
            self._terms = list(self._all_terms())
        return joined_terms(shortest(wanted, self._terms))

    def _all_terms(self) -> Iterator[Term]:
        """Yield the shortest term for each set of cells that a term can describe."""
        from pipx_parallel.locks.term_cover import Term  # as above

        shortest: dict[int, str] = {}
        options = [list(self._python_literals()), *map(self._literals, range(len(self._variables)))]
        for row in product(*options):
            cells = self._every
            for mask, _ in row:
                cells &= mask
            words = [text for _, text in row if text]
            text = " and ".join(words)
            if cells and words and (cells not in shortest or len(text) < len(shortest[cells])):
                shortest[cells] = text
        for cells, text in shortest.items():
            yield Term(cells, text)

    def _python_literals(self) -> Iterator[tuple[int, str]]:
        """Yield each run of pieces, with the shortest text that is true in it and false in the other pieces."""
        count = len(self._pieces)
        masks = [0] * count
        for (number, _), cell in self._cells.items():
            masks[number] |= 1 << cell
        for first in range(count):
            mask = 0
            for last in range(first, count):
                mask |= masks[last]
                low = None if first == 0 else self._pieces[first][0]
                high = None if last == count - 1 else self._pieces[last][1]
                yield mask, _python_text(low, high)

    def _literals(self, variable: int) -> list[tuple[int, str]]:
        """Return what a term can say of a variable: nothing, that it has a value, that it has another value."""
        masks: dict[str, int] = {}
        for (_, values), cell in self._cells.items():
            masks[values[variable]] = masks.get(values[variable], 0) | 1 << cell
        name = self._variables[variable]
        literals = [(self._every, "")]
        for value, mask in masks.items() if len(masks) > 1 else ():
            if '"' not in value:
                literals += [(mask, f'{name} == "{value}"'), (self._every & ~mask, f'{name} != "{value}"')]
        return literals


def environments(targets: Sequence[Target]) -> tuple[str, ...]:
    """Return markers that are true in these targets and nowhere else: ``environments`` of PEP 751.

    Targets that differ only in their Python are one environment if their versions follow one another.
    """
    variables = _variables(targets)
    ranges: dict[tuple[str, ...], list[Range]] = {}
    for target in targets:
        values = tuple(target.markers.get(name, "") for name in variables)
        ranges.setdefault(values, []).append(python_range(target))
    markers = []
    for values, parts in ranges.items():
        words = [f'{name} == "{value}"' for name, value in zip(variables, values, strict=True) if _is_said(value)]
        markers += [" and ".join([_exact_python(*part), *words]) for part in joined_ranges(parts)]
    return tuple(dict.fromkeys(markers))


def requires_python(targets: Sequence[Target]) -> str | None:
    """Return the range of Python versions that the targets span, as a specifier; None if none of them states a version."""
    ranges = [python_range(target) for target in targets if target.markers.get("python_version")]
    if not ranges:
        return None
    return f"<{short_version(max(high for _, high in ranges))},>={short_version(min(low for low, _ in ranges))}"


def _variables(targets: Sequence[Target]) -> tuple[str, ...]:
    variables: tuple[str, ...] = SYSTEM_VARIABLES
    for name in _RARE:
        rows = {(python_range(target), *[target.markers.get(key, "") for key in variables]) for target in targets}
        more = {
            (python_range(target), *[target.markers.get(key, "") for key in (*variables, name)]) for target in targets
        }
        if len(more) > len(rows):
            variables = (*variables, name)
    return variables


def joined_ranges(ranges: Iterable[Range]) -> list[Range]:
    """Return the ranges sorted, those that follow one another as one."""
    joined: list[Range] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return joined


def _python_text(low: Version | None, high: Version | None) -> str:
    """Return the literals that bound the Python version, "" for no bound."""
    if low and high and _is_series(low, high):
        return f'python_version == "{short_version(low)}"'
    return " and ".join(_bound(sign, bound) for sign, bound in ((">=", low), ("<", high)) if bound)


def _exact_python(low: Version, high: Version) -> str:
    """Return the literals that are true of these Python versions and no others."""
    if _is_series(low, high):
        return f'python_version == "{short_version(low)}"'
    if low[:2] == high[:2] or high == (low[0], low[1] + 1, 0):
        bounds = [(">=", low)] * bool(low[2]) + [("<", high)] * bool(high[2])
        return " and ".join([f'python_version == "{low[0]}.{low[1]}"', *(_bound(*bound) for bound in bounds)])
    return f"{_bound('>=', low)} and {_bound('<', high)}"


def _bound(sign: str, version: Version) -> str:
    return f'{"python_full_version" if version[2] else "python_version"} {sign} "{short_version(version)}"'


def _is_series(low: Version, high: Version) -> bool:
    return low[2] == 0 and high == (low[0], low[1] + 1, 0)


def short_version(version: Version) -> str:
    """Return ``3.11`` for the start of a series, else ``3.11.3``."""
    return ".".join(map(str, version if version[2] else version[:2]))


def _numbers(text: str) -> Version | None:
    return tuple(int(part) for part in text.split(".")) if text else None


def _is_said(value: str) -> bool:
    return bool(value) and '"' not in value
