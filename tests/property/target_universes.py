"""Small universes for several targets at random, and the fewest splits that a lock of each can have, by exhaustion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from random import Random
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from pipx_parallel.config.settings import TargetSettings
from pipx_parallel.model import Target
from tests.support.memory_index import Projects
from tests.support.universal import targets_of

ASKED = TargetSettings(targets=("3.10 linux", "3.12 linux", "3.12 windows"))
_NAMES = ("pa", "pb", "pc", "pd", "pe")
_VERSIONS = ("1.0", "2.0", "3.0")
_SPECIFIERS = ("", "", "", "=={0}", "!={0}", ">={0}", "<={0}")
_MARKERS = ("", "", "", "python_version < '3.12'", "python_version >= '3.12'", "sys_platform == 'win32'",
            "sys_platform == 'linux'")  # fmt: skip
_PYTHONS = (None, None, None, None, "<3.12", ">=3.12")
_MOST_ANSWERS = 60  # of one target: universes with more are not compared

Answer = Mapping[str, str]


class Universe(NamedTuple):
    """An index and the lines of the user."""

    packages: Projects
    roots: tuple[str, ...]


def universe(random: Random) -> Universe:
    """Draw an index of five projects with up to three releases, and two or three lines."""
    packages = {
        name: {
            version: {"requires": _lines(random, [other for other in _NAMES if other > name]), "python": python}
            for version in _VERSIONS[: random.choice((1, 2, 2, 3, 3))]
            for python in (random.choice(_PYTHONS),)
        }
        for name in _NAMES
    }
    roots = [_line(random, name) for name in random.sample(_NAMES, random.choice((2, 3)))]
    return Universe(packages, tuple(roots))


def _lines(random: Random, names: Sequence[str]) -> list[str]:
    return [_line(random, name) for name in random.sample(names, min(len(names), random.choice((0, 0, 1, 1, 2))))]


def _line(random: Random, name: str) -> str:
    marker = random.choice(_MARKERS)
    specifier = random.choice(_SPECIFIERS).format(random.choice(_VERSIONS))
    return f"{name}{specifier}{marker and f'; {marker}'}"


def answers(given: Universe, target: Target) -> list[Answer]:
    """Return every set of releases that the lines of the user need, and only these, for one target."""
    rows: dict[tuple[tuple[str, str], ...], None] = {}
    for chosen in _closed(given, target, {}, _active(given.roots, target)):
        rows[tuple(sorted(chosen.items()))] = None
    return [dict(row) for row in rows]


def _active(lines: Sequence[str], target: Target) -> list[Requirement]:
    rows = map(Requirement, lines)
    return [row for row in rows if row.marker is None or row.marker.evaluate(dict(target.markers))]


def _closed(given: Universe, target: Target, chosen: Answer, pending: Sequence[Requirement]) -> Iterator[Answer]:
    """Yield each way to satisfy the pending requirements, given what is chosen."""
    if not pending:
        yield chosen
        return
    row, *rest = pending
    if row.name in chosen:
        if chosen[row.name] in row.specifier:
            yield from _closed(given, target, chosen, rest)
        return
    for version, release in given.packages[row.name].items():
        python = release["python"]  # type: ignore[call-overload]
        if version in row.specifier and (python is None or target.python_full_version in SpecifierSet(python)):
            needed = _active(release["requires"], target)  # type: ignore[call-overload]
            yield from _closed(given, target, {**chosen, row.name: version}, [*rest, *needed])


def fewest_splits(given: Universe) -> int | None:
    """Return the least number of releases beyond one for each project; None if a target has no answer, or too many."""
    each = [answers(given, target) for target in targets_of(ASKED)]
    if not all(each) or any(len(rows) > _MOST_ANSWERS for rows in each):
        return None
    return min(splits(rows) for rows in product(*each))


def splits(rows: Sequence[Answer]) -> int:
    """Return how many releases the answers of all targets have beyond one for each project."""
    releases = {row for answer in rows for row in answer.items()}
    return len(releases) - len({name for name, _ in releases})
