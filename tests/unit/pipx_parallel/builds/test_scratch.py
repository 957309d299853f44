"""The folder of a run's builds: removed with the run, or by a later one, and never that of a run that lives."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from pipx_parallel.builds.scratch import Scratch

needs_posix = pytest.mark.skipif(os.name != "posix", reason="locks that end with their process are POSIX")


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_the_folder_of_a_run_that_lives_is_kept() -> None:
    """Each run has its own; removing twice is safe."""
    first, second = Scratch(), Scratch()

    assert os.path.isdir(first.path)
    assert os.path.isdir(second.path)
    first.remove()
    first.remove()
    assert not os.path.exists(first.path)
    assert os.path.isdir(second.path)
    second.remove()


@needs_posix
def test_a_folder_whose_lock_is_free_is_removed(tmp_path: Path) -> None:
    """With all that is in it."""
    left = tmp_path / "pipx-parallel-left"
    (left / "build-1").mkdir(parents=True)
    (left / "lock").touch()

    Scratch().remove()

    assert not left.exists()


@needs_posix
def test_what_is_no_folder_of_a_run_is_kept(tmp_path: Path) -> None:
    """A folder without a lock, one with another name, a file, a link to such a folder, and a lock that is a link."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "lock").touch()
    (tmp_path / "pipx-parallel-unlocked").mkdir()
    (tmp_path / "pipx-parallel-file").touch()
    (tmp_path / "pipx-parallel-link").symlink_to(elsewhere)
    linked = tmp_path / "pipx-parallel-linked"
    linked.mkdir()
    (linked / "lock").symlink_to(elsewhere / "lock")
    before = sorted(tmp_path.rglob("*"))

    Scratch().remove()

    assert sorted(tmp_path.rglob("*")) == before
