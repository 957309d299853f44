"""The pages about pipx, CI and air gaps: every command in them is run, from top to bottom, as a reader would."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.checkout import checkout, clean_copy
from tests.support.sandbox import Sandbox, git_insteadof

pytestmark = pytest.mark.tools

DOCS = checkout() / "docs"


def test_air_gap(sandbox: Sandbox) -> None:
    """docs/air-gap.md."""
    commands = sandbox.follow(DOCS / "air-gap.md")

    assert len(commands) == 16
    assert (sandbox.folder / "env" / "bin" / "python").exists()


def test_pipx(sandbox: Sandbox, our_wheel: Path, needs_tool: Callable[..., None]) -> None:
    """docs/pipx.md, with real pipx: run it, install with our lock, lock a script."""
    needs_tool("pipx")
    shutil.copy(our_wheel, sandbox.folder / "pipx_parallel-0.1.0-py3-none-any.whl")

    commands = sandbox.follow(DOCS / "pipx.md")

    assert len(commands) == 6
    installed = Path(sandbox.environment["PIPX_BIN_DIR"]) / "cowsay"
    assert sandbox.must(str(installed)).out == "cowsay 6.1\n"
    assert {"pylock.toml", "pylock.cowsay.toml", "pylock.script.toml"} <= {
        path.name for path in sandbox.folder.iterdir()
    }


def test_ci(sandbox: Sandbox, tmp_path: Path, needs_tool: Callable[..., None]) -> None:
    """docs/ci.md, with real pre-commit, which clones this repository and installs it."""
    needs_tool("pre-commit", "git")
    shutil.copytree(DOCS / "recipes", sandbox.folder / "ci")
    sandbox.environment |= git_insteadof(
        "https://git.example/pipx-parallel", repository(sandbox, tmp_path / "repository")
    )

    commands = sandbox.follow(DOCS / "ci.md")

    assert len(commands) == 12
    assert "pylock.other.toml is stale" in sandbox.read(".pipx-parallel/diff.md")


def repository(sandbox: Sandbox, folder: Path) -> Path:
    """Make a repository of the tree under test, with the tag that the documentation names."""
    clean_copy(folder)
    for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "all"), ("tag", "v0.1.0")):
        sandbox.must("git", "-C", str(folder), *command)
    return folder
