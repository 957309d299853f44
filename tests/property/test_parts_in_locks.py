"""Locks of random projects with extras and groups: ``packaging.pylock`` selects for each part what a lock of it alone has."""

from __future__ import annotations

import random
import tomllib
from itertools import combinations
from typing import NamedTuple

import pytest
from packaging.pylock import Pylock, PylockSelectError
from packaging.tags import Tag

from pipx_parallel.config.settings import TargetSettings
from pipx_parallel.emitters import pylock
from pipx_parallel.errors import NoSolution
from pipx_parallel.locks.parts import conflicting, forks_of
from pipx_parallel.model import Inputs, Part, Target
from pipx_parallel.requirements.load import InputRequest, load_inputs
from pipx_parallel.resolution.resolve import resolve
from tests.support.memory_index import Projects
from tests.support.resolutions import context
from tests.support.scenarios import SOURCE, memory_mirror, understood
from tests.support.texts import TextReader
from tests.support.universal import alone, targets_of

NAMES = ("alpha", "beta", "gamma", "delta", "omega")
ASKED = TargetSettings(python_versions=("3.10", "3.12"), platforms=("linux", "windows"))
MARKERS = ("", "", "", "; sys_platform == 'win32'", "; python_version < '3.12'")


class Project(NamedTuple):
    """A project with extras and groups, and what its index has."""

    base: list[str]
    extras: dict[str, list[str]]
    groups: dict[str, list[str]]
    conflicts: list[tuple[Part, Part]]
    releases: Projects

    def text(self) -> str:
        """Return the pyproject.toml."""
        rows = ["[project]", 'name = "shop"', f"dependencies = {self.base}", "[project.optional-dependencies]"]
        rows += [f"{name} = {lines}" for name, lines in self.extras.items()]
        rows += ["[dependency-groups]", *(f"{name} = {lines}" for name, lines in self.groups.items())]
        items = [", ".join(f'{{ {part.kind} = "{part.name}" }}' for part in pair) for pair in self.conflicts]
        rows += ["[tool.pipx-parallel]", f"conflicts = [{', '.join(f'[{item}]' for item in items)}]"]
        return "\n".join(rows)

    def lines_of(self, selection: frozenset[Part], *, base: bool) -> list[str]:
        """Return the requirements of a selection."""
        tables = {"extra": self.extras, "group": self.groups}
        own = self.base if base or any(part.kind == "extra" for part in selection) else []
        return [*own, *(line for part in sorted(selection) for line in tables[part.kind][part.name])]


def project(seed: int) -> Project:
    """Return a random project; a part may ask for an old release of what another part wants new."""
    chance = random.Random(seed)  # noqa: S311 - test data

    def lines(most: int) -> list[str]:
        names = chance.sample(NAMES, chance.randint(0, most))
        return [f"{name}{chance.choice(('', '', '<2', '>=2'))} {chance.choice(MARKERS)}".strip() for name in names]

    extras = {name: lines(2) for name in ("web", "cli", "old")[: chance.randint(1, 3)]}
    groups = {name: lines(2) for name in ("dev", "docs")[: chance.randint(0, 2)]}
    parts = [*(Part("extra", name) for name in extras), *(Part("group", name) for name in groups)]
    pairs = list(combinations(parts, 2))
    index = {
        name: {
            version: [
                f"{other} {chance.choice(MARKERS)}".strip() for other in NAMES[number + 1 :] if chance.random() < 0.3
            ]
            for version in ("1.0", "2.0")
        }
        for number, name in enumerate(NAMES)
    }
    return Project(lines(2), extras, groups, chance.sample(pairs, min(len(pairs), chance.randint(0, 3))), index)


def selected(lock: Pylock, target: Target, selection: frozenset[Part], *, base: bool) -> dict[str, str]:
    """Return what an installer selects."""
    groups = [part.name for part in selection if part.kind == "group"] + (
        list(lock.default_groups or ()) if base else []
    )
    rows = lock.select(
        environment=dict(target.markers),  # type: ignore[arg-type]  # every variable is in it
        tags=[Tag(*tag.split("-")) for tag in target.tags],
        extras=[part.name for part in selection if part.kind == "extra"],
        dependency_groups=groups,
    )
    return {package.name: str(package.version) for package, _ in rows}


class Locked(NamedTuple):
    """A project, its inputs, and its lock."""

    case: Project
    inputs: Inputs
    lock: Pylock


def locked(seed: int, targets: tuple[Target, ...]) -> Locked:
    """Lock the first random project from a seed on whose parts contradict each other only where that is declared."""
    _, settings, _ = understood({SOURCE: ""}, ())
    while True:
        case = project(seed)
        request = InputRequest(["pyproject.toml"], all_extras=True, all_groups=True)
        inputs = load_inputs(request, environ={}, reader=TextReader({"pyproject.toml": case.text()}))
        try:
            with memory_mirror(case.releases) as mirror:
                resolutions = resolve(inputs, targets, mirror, settings)
        except NoSolution:
            seed += 1000
            continue
        (artifact,) = pylock.render("pylock.toml", resolutions, context()._replace(parts=inputs.parts))
        return Locked(case, inputs, Pylock.from_dict(tomllib.loads(artifact.text)))


@pytest.mark.parametrize("seed", range(25))
def test_an_installer_selects_for_each_part_what_a_lock_of_it_alone_has(seed: int) -> None:
    """On every target, for every selection without conflicts."""
    case, inputs, lock = locked(seed, targets_of(ASKED))
    assert inputs.parts is not None
    rivals, forks = conflicting(inputs.parts), forks_of(inputs.parts)
    parts = [*(Part("extra", name) for name in case.extras), *(Part("group", name) for name in case.groups)]
    choices = [frozenset(row) for size in range(len(parts) + 1) for row in combinations(parts, size)]
    for target in targets_of(ASKED):
        for choice in choices:
            if tuple(part for part in rivals if part in choice) not in forks:
                continue
            for base in (True, False) if case.groups else (True,):
                pins = selected(lock, target, choice, base=base)

                assert pins == alone(case.lines_of(choice, base=base), case.releases, target, pins), target.label


@pytest.mark.parametrize("seed", range(25))
def test_two_parts_that_contradict_each_other_are_never_installed_together(seed: int) -> None:
    """An installer meets two releases of one project, if no single release serves both."""
    target = targets_of(ASKED)[0]
    case, _, lock = locked(seed, (target,))
    for pair in case.conflicts:
        choice = frozenset(pair)
        try:
            pins = selected(lock, target, choice, base=True)
        except PylockSelectError:
            continue
        assert pins == alone(case.lines_of(choice, base=True), case.releases, target, pins)
