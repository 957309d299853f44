"""One lock for many targets: forks by marker, Python, platform and local version, evaluated on a grid of environments.

Each scenario says which pins every environment of the grid (CPython 3.8 to 3.14 on seven platforms) must get. Every answer is
also resolved again for each environment alone, with its pins as constraints: that gives the same pins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest

from pipx_parallel.config.settings import TargetSettings
from pipx_parallel.errors import NoSolution, RequirementsError
from pipx_parallel.locks.splits import splits_of
from pipx_parallel.model import Target
from pipx_parallel.targets.requests import requested_targets
from tests.support.memory_index import Projects
from tests.support.universal import GRID, PLATFORMS, ManyLock, alone, lock_for_many

TARGETS = requested_targets(GRID)


class Environment(NamedTuple):
    """The minor version of Python, and ``sys_platform``."""

    minor: int
    system: str


Pins = Callable[[Environment], dict[str, str]]


class Scenario(NamedTuple):
    """An index, requirements, and the pins that each environment gets."""

    about: str
    roots: tuple[str, ...]
    packages: Projects
    pins: Pins


SCENARIOS = {
    "no fork": Scenario(
        "One release for all.", ("a",), {"a": {"1.0": [], "2.0": ["b"]}, "b": {"1.0": []}},
        lambda _: {"a": "2.0", "b": "1.0"},
    ),
    "a fork by marker": Scenario(
        "The user's own lines part the platforms.",
        ("a>=2; sys_platform == 'linux'", "a<2; sys_platform != 'linux'"),
        {"a": {"1.0": [], "2.0": []}},
        lambda env: {"a": "2.0" if env.system == "linux" else "1.0"},
    ),
    "a fork by marker of a dependency": Scenario(
        "What a release needs depends on the platform.",
        ("a",),
        {"a": {"1.0": ["b<2; sys_platform == 'win32'", "b>=2; sys_platform != 'win32'"]}, "b": {"1.0": [], "2.0": []}},
        lambda env: {"a": "1.0", "b": "1.0" if env.system == "win32" else "2.0"},
    ),
    "only one target needs it": Scenario(
        "A package for Windows alone, with dependencies of its own.",
        ("a",),
        {"a": {"1.0": ["b; sys_platform == 'win32'"]}, "b": {"1.0": ["c"]}, "c": {"1.0": []}},
        lambda env: {"a": "1.0", **({"b": "1.0", "c": "1.0"} if env.system == "win32" else {})},
    ),
    "a release that all can have goes before newer ones": Scenario(
        "The newest needs a new Python; an older one serves all.",
        ("a",), {"a": {"1.0": [], "2.0": {"python": ">=3.11"}}}, lambda _: {"a": "1.0"},
    ),
    "a fork by Requires-Python": Scenario(
        "No release is for all Pythons.",
        ("a",),
        {"a": {"1.0": {"python": "<3.12"}, "2.0": {"python": ">=3.12"}}},
        lambda env: {"a": "1.0" if env.minor < 12 else "2.0"},
    ),
    "a fork by Requires-Python of a dependency": Scenario(
        "The parent has one release; its dependency has two ranges.",
        ("a",),
        {"a": {"1.0": ["b"]}, "b": {"1.0": {"python": "<3.10"}, "2.0": {"python": ">=3.10"}}},
        lambda env: {"a": "1.0", "b": "1.0" if env.minor < 10 else "2.0"},
    ),
    "three ranges of Python": Scenario(
        "Two boundaries.",
        ("a<2; python_version < '3.10'", "a<3; python_version >= '3.10' and python_version < '3.13'",
         "a; python_version >= '3.13'"),
        {"a": {"1.0": {"python": "<3.10"}, "2.0": {"python": ">=3.10,<3.13"}, "3.0": {"python": ">=3.13"}}},
        lambda env: {"a": "1.0" if env.minor < 10 else "2.0" if env.minor < 13 else "3.0"},
    ),
    "a fork by platform tags": Scenario(
        "The newest has wheels for Linux, the one before for all others, and no release for both.",
        ("a",),
        {"a": {
            "1.0": {"files": ["py3-none-win_amd64", "py3-none-win32", "py3-none-macosx_11_0_universal2"]},
            "2.0": {"files": ["py3-none-manylinux2014_x86_64", "py3-none-manylinux2014_aarch64",
                               "py3-none-musllinux_1_1_x86_64"]},
        }},
        lambda env: {"a": "2.0" if env.system == "linux" else "1.0"},
    ),
    "a wheel for every platform in an older release": Scenario(
        "The newest has no wheel for Windows; one release serves all.",
        ("a",),
        {"a": {
            "1.0": {"files": ["py3-none-any"]},
            "2.0": {"files": ["py3-none-manylinux2014_x86_64", "py3-none-manylinux2014_aarch64",
                               "py3-none-musllinux_1_1_x86_64", "py3-none-macosx_11_0_universal2"]},
        }},
        lambda _: {"a": "1.0"},
    ),
    "disjoint local versions": Scenario(
        "The accelerated build on Linux, the plain one elsewhere.",
        ("a==1.0+cpu; sys_platform == 'linux'", "a==1.0; sys_platform == 'darwin'", "a==1.0+win; sys_platform == 'win32'"),
        {
            "a": {
                "1.0": {"files": ["py3-none-macosx_11_0_universal2"]},
                "1.0+cpu": {"files": ["py3-none-manylinux2014_x86_64", "py3-none-manylinux2014_aarch64",
                                      "py3-none-musllinux_1_1_x86_64"], "requires": ["b"]},
                "1.0+win": {"files": ["py3-none-win_amd64", "py3-none-win32"]},
            },
            "b": {"1.0": []},
        },
        lambda env: {
            "linux": {"a": "1.0+cpu", "b": "1.0"}, "darwin": {"a": "1.0"}, "win32": {"a": "1.0+win"},
        }[env.system],
    ),
    "overlapping markers": Scenario(
        "Both lines hold on Linux with a new Python; their bounds meet there.",
        ("a>=1.5; sys_platform == 'linux'", "a<2; python_version >= '3.12'"),
        {"a": {"1.0": [], "1.5": [], "2.0": []}},
        lambda env: {"a": "1.5"} if env.system == "linux" or env.minor >= 12 else {},
    ),
    "an extra with markers": Scenario(
        "What an extra adds depends on platform and Python.",
        ("a[x]",),
        {
            "a": {"1.0": ["b; extra == 'x' and sys_platform == 'win32'", "c; extra == 'x' and python_version < '3.11'"]},
            "b": {"1.0": []}, "c": {"1.0": []},
        },
        lambda env: {
            "a": "1.0", **({"b": "1.0"} if env.system == "win32" else {}), **({"c": "1.0"} if env.minor < 11 else {}),
        },
    ),
    "an extra on one platform": Scenario(
        "The extra itself is asked for under a marker.",
        ("a", "a[x]; sys_platform == 'darwin'"),
        {"a": {"1.0": ["b; extra == 'x'"]}, "b": {"1.0": []}},
        lambda env: {"a": "1.0", **({"b": "1.0"} if env.system == "darwin" else {})},
    ),
    "an environment that no marker reaches": Scenario(
        "The dependency is for a platform that is no target; it need not exist.",
        ("a",), {"a": {"1.0": ["ghost; sys_platform == 'emscripten'"]}}, lambda _: {"a": "1.0"},
    ),
    "a contradiction that no environment meets": Scenario(
        "Both bounds never hold at once.",
        ("a<2; python_version < '3.10'", "a>=2; python_version >= '3.10'", "a<3; python_version < '3.8'"),
        {"a": {"1.0": [], "2.0": []}},
        lambda env: {"a": "1.0" if env.minor < 10 else "2.0"},
    ),
    "a fork brings another": Scenario(
        "Where a is old, its c is old, too; b has one release for all.",
        ("a", "b"),
        {
            "a": {"1.0": {"requires": ["c<2"], "python": "<3.11"}, "2.0": {"requires": ["c>=2"], "python": ">=3.11"}},
            "b": {"1.0": ["c"]}, "c": {"1.0": [], "2.0": []},
        },
        lambda env: {
            "a": "1.0" if env.minor < 11 else "2.0", "b": "1.0", "c": "1.0" if env.minor < 11 else "2.0",
        },
    ),
    "the full version parts a series": Scenario(
        "async-timeout as redis needs it.",
        ("redis",),
        {"redis": {"6.2.0": ["async-timeout; python_full_version < '3.11.3'"]}, "async-timeout": {"5.0": []}},
        lambda env: {"redis": "6.2.0", **({"async-timeout": "5.0"} if env.minor <= 11 else {})},
    ),
    "an older release for one target holds for all": Scenario(
        "Windows cannot have the newest, because its own dependency excludes it.",
        ("a", "w; sys_platform == 'win32'"),
        {"a": {"1.0": [], "2.0": [], "3.0": []}, "w": {"1.0": ["a<3"]}},
        lambda env: {"a": "2.0", **({"w": "1.0"} if env.system == "win32" else {})},
    ),
    "a third release serves both": Scenario(
        "Neither the newest of the one nor that of the other, but one below.",
        ("l; sys_platform == 'linux'", "w; sys_platform == 'win32'", "a"),
        {
            "a": {"1.0": [], "2.0": [], "3.0": [], "4.0": []},
            "l": {"1.0": ["a!=4.0,!=2.0"]}, "w": {"1.0": ["a!=3.0,<4"]},
        },
        lambda env: {
            "a": "1.0", **({"l": "1.0"} if env.system == "linux" else {}), **({"w": "1.0"} if env.system == "win32" else {}),
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str) -> None:
    """Every environment of the grid gets its pins from the merged lock, and a resolution of its own agrees."""
    scenario = SCENARIOS[name]

    lock = lock_for_many(scenario.roots, scenario.packages)

    for target in TARGETS:
        environment = Environment(int(target.markers["python_version"][2:]), target.markers["sys_platform"])
        assert lock.pins_on(target) == scenario.pins(environment), target.label
        assert lock.covers(target)
    for target in TARGETS[:: len(PLATFORMS) + 1]:  # one of each Python, another platform each time
        assert alone(scenario.roots, scenario.packages, target, lock.pins_on(target)) == lock.pins_on(target)


def only(lock: ManyLock, **markers: str) -> dict[str, str]:
    """Return the pins of the first environment of the grid with these values."""
    target = next(it for it in TARGETS if all(it.markers[name] == value for name, value in markers.items()))
    return lock.pins_on(target)


def test_with_fork_newest_each_target_has_its_newest() -> None:
    """What one release for all would hold back."""
    packages: Projects = {"a": {"1.0": [], "2.0": {"python": ">=3.11"}}}

    lock = lock_for_many(("a",), packages, flags=("--fork", "newest"))

    assert only(lock, python_version="3.10") == {"a": "1.0"}
    assert only(lock, python_version="3.11") == {"a": "2.0"}
    assert lock.lines() == {"a 1.0": 'python_version < "3.11"', "a 2.0": 'python_version >= "3.11"'}


def test_a_series_is_cut_where_the_full_version_matters() -> None:
    """3.11.2 gets async-timeout, 3.11.3 does not; the environments say both."""
    scenario = SCENARIOS["the full version parts a series"]

    lock = lock_for_many(scenario.roots, scenario.packages)

    eleven = next(target for target in TARGETS if target.markers["python_version"] == "3.11")
    for patch, expected in (("3.11.2", True), ("3.11.3", False), ("3.11.14", False)):
        markers = {**eleven.markers, "python_full_version": patch, "implementation_version": patch}
        own = eleven._replace(markers=markers)
        assert ("async-timeout" in lock.pins_on(own)) is expected
        assert lock.covers(own)
    assert lock.lines()["async-timeout 5.0"] == 'python_full_version < "3.11.3"'


@pytest.mark.parametrize(("patch", "pins"), [("3.11.2", {"a", "b"}), ("3.11.7", {"a"})])
def test_a_single_python_is_locked_for_the_part_of_its_series_that_is_like_it(patch: str, pins: set[str]) -> None:
    """The lock does not claim the other part."""
    packages: Projects = {"a": {"1.0": ["b; python_full_version < '3.11.3'"]}, "b": {"1.0": []}}

    lock = lock_for_many(("a",), packages, TargetSettings((patch,), ("linux",)))

    (resolution,) = lock.resolutions
    assert {pin.name for pin in resolution.pins} == pins
    own = resolution.target
    for other in ("3.11.2", "3.11.7"):
        markers = {**own.markers, "python_full_version": other, "implementation_version": other}
        assert lock.covers(own._replace(markers=markers)) is (other == patch)


def test_a_split_says_which_targets_and_why() -> None:
    """One reason is Requires-Python, the other the missing release."""
    lock = lock_for_many(("a",), {"a": {"1.0": {"python": "<3.12"}, "2.0": {"python": ">=3.12"}}})

    (split,) = splits_of(lock.resolutions)

    assert (split.name, [release.version for release in split.releases]) == ("a", ["1.0", "2.0"])
    assert split.releases[0].reasons == ("a 2.0 requires Python >=3.12",)
    assert split.releases[1].reasons == ("a 1.0 requires Python <3.12",)
    assert split.releases[1].targets[0] == "cpython 3.12-3.14 linux x86_64"


def test_a_split_by_dependencies_is_argued() -> None:
    """The lines of the user and of releases that contradict the other release."""
    packages: Projects = {"a": {"1.0": [], "2.0": []}, "w": {"1.0": ["a<2"]}}
    roots = ("a>=2; sys_platform == 'linux'", "w; sys_platform == 'win32'")

    lock = lock_for_many(roots, packages)

    (split,) = splits_of(lock.resolutions)
    windows = next(release for release in split.releases if release.version == "1.0")
    assert "w 1.0 needs a<2" in windows.reasons[0]


def test_a_target_without_a_solution_is_named() -> None:
    """The others have one."""
    packages: Projects = {"a": {"1.0": {"files": ["py3-none-win_amd64"]}}}

    with pytest.raises(NoSolution, match=r"for cpython 3\.8 linux x86_64:"):
        lock_for_many(("a",), packages)


def test_targets_that_no_marker_tells_apart_have_the_same_releases() -> None:
    """Glibc and musl on one machine: the newest release has a wheel for one of them alone."""
    packages: Projects = {
        "a": {"1.0": {"files": ["py3-none-any"]}, "2.0": {"files": ["py3-none-manylinux2014_x86_64"]}}
    }
    asked = TargetSettings(("3.12",), ("linux", "x86_64-unknown-linux-musl"))

    assert lock_for_many(("a",), packages, asked, ("--fork", "newest")).lines() == {"a 1.0": None}

    packages = {
        "a": {
            "1.0": {"files": ["py3-none-musllinux_1_1_x86_64"]},
            "2.0": {"files": ["py3-none-manylinux2014_x86_64"]},
        }
    }
    with pytest.raises(NoSolution, match="no marker can tell these targets apart"):
        lock_for_many(("a",), packages, asked)


def test_no_target_gets_a_source_archive_where_it_can_have_a_wheel() -> None:
    """The release of the other targets would have to be built here."""
    packages: Projects = {
        "a": {
            "1.0": {"files": ["cp310-cp310-manylinux2014_x86_64", "sdist"]},
            "2.0": {"files": ["cp314-cp314-manylinux2014_x86_64", "sdist"], "python": ">=3.11"},
        }
    }

    lock = lock_for_many(("a",), packages, TargetSettings(("3.10", "3.14"), ("linux",)))

    assert lock.lines() == {"a 1.0": 'python_version < "3.11"', "a 2.0": 'python_version >= "3.14"'}


def test_kept_pins_are_kept_for_all_targets() -> None:
    """A second run changes nothing though newer releases are out."""
    packages: Projects = {"a": {"1.0": ["b"], "2.0": ["b"]}, "b": {"1.0": [], "2.0": []}}

    lock = lock_for_many(("a",), packages, preferred={"a": "1.0", "b": "2.0"})

    assert lock.lines() == {"a 1.0": None, "b 2.0": None}


def test_a_lock_with_markers_as_input_keeps_its_pins() -> None:
    """An existing universal lock, line by line."""
    packages: Projects = {"a": {"1.0": [], "2.0": [], "3.0": []}}
    roots = ("a==1.0 ; python_version < '3.12'", "a==2.0 ; python_version >= '3.12'")

    lock = lock_for_many(roots, packages)

    assert lock.lines() == {"a 1.0": 'python_version < "3.12"', "a 2.0": 'python_version >= "3.12"'}


def test_a_bad_line_is_refused_once() -> None:
    """Before any target is resolved."""
    with pytest.raises(RequirementsError):
        lock_for_many(("a >= ; python_version < '3.12'",), {})


def test_the_order_of_targets_does_not_change_the_answer() -> None:
    """The oldest Python goes first in any case."""
    packages: Mapping[str, Mapping[str, object]] = {"a": {"1.0": [], "2.0": {"python": ">=3.12"}}}
    settings = TargetSettings(("3.13", "3.10"), ("linux",))

    lock = lock_for_many(("a",), packages, settings)  # type: ignore[arg-type]  # a table

    assert lock.lines() == {"a 1.0": None}
    assert [labels(resolution.target) for resolution in lock.resolutions] == ["3.13", "3.10"]


def labels(target: Target) -> str:
    """Return the Python version of a target."""
    return target.markers["python_version"]
