"""More forks for many targets, of kinds that universal resolvers are tested with, on the grid of ``test_universal``."""

from __future__ import annotations

import pytest

from pipx_parallel.config.settings import TargetSettings
from pipx_parallel.model import Target
from tests.scenarios.test_universal import TARGETS
from tests.support.memory_index import Projects
from tests.support.universal import PLATFORMS, alone, lock_for_many, targets_of

PYPY = TargetSettings(targets=("3.10 linux", "pypy3.10 linux", "3.12 windows", "3.13 macos"))


def pins(rows: str) -> dict[str, str]:
    """Read ``a 1.0, b 2.0``."""
    return dict(row.split() for row in rows.split(", ") if row)


def minor(target: Target) -> int:
    """Return the minor version of Python."""
    return int(target.markers["python_version"][2:])


def check(roots: tuple[str, ...], packages: Projects, expected: dict[str, str], asked: TargetSettings | None) -> None:
    """Compare each environment with the first row of ``expected`` whose condition holds: an expression over its markers."""
    targets = TARGETS if asked is None else targets_of(asked)
    lock = lock_for_many(roots, packages) if asked is None else lock_for_many(roots, packages, asked)
    for number, target in enumerate(targets):
        names = {**target.markers, "minor": minor(target)}
        rows = next(rows for condition, rows in expected.items() if eval(condition, {}, names))  # noqa: S307 - of this file
        assert lock.pins_on(target) == pins(rows), target.label
        assert lock.covers(target)
        if number % (len(PLATFORMS) + 1) == 0:
            assert alone(roots, packages, target, lock.pins_on(target)) == pins(rows)


CPU = ["py3-none-manylinux2014_x86_64", "py3-none-manylinux2014_aarch64", "py3-none-musllinux_1_1_x86_64",
       "py3-none-win_amd64", "py3-none-win32"]  # fmt: skip
TWO: Projects = {"a": {"1.0": [], "2.0": []}}
FORKS: dict[str, tuple[tuple[str, ...], Projects, dict[str, str]]] = {
    "a marker is inherited by what a fork needs": (
        ("a<2; sys_platform == 'darwin'", "a>=2; sys_platform != 'darwin'"),
        {
            "a": {"1.0": ["b<2"], "2.0": ["b>=2; python_version < '3.11'", "b<3; python_version >= '3.11'"]},
            "b": {"1.0": [], "2.0": [], "3.0": []},
        },
        {"sys_platform == 'darwin'": "a 1.0, b 1.0", "minor < 11": "a 2.0, b 3.0", "True": "a 2.0, b 1.0"},
    ),
    "markers leave a gap between two forks": (
        ("a<2; python_version < '3.10'", "a>=2; python_version >= '3.11'", "b"),
        {**TWO, "b": {"1.0": ["c; python_version == '3.10'"]}, "c": {"1.0": []}},
        {"minor < 10": "a 1.0, b 1.0", "minor == 10": "b 1.0, c 1.0", "True": "a 2.0, b 1.0"},
    ),
    "three lines overlap by Python": (
        ("a>=1; python_version < '3.10'", "a>=1.1; python_version >= '3.10' and python_version < '3.12'",
         "a>=1.2; python_version >= '3.12'"),
        {"a": {"1.0": [], "1.1": [], "1.2": []}},
        {"True": "a 1.2"},
    ),
    "a fork inside a fork": (
        ("a>=2; sys_platform == 'linux'", "a<2; sys_platform != 'linux'"),
        {
            "a": {"1.0": ["b<2; sys_platform == 'win32'", "b>=2; sys_platform == 'darwin'"], "2.0": ["b"]},
            "b": {"1.0": [], "2.0": []},
        },
        {"sys_platform == 'linux'": "a 2.0, b 2.0", "sys_platform == 'win32'": "a 1.0, b 1.0", "True": "a 1.0, b 2.0"},
    ),
    "a dependency that its own fork never reaches": (
        ("a; sys_platform == 'win32'",),
        {"a": {"1.0": ["ghost; sys_platform == 'linux'", "b"]}, "b": {"1.0": []}},
        {"sys_platform == 'win32'": "a 1.0, b 1.0", "True": ""},
    ),
    "a contradiction below an unreachable marker": (
        ("a", "b<2; python_version < '3.8'"),
        {"a": {"1.0": ["b>=2"]}, "b": {"1.0": [], "2.0": []}},
        {"True": "a 1.0, b 2.0"},
    ),
    "a dependency of one machine": (
        ("a",),
        {"a": {"1.0": ["b; platform_machine == 'aarch64' or platform_machine == 'arm64'"]}, "b": {"1.0": []}},
        {"platform_machine in ('aarch64', 'arm64')": "a 1.0, b 1.0", "True": "a 1.0"},
    ),
    "machine and system together": (
        ("a>=2; platform_machine == 'x86_64' and sys_platform == 'linux'",
         "a<2; platform_machine != 'x86_64' or sys_platform != 'linux'"),
        TWO,
        {"platform_machine == 'x86_64' and sys_platform == 'linux'": "a 2.0", "True": "a 1.0"},
    ),
    "an extra that asks for another of the same project": (
        ("a[all]",),
        {
            "a": {"1.0": ["a[net]; extra == 'all'", "a[win]; extra == 'all' and sys_platform == 'win32'",
                          "b; extra == 'net'", "c; extra == 'win' and python_version >= '3.10'"]},
            "b": {"1.0": []}, "c": {"1.0": []},
        },
        {"sys_platform == 'win32' and minor >= 10": "a 1.0, b 1.0, c 1.0", "True": "a 1.0, b 1.0"},
    ),
    "variants of a project ask for different extras": (
        ("a[fast]; sys_platform == 'linux'", "a; sys_platform != 'linux'"),
        {"a": {"1.0": ["b; extra == 'fast'"]}, "b": {"1.0": []}},
        {"sys_platform == 'linux'": "a 1.0, b 1.0", "True": "a 1.0"},
    ),
    "local versions of two projects that belong together": (
        ("torch==2.0+cpu; sys_platform != 'darwin'", "torch==2.0; sys_platform == 'darwin'", "vision"),
        {
            "torch": {"2.0": {"files": ["py3-none-macosx_11_0_universal2"]}, "2.0+cpu": {"files": CPU}},
            "vision": {"0.1": ["torch==2.0"], "0.2": ["torch==2.1"]},
        },
        {"sys_platform == 'darwin'": "torch 2.0, vision 0.1", "True": "torch 2.0+cpu, vision 0.1"},
    ),
    "a boundary at a patch release in Requires-Python": (
        ("a",),
        {"a": {"1.0": {"python": "<3.10"}, "2.0": {"python": ">=3.10.0"}}},
        {"minor < 10": "a 1.0", "True": "a 2.0"},
    ),
    "the old one is needed where a marker and Requires-Python meet": (
        ("a", "b>=2; python_version >= '3.12'"),
        {
            "a": {"1.0": ["b<3"], "2.0": {"requires": ["b>=2"], "python": ">=3.11"}},
            "b": {"1.0": [], "2.0": {"python": ">=3.9"}, "3.0": {"python": ">=3.13"}},
        },
        {"minor < 12": "a 1.0, b 1.0", "True": "a 1.0, b 2.0"},
    ),
    "preferences that would chase each other": (
        ("c",),
        {
            "c": {"1.0": ["a; sys_platform == 'linux'", "b; sys_platform != 'linux'", "d"]},
            "a": {"1.0": ["d<2"]}, "b": {"1.0": ["d<3"]}, "d": {"1.0": [], "2.0": [], "3.0": []},
        },
        {"sys_platform == 'linux'": "a 1.0, c 1.0, d 1.0", "True": "b 1.0, c 1.0, d 1.0"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORKS)
def test_fork(name: str) -> None:
    """Every environment of the grid gets its pins, and a resolution of its own agrees."""
    roots, packages, expected = FORKS[name]

    check(roots, packages, expected, None)


@pytest.mark.parametrize("variable", ["implementation_name == 'pypy'", "platform_python_implementation == 'PyPy'"])
def test_a_fork_by_implementation(variable: str) -> None:
    """PyPy needs another release, and what that one needs."""
    roots = (f"a<2; {variable}", f"a>=2; {variable.replace('==', '!=')}")
    packages: Projects = {"a": {"1.0": ["b"], "2.0": []}, "b": {"1.0": []}}

    check(roots, packages, {"implementation_name == 'pypy'": "a 1.0, b 1.0", "True": "a 2.0"}, PYPY)


def test_a_fork_by_full_version_and_system() -> None:
    """A patch release parts a series on one system alone."""
    packages: Projects = {
        "a": {"1.0": ["b; python_full_version < '3.11.4' and sys_platform == 'win32'"]},
        "b": {"1.0": []},
    }

    lock = lock_for_many(("a",), packages)

    for patch, system in (("3.11.3", "win32"), ("3.11.4", "win32"), ("3.11.3", "linux")):
        own = next(row for row in TARGETS if minor(row) == 11 and row.markers["sys_platform"] == system)
        markers = {**own.markers, "python_full_version": patch, "implementation_version": patch}
        expected = {"a", "b"} if (patch, system) == ("3.11.3", "win32") else {"a"}
        assert lock.pins_on(own._replace(markers=markers)).keys() == expected
