"""``audit --fix``: the fewest pins that have to move, against every answer that a small universe has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement

from pipx_parallel.config.settings import TargetSettings
from pipx_parallel.resolution.fewest_moves import fewest_moves
from pipx_parallel.resolution.resolve import resolve
from tests.property.batches import batches, for_seeds
from tests.support.memory_index import Projects
from tests.support.scenarios import SOURCE, memory_mirror, understood
from tests.support.universal import targets_of

ASKED = TargetSettings(targets=("3.12 linux",))
_NAMES = ("pa", "pb", "pc", "pd", "pe", "pf")
_VERSIONS = ("1.0", "2.0", "3.0", "4.0")
_SPECIFIERS = ("", "=={0}", ">={0}", "<={0}", "<={0}", "!={0}")

Answer = Mapping[str, str]


class Universe(NamedTuple):
    """An index, the lines of the user, the pins of a lock of an earlier day, and the releases with advisories."""

    packages: Projects
    roots: tuple[str, ...]
    lock: Answer
    affected: frozenset[tuple[str, str]]


def universe(random: Random) -> Universe:
    """Draw an index of six projects, and take one of its answers as the lock; some of its pins are affected."""
    packages = {
        name: {
            version: _lines(random, [other for other in _NAMES if other > name])
            for version in _VERSIONS[: random.choice((2, 3, 4))]
        }
        for name in _NAMES
    }
    roots = tuple(_line(random, name) for name in random.sample(_NAMES, random.choice((2, 3))))
    rows = answers(packages, roots)
    lock = random.choice(rows) if rows else {}
    hit = random.sample(sorted(lock), min(len(lock), random.choice((1, 1, 2))))
    others = [(name, version) for name in packages for version in packages[name] if random.random() < 0.1]
    return Universe(packages, roots, lock, frozenset([*[(name, lock[name]) for name in hit], *others]))


def _lines(random: Random, names: Sequence[str]) -> list[str]:
    return [_line(random, name) for name in random.sample(names, min(len(names), random.choice((0, 1, 1, 2))))]


def _line(random: Random, name: str) -> str:
    return f"{name}{random.choice(_SPECIFIERS).format(random.choice(_VERSIONS))}"


def answers(packages: Projects, roots: Sequence[str]) -> list[Answer]:
    """Return every set of releases that the lines need, and only these."""
    rows = {tuple(sorted(row.items())): row for row in _closed(packages, {}, [Requirement(line) for line in roots])}
    return list(rows.values())


def _closed(packages: Projects, chosen: Answer, pending: Sequence[Requirement]) -> Iterator[Answer]:
    if not pending:
        yield chosen
        return
    row, *rest = pending
    if row.name in chosen:
        if chosen[row.name] in row.specifier:
            yield from _closed(packages, chosen, rest)
        return
    for version, lines in packages[row.name].items():
        if version in row.specifier:
            yield from _closed(packages, {**chosen, row.name: version}, [*rest, *map(Requirement, lines)])


def moved(pins: Answer, answer: Answer) -> int:
    """Return how many pins have another release in an answer; those that are gone do not count."""
    return sum(answer.get(name, version) != version for name, version in pins.items())


@pytest.mark.parametrize("batch", batches(0, 2))
def test_no_answer_moves_fewer_pins(batch: int) -> None:
    """The pins that are named are as few as possible, and with all others kept there is an answer without advisories."""
    for_seeds(batch, _check, universe)


def _check(given: Universe) -> None:
    clean = [row for row in answers(given.packages, given.roots) if not given.affected & set(row.items())]
    if not given.lock or not clean:
        return
    must = {name for name, version in given.lock.items() if (name, version) in given.affected}
    pins = {name: version for name, version in given.lock.items() if name not in must}
    fewest = min(moved(pins, row) for row in clean)
    targets = targets_of(ASKED)
    excluded = [f"{name}!={version}" for name, version in sorted(given.affected)]  # as the policy refuses them
    inputs, settings, _ = understood({SOURCE: "\n".join(given.roots), "constraints.txt": "\n".join(excluded)}, ())
    settings = settings._replace(selection=settings.selection._replace(preferred=given.lock))
    with memory_mirror(given.packages) as mirror:
        freed = fewest_moves(inputs, targets, mirror, settings, pins)
    assert freed is not None
    lines = [f"{name}=={version}" for name, version in pins.items() if name not in freed]
    inputs, _, _ = understood({SOURCE: "\n".join(given.roots), "constraints.txt": "\n".join([*excluded, *lines])}, ())
    with memory_mirror(given.packages) as mirror:
        (resolution,) = resolve(inputs, targets, mirror, settings)
    answer = {pin.name: pin.version for pin in resolution.pins}
    assert answer in clean
    assert moved(pins, answer) == fewest
