"""Which files belong to the project, with and without git."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.checkout import source_files

GENERATED = ("pylock.toml", ".venv/pyvenv.cfg", ".venv-test/bin/pip", "build/lib/mirror/a.py", "x.egg-info/PKG-INFO")
PROJECT = (".gitignore", "mirror/a.py", "pyproject.toml", "tests/projects/one/pylock.toml")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with files of a project and files that commands wrote."""
    for name in (*PROJECT, *GENERATED, "mirror/__pycache__/a.cpython-311.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    ignored = "__pycache__/\n*.egg-info/\nbuild/\n.venv*/\n/pylock.toml\n"
    (tmp_path / ".gitignore").write_text(ignored, encoding="utf-8")
    return tmp_path


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_in_a_git_checkout_the_tracked_files_count(checkout: Path) -> None:
    """A file that is neither tracked nor ignored does not count, nor does a tracked one that is deleted."""
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", "-C", str(checkout), *command], check=True)
    (checkout / "notes.txt").touch()
    (checkout / "mirror" / "a.py").unlink()

    assert source_files(checkout) == [".gitignore", "pyproject.toml", "tests/projects/one/pylock.toml"]


def test_in_an_unpacked_sdist_the_files_that_are_not_ignored_count(checkout: Path) -> None:
    """A generated lock at the top is ignored; a sample lock below is not."""
    assert source_files(checkout) == list(PROJECT)
