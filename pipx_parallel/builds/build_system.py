"""What a source says of its build: the backend and its requirements (PEP 517, PEP 518), and what setuptools would add."""

# Paths go to other programs as text, and come back from them so.
from __future__ import annotations

import os
import sysconfig
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mirror.equality import NamedTuple
from mirror.errors import BuildFailed, BuildProblem, parse_toml
from pipx_parallel.builds.requires import build_requirements

if TYPE_CHECKING:
    from collections.abc import Sequence

# What a project without a build-system table is built with (the same words in pip and build).
_LEGACY = ("setuptools.build_meta:__legacy__", ("setuptools>=40.8.0",))
_SETUPTOOLS = (_LEGACY[0], "setuptools.build_meta")
_WITHOUT_WHEEL = "70.1"  # of setuptools: the first that writes metadata without the project wheel


class BuildSystem(NamedTuple):
    """The build-system table of a source, or what stands for it."""

    source: str  # the folder
    backend: str
    requires: tuple[str, ...]
    path: tuple[str, ...] = ()  # folders of the source that hold the backend


def read_build_system(source: str, label: str) -> BuildSystem:
    """Return the build system of a folder. Raises ``BuildFailed``."""
    path = os.path.join(source, "pyproject.toml")
    try:
        with open(path, encoding="utf-8") as file:
            table = parse_toml(file.read()).get("build-system", {})
    except FileNotFoundError:
        if not os.path.isfile(os.path.join(source, "setup.py")):
            raise BuildFailed(f"{label}: there is neither pyproject.toml nor setup.py", BuildProblem.SOURCE) from None
        table = {}
    except (OSError, ValueError) as error:
        raise BuildFailed(f"{label}: its pyproject.toml cannot be read ({error})", BuildProblem.SOURCE) from error
    if not isinstance(table, dict):
        raise BuildFailed(f"{label}: build-system of its pyproject.toml is no table", BuildProblem.SOURCE)
    requires = table.get("requires", _LEGACY[1])
    backend, extra = table.get("build-backend", _LEGACY[0]), table.get("backend-path", [])
    well_formed = isinstance(backend, str) and all(isinstance(value, (list, tuple)) for value in (requires, extra))
    if not well_formed or not all(isinstance(item, str) for item in (*requires, *extra)):
        raise BuildFailed(f"{label}: build-system of its pyproject.toml is malformed", BuildProblem.SOURCE)
    return BuildSystem(source, backend, build_requirements(requires, label), tuple(extra))


def states_its_needs(system: BuildSystem) -> bool:
    """Return whether the backend need not be asked what else it requires: setuptools, and no file speaks of ``setup_requires``.

    setuptools runs setup.py to find that out, and once more to write the metadata.
    """
    if system.backend not in _SETUPTOOLS or system.path:
        return False
    for name in ("setup.py", "setup.cfg"):
        try:
            with open(os.path.join(system.source, name), "rb") as file:
                if b"setup_requires" in file.read():
                    return False
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True


def needs_of_setuptools(requires: Sequence[str], environment: str) -> tuple[str, ...]:
    """Return what setuptools requires beside ``requires`` to write metadata; ``environment`` is the folder that has them."""
    from packaging.requirements import Requirement  # here and below: 50 ms, and few locks build
    from packaging.version import InvalidVersion, Version

    if any(Requirement(line).name == "wheel" for line in requires):
        return ()
    bases = dict.fromkeys(("base", "platbase", "installed_base", "installed_platbase"), environment)
    packages = sysconfig.get_path("purelib", "venv", vars=bases)
    versions = []
    for name in os.listdir(packages):
        project, _, version = name.removesuffix(".dist-info").partition("-")
        if project == "setuptools" and name.endswith(".dist-info"):
            with suppress(InvalidVersion):
                versions.append(Version(version))
    return () if versions and max(versions) >= Version(_WITHOUT_WHEEL) else ("wheel",)


def backend_settings(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the settings as a backend gets them: a key that is given several times has a list (as pip and build do)."""
    given: dict[str, list[str]] = {}
    for key, value in pairs:
        given.setdefault(key, []).append(value)
    return {key: values if len(values) > 1 else values[0] for key, values in given.items()}
