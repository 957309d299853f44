"""Markers over sets of targets: true in the chosen ones, false in the others, and short."""

from __future__ import annotations

import random
from itertools import combinations

import pytest
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet

from pipx_parallel.locks.target_labels import environment_rows, labels
from pipx_parallel.locks.target_markers import (
    TargetSet,
    environments,
    python_range,
    requires_python,
)
from pipx_parallel.model import Target
from pipx_parallel.targets.patches import with_range
from pipx_parallel.targets.targets import make_target

PLATFORMS = (
    "linux",
    "aarch64-unknown-linux-gnu",
    "macos",
    "x86_64-apple-darwin",
    "windows",
    "aarch64-pc-windows-msvc",
    "i686-pc-windows-msvc",
)
GRID = [
    make_target(f"3.{minor}", (platform,), name)
    for minor in range(8, 15)
    for platform in PLATFORMS
    for name in ("cp", "pp")
]
CPYTHON = [target for target in GRID if target.markers["implementation_name"] == "cpython"]
USUAL = [target for target in CPYTHON if target.markers["python_version"] not in {"3.8", "3.9"}]
VARIABLES = ("python_version", "sys_platform", "platform_machine", "implementation_name")


def enumeration(targets: list[Target], chosen: list[int]) -> str:
    """Return the marker that lists every chosen target by the fewest variables that tell the two sides apart."""
    for size in range(1, len(VARIABLES) + 1):
        for names in combinations(VARIABLES, size):
            rows = [tuple(target.markers[name] for name in names) for target in targets]
            ours = dict.fromkeys(rows[number] for number in chosen)
            if not any(row in ours for number, row in enumerate(rows) if number not in chosen):
                terms = [" and ".join(f'{n} == "{v}"' for n, v in zip(names, row, strict=True)) for row in ours]
                return " or ".join(f"({term})" if len(terms) > 1 and size > 1 else term for term in terms)
    raise AssertionError


@pytest.mark.parametrize("seed", range(25))
def test_a_marker_is_true_in_just_the_chosen_targets_and_no_longer_than_their_list(seed: int) -> None:
    """Every target of the set is tried."""
    chance = random.Random(seed)  # noqa: S311 - test data
    for _ in range(20):
        pool = chance.choice((GRID, CPYTHON, USUAL))
        targets = chance.sample(pool, chance.randint(2, 25))
        chosen = sorted(chance.sample(range(len(targets)), chance.randint(1, len(targets) - 1)))

        marker = TargetSet(targets).marker(chosen)

        assert marker is not None
        parsed = Marker(marker)
        assert [number for number, target in enumerate(targets) if parsed.evaluate(dict(target.markers))] == chosen
        assert len(marker) <= len(enumeration(targets, chosen))


def where(**values: object) -> str | None:
    """Return the marker of the usual targets with these values."""
    chosen = [
        number
        for number, target in enumerate(USUAL)
        if all(
            target.markers[name] in (value if isinstance(value, tuple) else (value,)) for name, value in values.items()
        )
    ]
    return TargetSet(USUAL).marker(chosen)


def test_markers_read_as_a_person_would_write_them() -> None:
    """Ranges, not lists."""
    assert where(python_version="3.10") == 'python_version < "3.11"'
    assert where(python_version="3.14") == 'python_version >= "3.14"'
    assert where(python_version="3.12") == 'python_version == "3.12"'
    assert where(python_version=("3.10", "3.11", "3.12")) == 'python_version < "3.13"'
    assert where(python_version=("3.11", "3.12")) == 'python_version >= "3.11" and python_version < "3.13"'
    assert where(sys_platform="win32") == 'sys_platform == "win32"'
    assert where(sys_platform=("linux", "darwin")) == 'sys_platform != "win32"'
    assert where(sys_platform="win32", python_version=("3.10", "3.11")) == (
        'python_version < "3.12" and sys_platform == "win32"'
    )
    assert where(platform_machine="arm64") == 'platform_machine == "arm64"'
    assert where(implementation_name="cpython") is None


def test_parts_of_a_series_are_told_apart_by_the_full_version() -> None:
    """The boundary between 3.11 and 3.12 stays one of python_version."""
    ten, eleven, twelve = (make_target(f"3.{minor}", ("linux",)) for minor in (10, 11, 12))
    targets = TargetSet([ten, with_range(eleven, "", "3.11.3"), with_range(eleven, "3.11.3", ""), twelve])

    assert targets.marker([0, 1]) == 'python_full_version < "3.11.3"'
    assert targets.marker([2, 3]) == 'python_full_version >= "3.11.3"'
    assert targets.marker([1, 2]) == 'python_version == "3.11"'
    assert targets.marker([0, 1, 2, 3]) is None


def test_targets_with_equal_variables_have_one_marker() -> None:
    """Glibc and musl: no marker tells them apart."""
    targets = [make_target("3.12", (name,)) for name in ("linux", "x86_64-unknown-linux-musl", "windows")]

    assert TargetSet(targets).marker([0]) == 'sys_platform == "linux"'
    assert len(environments(targets)) == 2


@pytest.mark.parametrize("seed", range(20))
def test_environments_are_true_in_the_targets_and_nowhere_else(seed: int) -> None:
    """The whole grid is tried; Requires-Python holds in every target."""
    chance = random.Random(seed)  # noqa: S311 - test data
    targets = chance.sample(GRID, chance.randint(1, 40))

    markers = [Marker(text) for text in environments(targets)]

    inside = [target for target in GRID if any(marker.evaluate(dict(target.markers)) for marker in markers)]
    assert inside == [target for target in GRID if target in targets]
    specifier = SpecifierSet(requires_python(targets) or "")
    assert all(target.python_full_version in specifier for target in targets)


def test_environments_state_the_patch_releases_that_were_resolved() -> None:
    """3.11.7 may be one of a part of 3.11."""
    target = with_range(make_target("3.11.7", ("linux",)), "3.11.3", "")

    (marker,) = environments([target])

    assert marker.startswith('python_version == "3.11" and python_full_version >= "3.11.3" and sys_platform == "linux"')
    assert requires_python([target]) == "<3.12,>=3.11.3"
    assert python_range(target) == ((3, 11, 3), (3, 12, 0))


def test_labels_and_rows_join_versions_that_follow_one_another() -> None:
    """For headers, and for scripts that know no markers."""
    targets = [make_target(f"3.{minor}", (name,)) for minor in (10, 11, 13) for name in ("linux", "windows")]

    assert labels(targets) == ["cpython 3.10-3.11, 3.13 linux x86_64", "cpython 3.10-3.11, 3.13 win32 AMD64"]
    assert environment_rows(targets) == [
        "cpython,linux,x86_64,3.10.0,3.12.0",
        "cpython,linux,x86_64,3.13.0,3.14.0",
        "cpython,win32,AMD64,3.10.0,3.12.0",
        "cpython,win32,AMD64,3.13.0,3.14.0",
    ]
    assert labels(targets[:1]) == ["cpython 3.10 linux x86_64"]
