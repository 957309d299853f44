"""What is shipped: the wheel holds the two packages and nothing else, the sdist holds the whole project."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import HeaderParser
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from packaging.requirements import Requirement

from tests.support.checkout import CHECKOUT, clean_copy

PACKAGES = ("mirror", "pipx_parallel")


class Built(NamedTuple):
    """A clean source tree and what was built from it."""

    tree: Path
    files: frozenset[str]  # of the tree before the build, with forward slashes
    sdist: frozenset[str]
    wheel: frozenset[str]
    metadata: dict[str, list[str]]
    entry_points: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build the sdist from a clean copy, and the wheel from that sdist."""
    out = tmp_path_factory.mktemp("out")
    tree = clean_copy(tmp_path_factory.mktemp("copy") / "tree")
    files = frozenset(path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file())
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    with tarfile.open(next(out.glob("*.tar.gz"))) as archive:
        sdist = frozenset(entry.name.partition("/")[2] for entry in archive.getmembers() if entry.isfile())
    with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel:
        names = wheel.namelist()
        texts = {name.rpartition("/")[2]: wheel.read(name).decode() for name in names if ".dist-info/" in name}
    headers = HeaderParser().parsestr(texts["METADATA"])
    metadata = {key: list(map(str, headers.get_all(key, []))) for key in headers}
    return Built(tree, files, sdist, frozenset(names), metadata, texts["entry_points.txt"])


def test_the_tests_import_the_installed_packages(tmp_path: Path) -> None:
    """In this process and in another, not the packages of the checkout: what is missing from the wheel is missed."""
    installed = distribution("pipx-parallel")
    if not any(str(path) == "mirror/__init__.py" for path in installed.files or []):
        pytest.skip("the packages are installed as editable, so those of the checkout are the installed ones")
    wanted = [str(installed.locate_file(f"{package}/__init__.py")) for package in PACKAGES]
    ask = f"import {', '.join(PACKAGES)}; print({', '.join(f'{package}.__file__' for package in PACKAGES)}, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert [import_module(package).__file__ for package in PACKAGES] == wanted
    assert done.stdout.splitlines() == wanted


def test_the_wheel_holds_both_packages_and_nothing_else(built: Built) -> None:
    """Nothing of tests, fixtures, benchmarks or docs is installed on a user's machine."""
    tops = {name.partition("/")[0] for name in built.wheel}

    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_the_wheel_holds_every_module_and_the_type_markers(built: Built) -> None:
    """A module that no package folder declares would be lost silently."""
    modules = {name for name in built.files if name.startswith(tuple(f"{package}/" for package in PACKAGES))}

    assert {"mirror/py.typed", "pipx_parallel/py.typed"} <= modules
    assert {name for name in built.wheel if ".dist-info/" not in name} == modules


def test_the_sdist_holds_every_file_of_the_tree(built: Built) -> None:
    """Whoever has the sdist can test, document and build without the repository."""
    assert sorted(built.files - built.sdist) == []


def test_the_sdist_adds_nothing_but_metadata(built: Built) -> None:
    """No build leftovers and no caches travel."""
    extra = {name for name in built.sdist - built.files if ".egg-info/" not in name}

    assert extra <= {"PKG-INFO", "setup.cfg"}  # an unpacked sdist has them already


def test_no_folder_is_taken_for_another(tmp_path: Path) -> None:
    """Two folders with one inode number, as overlays and network shares have them (here: a link), are both shipped."""
    tree = clean_copy(tmp_path / "tree")
    (tree / "benchmarks" / "again").symlink_to("results", target_is_directory=True)
    command = [sys.executable, "-c", "import setuptools; setuptools.setup()", "-q", "egg_info"]

    subprocess.run(command, cwd=tree, check=True, timeout=300)

    sources = (tree / "pipx_parallel.egg-info" / "SOURCES.txt").read_text(encoding="utf-8").splitlines()
    assert {"benchmarks/again/small.json", "benchmarks/results/small.json"} <= set(sources)


def test_the_console_script_is_declared(built: Built) -> None:
    """``pip install`` gives the command ``pipx-parallel``."""
    assert "[console_scripts]\npipx-parallel = pipx_parallel.__main__:run\n" in built.entry_points


def test_the_metadata_names_what_is_needed(built: Built) -> None:
    """Runtime dependencies are those of pyproject.toml; extras are marked as such."""
    required = [Requirement(line) for line in built.metadata["Requires-Dist"]]
    runtime = {need.name for need in required if "extra" not in str(need.marker)}

    assert runtime == {Requirement(line).name for line in _project()["dependencies"]}
    assert set(built.metadata["Provides-Extra"]) == set(_project()["optional-dependencies"])
    assert built.metadata["License-Expression"] == ["MIT"]


def test_every_dependency_says_why_it_is_there() -> None:
    """A comment line stands above each dependency, or above the run of dependencies it explains."""
    lines = [line.strip() for line in (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8").splitlines()]
    wanted = [
        *_project()["dependencies"],
        *(entry for extra in _project()["optional-dependencies"].values() for entry in extra),
    ]

    bare = []
    for requirement in wanted:
        above = lines.index(f'"{requirement}",') - 1
        while lines[above].startswith('"'):
            above -= 1
        if not lines[above].startswith("#"):
            bare.append(requirement)

    assert bare == []


def test_no_file_names_the_host_of_a_registry(built: Built) -> None:
    """The default index is whatever pip is configured for, so no host of one is written anywhere. pip itself names them."""
    ask = "from pip._internal.models.index import PyPI as i; print(i.netloc, i.file_storage_domain)"
    hosts = subprocess.run([sys.executable, "-c", ask], capture_output=True, check=True).stdout.split()

    named = [name for name in sorted(built.files) if any(host in (built.tree / name).read_bytes() for host in hosts)]

    assert len(hosts) == 2
    assert named == []


def _project() -> dict[str, Any]:
    """Return the project table of the tree under test."""
    table: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table
