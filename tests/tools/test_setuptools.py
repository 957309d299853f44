"""The plugin and the command together, as a project's author meets them: isolated builds, from an index that has us."""

from __future__ import annotations

import zipfile
from email.parser import HeaderParser

import pytest

from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.tools

PYPROJECT = """\
[build-system]
requires = ["setuptools", "pipx-parallel"]
build-backend = "setuptools.build_meta"

[tool.pipx-parallel.setuptools]
dependencies = true
"""


def test_a_lock_never_feeds_the_next(sandbox: Sandbox) -> None:
    """What only the build backend knows is asked without the lock: where it is missing, stale, and where pins are dependencies."""
    sandbox.write("pyproject.toml", PYPROJECT)
    for wanted, pinned in (("textlib<2", "1.0"), ("textlib", "1.0"), ("textlib>=2", "2.0")):
        sandbox.write(
            "setup.py",
            f"from setuptools import setup\nsetup(name='app', version='1.0', py_modules=[], install_requires=['{wanted}'])\n",
        )

        sandbox.must("pipx-parallel", "lock", ".")

        assert f'name = "textlib"\nversion = "{pinned}"\n' in sandbox.read("pylock.toml")

    sandbox.must("python", "-m", "build", "--wheel")
    with zipfile.ZipFile(sandbox.folder / "dist" / "app-1.0-py3-none-any.whl") as wheel:
        metadata = HeaderParser().parsestr(wheel.read("app-1.0.dist-info/METADATA").decode())
    assert metadata.get_all("Requires-Dist") == ["textlib==2.0"]
