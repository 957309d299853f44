"""What setuptools would answer is not asked for, except if the metadata cannot be written without."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from mirror.errors import BuildFailed
from mirror.metadata.core_metadata import parse_core_metadata
from mirror.ports import SourceTree
from pipx_parallel.builds.builder import BackendBuilder, BuildPolicy
from tests.support.dists import tarred

# A backend that notes each hook in the file that HOOKS names, and needs the module of a project only if setup.py imports it.
BACKEND = """
import os, sys

def _note(hook):
    with open(os.environ["HOOKS"], "a") as file:
        print(hook, file=file)

class _Backend:
    def get_requires_for_build_wheel(self, config_settings=None):
        _note("requires")
        return ["helper"] if "helper" in open("setup.py").read() else []

    def prepare_metadata_for_build_wheel(self, folder, config_settings=None):
        _note("metadata")
        sys.path.insert(0, os.getcwd())
        exec(open("setup.py").read())
        os.mkdir(folder + "/a-1.0.dist-info")
        with open(folder + "/a-1.0.dist-info/METADATA", "w") as file:
            file.write("Metadata-Version: 2.1\\nName: a\\nVersion: 1.0\\nRequires-Dist: lib\\n\\n")
        return "a-1.0.dist-info"

__legacy__ = _Backend()
get_requires_for_build_wheel = __legacy__.get_requires_for_build_wheel
prepare_metadata_for_build_wheel = __legacy__.prepare_metadata_for_build_wheel
"""


class Wheels:
    """Wheels of a setuptools of some version and of anything else; notes what was asked for."""

    def __init__(self, version: str) -> None:
        """Make nothing yet."""
        self.version = version
        self.asked: list[list[str]] = []

    def __call__(self, requirements: Sequence[str], prior_to: str, folder: str) -> dict[str, str]:
        """Return a wheel for each requirement."""
        del prior_to
        self.asked.append(sorted(requirements))
        paths = {}
        for requirement in requirements:
            name = requirement.partition(">")[0]
            version = self.version if name == "setuptools" else "1.0"
            module = {"setuptools/__init__.py": "", "setuptools/build_meta.py": BACKEND}
            texts = module if name == "setuptools" else {f"{name}.py": ""}
            paths[f"{name}-{version}-py3-none-any.whl"] = _wheel(folder, name, version, texts)
        return paths


def _wheel(folder: str, name: str, version: str, texts: dict[str, str]) -> str:
    path = os.path.join(folder, f"{name}-{version}-py3-none-any.whl")
    info = f"{name}-{version}.dist-info"
    texts = {
        **texts,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for member, text in texts.items():
            wheel.writestr(member, text)
    return path


@pytest.fixture
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file that has the hooks that were run."""
    path = tmp_path / "hooks.txt"
    path.touch()
    monkeypatch.setenv("HOOKS", str(path))
    return path


def built(setup: str, wheels: Wheels) -> tuple[str, ...]:
    """Build a source with this setup.py, and return the dependencies."""
    body = tarred({"a-1.0/setup.py": setup.encode()})
    policy = BuildPolicy(timeout=60.0, variables=("HOOKS",))
    builder = BackendBuilder(policy, os.environ, find_wheels=wheels)
    try:
        metadata = builder.build(SourceTree("a", "a-1.0.tar.gz", archive=io.BytesIO(body)))
        return parse_core_metadata(metadata).requires_dist
    finally:
        builder.close()


def test_setuptools_is_not_asked_what_its_files_say(hooks: Path) -> None:
    """One program instead of two: most builds are of this kind."""
    wheels = Wheels("80.0")

    assert built("", wheels) == ("lib",)
    assert hooks.read_text(encoding="utf-8").split() == ["metadata"]
    assert wheels.asked == [["setuptools>=40.8.0"]]


def test_an_old_setuptools_gets_the_project_wheel(hooks: Path) -> None:
    """It would ask for it: it writes metadata with a command of that project."""
    wheels = Wheels("60.0")

    assert built("", wheels) == ("lib",)
    assert hooks.read_text(encoding="utf-8").split() == ["metadata"]
    assert wheels.asked[-1] == ["setuptools>=40.8.0", "wheel"]


def test_setuptools_is_asked_if_a_file_speaks_of_requirements(hooks: Path) -> None:
    """As pip does."""
    assert built("# setup_requires=['helper']\nimport helper", Wheels("80.0")) == ("lib",)
    assert hooks.read_text(encoding="utf-8").split() == ["requires", "metadata"]


def test_setuptools_is_asked_if_it_fails_otherwise(hooks: Path) -> None:
    """What it needs may be written in a module that setup.py imports."""
    assert built("import helper", Wheels("80.0")) == ("lib",)
    assert hooks.read_text(encoding="utf-8").split() == ["metadata", "requires", "metadata"]


def test_a_build_that_fails_both_ways_is_reported_once(hooks: Path) -> None:
    """With the log of the last attempt."""
    with pytest.raises(BuildFailed, match=r"setuptools\.build_meta:__legacy__ failed") as caught:
        built("raise SystemExit('needs a compiler')", Wheels("80.0"))

    assert str(caught.value).count("needs a compiler") == 1
    assert hooks.read_text(encoding="utf-8").split() == ["metadata", "requires", "metadata"]
