"""Markers over extras and groups: true in the selections that have a pin, false in the others, and short."""

from __future__ import annotations

import random
from itertools import combinations
from typing import NamedTuple

import pytest
from packaging.markers import Marker

from pipx_parallel.locks.part_markers import Member, PartSet
from pipx_parallel.locks.parts import Fork, base_group, conflicting, forks_of
from pipx_parallel.locks.target_markers import TargetSet
from pipx_parallel.model import Part, Parts, Target
from pipx_parallel.targets.targets import make_target

TARGETS = [
    make_target(f"3.{minor}", (platform,), "cp") for minor in (11, 12, 13) for platform in ("linux", "macos", "windows")
]
EXTRAS = tuple(Part("extra", name) for name in ("cli", "cpu", "gpu", "web"))
GROUPS = tuple(Part("group", name) for name in ("dev", "docs", "old"))
Holders = dict[tuple[Fork, int], frozenset[Part | None]]


class World(NamedTuple):
    """The parts of a lock, its targets, and for each release of one project who has it."""

    parts: Parts
    targets: list[Target]
    releases: dict[str, Holders]

    def markers(self) -> dict[str, str | None]:
        """Return the marker of each release."""
        targets = TargetSet(self.targets)
        part_set = PartSet(self.parts, targets)
        return {
            version: part_set.marker(
                [Member(fork, targets.cells_of(number), held) for (fork, number), held in holders.items()]
            )
            for version, holders in self.releases.items()
        }

    def expected(self, selection: frozenset[Part], number: int) -> list[str]:
        """Return the releases that a selection has on a target; of parts that conflict each has its own."""
        rivals = conflicting(self.parts)
        chosen = tuple(part for part in rivals if part in selection)
        rest = {part for part in selection if part not in rivals}
        forks = [chosen] if chosen in forks_of(self.parts) else [(part,) for part in chosen]
        selected = {fork: {*rest, *fork, *self._base({*rest, *fork})} for fork in forks}
        return [
            version
            for version, holders in self.releases.items()
            if any(holders.get((fork, number), frozenset()) & parts for fork, parts in selected.items())
        ]

    def _base(self, selection: set[Part]) -> set[None]:
        """Return the project's own dependencies, if they are selected."""
        named = any(part.kind == "extra" or part.name == base_group(self.parts) for part in selection)
        return {None} if named or not self.parts.groups else set()

    def selections(self) -> list[frozenset[Part]]:
        """Return every selection, but for those with more than two parts that conflict."""
        group = base_group(self.parts)
        extras = [Part("extra", name) for name in self.parts.extras]
        groups = [Part("group", name) for name in (*self.parts.groups, *([group] if group else []))]
        every = [
            frozenset(chosen)
            for size in range(len(extras) + len(groups) + 1)
            for chosen in combinations([*extras, *groups], size)
        ]
        rivals, forks = conflicting(self.parts), forks_of(self.parts)
        return [
            selection
            for selection in every
            if (chosen := tuple(part for part in rivals if part in selection)) in forks or len(chosen) == 2
        ]


def world(seed: int) -> World:
    """Return a random world: each resolution has one release or none, for random parts."""
    chance = random.Random(seed)  # noqa: S311 - test data
    extras = chance.sample(EXTRAS, chance.randint(0, 4))
    groups = chance.sample(GROUPS, chance.randint(0 if extras else 1, 3))
    pool = [*extras, *groups]
    conflicts = [
        tuple(chance.sample(pool, chance.randint(2, min(3, len(pool)))))
        for _ in range(chance.randint(0, 2) if len(pool) > 1 else 0)
    ]
    parts = Parts(tuple(part.name for part in extras), tuple(part.name for part in groups), (), tuple(conflicts))
    targets = chance.sample(TARGETS, chance.choice((1, 1, 2, 4)))
    versions = ["1", "2", "3"][: chance.randint(1, 3)]
    rivals = conflicting(parts)
    releases: dict[str, Holders] = {version: {} for version in versions}
    every: list[Part | None] = [None, *(part for part in pool if part not in rivals)]
    common = {part for part in every if chance.random() < 0.5}
    for fork in forks_of(parts):
        version = chance.choice(versions)
        for number in range(len(targets)):
            version = chance.choice(versions) if chance.random() < 0.2 else version
            held = {*common, *(part for part in fork if chance.random() < 0.6)}
            held ^= {part for part in every if chance.random() < 0.1}
            if held:
                releases[version][fork, number] = frozenset(held)
    return World(parts, targets, {version: holders for version, holders in releases.items() if holders})


def holds(marker: str | None, selection: frozenset[Part], target: Target) -> bool:
    """Return whether a marker is true for a selection, as an installer evaluates it."""
    chosen = {
        "extras": frozenset(part.name for part in selection if part.kind == "extra"),
        "dependency_groups": frozenset(part.name for part in selection if part.kind == "group"),
    }
    return marker is None or Marker(marker).evaluate({**target.markers, **chosen}, context="lock_file")


@pytest.mark.parametrize("batch", range(20))
def test_a_marker_is_true_in_just_the_selections_that_have_the_pin(batch: int) -> None:
    """Every selection of each target is tried, those of two conflicting parts too: they have what either part has."""
    for seed in range(batch * 20, batch * 20 + 20):
        case = world(seed)
        markers = case.markers()
        for number, target in enumerate(case.targets):
            for selection in case.selections():
                chosen = [version for version, marker in markers.items() if holds(marker, selection, target)]

                assert chosen == case.expected(selection, number), (seed, markers, sorted(selection), target.label)


CLI, CPU, GPU, WEB = EXTRAS
DEV, DOCS, OLD = GROUPS


def marker_of(parts: Parts, holders: dict[Fork, set[Part | None]]) -> str | None:
    """Return the marker of a release that these resolutions of one target have, for these parts."""
    targets = TargetSet(TARGETS[:1])
    return PartSet(parts, targets).marker([Member(fork, 1, frozenset(held)) for fork, held in holders.items()])


def test_without_groups_the_projects_own_dependencies_are_always_installed() -> None:
    """They need no marker then."""
    parts = Parts(("cli",))

    assert marker_of(parts, {(): {None, CLI}}) is None
    assert marker_of(parts, {(): {CLI}}) == '"cli" in extras'


def test_an_extra_brings_the_projects_own_dependencies_and_a_group_does_not() -> None:
    """A default group stands for them."""
    parts = Parts(("cli",), ("dev",))

    assert marker_of(parts, {(): {None}}) == '"default" in dependency_groups or "cli" in extras'
    assert marker_of(parts, {(): {DEV}}) == '"dev" in dependency_groups'


def test_a_group_called_default_keeps_its_name() -> None:
    """The project's own dependencies get another one."""
    parts = Parts((), ("default",))

    assert marker_of(parts, {(): {None}}) == '"project-default" in dependency_groups'
    assert marker_of(parts, {(): {Part("group", "default")}}) == '"default" in dependency_groups'


def test_conflicting_extras_have_releases_of_their_own() -> None:
    """Of a project that all parts need, and of which one extra wants an old release."""
    parts = Parts(("cpu", "gpu"), (), (), ((CPU, GPU),))

    assert marker_of(parts, {(CPU,): {None, CPU}}) == '"cpu" in extras'
    assert marker_of(parts, {(): {None}, (GPU,): {None, GPU}}) == '"cpu" not in extras or "gpu" in extras'


def test_a_pin_of_some_targets_and_some_parts_has_both_in_its_marker() -> None:
    """The base everywhere, the group on Windows alone."""
    targets = TargetSet(TARGETS[:3])
    part_set = PartSet(Parts((), ("dev",)), targets)
    cells = [targets.cells_of(number) for number in range(3)]

    everywhere = part_set.marker([Member((), mask, frozenset({None})) for mask in cells])
    on_windows = part_set.marker([Member((), cells[2], frozenset({DEV}))])
    both = part_set.marker([Member((), mask, frozenset({None, DEV} if mask == cells[2] else {None})) for mask in cells])

    assert everywhere == '"default" in dependency_groups'
    assert on_windows == '"dev" in dependency_groups and sys_platform == "win32"'
    assert both == '"default" in dependency_groups or ("dev" in dependency_groups and sys_platform == "win32")'


def test_many_conflicting_extras_are_told_apart_quickly() -> None:
    """One release for each of nine, and another for none of them."""
    rivals = tuple(Part("extra", f"cu{number}") for number in range(9))
    parts = Parts(tuple(part.name for part in rivals), (), (), (rivals,))

    first = marker_of(parts, {(rivals[0],): {rivals[0]}})
    none = marker_of(parts, {(): {None}})

    assert first == '"cu0" in extras'
    assert none == " and ".join(f'"{part.name}" not in extras' for part in rivals)
