"""The documentation: every command in it is run, from top to bottom, as a reader would."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT, clean_copy
from tests.support.sandbox import Sandbox, git_insteadof

pytestmark = pytest.mark.tools

DOCS = CHECKOUT / "docs"
README = CHECKOUT / "README.md"
FOLLOWED = {README, *(DOCS / f"{name}.md" for name in ("air-gap", "ci", "pipx", "setuptools"))}


def test_every_page_with_commands_is_followed() -> None:
    """A command that nobody runs is wrong one day. Two lines of the README have no prompt: see below."""
    pages = [README, *sorted(DOCS.glob("*.md"))]
    first_lines = [
        (page, line)
        for page in pages
        for line in re.findall(r"^```console\n(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    ]

    assert {page for page, _ in first_lines} == FOLLOWED
    assert [line for _, line in first_lines if not line.startswith("$ ")] == quick_commands()


def test_the_first_command_of_the_readme(sandbox: Sandbox) -> None:
    """On a machine with only Python and pip, in a checkout: one line sets everything up and locks a real list.

    The second line runs all tests, this one too: that is .ci/run's business.
    """
    sandbox.folder = clean_copy(sandbox.folder / "checkout")

    sandbox.must("bash", "-c", quick_commands()[0])

    assert 'name = "celery"' in sandbox.read("pylock.toml")


def test_the_example_of_the_readme(sandbox: Sandbox) -> None:
    """From requirements.in to an environment, and why."""
    commands = sandbox.follow(README)

    assert len(commands) == 7
    for subfolder in ("env", "packages"):
        assert list((sandbox.folder / subfolder).rglob("flask-3.1.0.dist-info"))


def quick_commands() -> list[str]:
    """Return the two lines with which the README begins."""
    lines = re.findall(r"^```console\n([^$\n].*)\n```$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == 2
    return lines


def test_setuptools(sandbox: Sandbox) -> None:
    """docs/setuptools.md, built in isolation."""
    commands = sandbox.follow(DOCS / "setuptools.md")

    assert len(commands) == 4
    installed = {path.name for path in (sandbox.folder / "env").rglob("*.dist-info")}
    assert {"app-1.0.dist-info", "flask-3.1.0.dist-info"} <= installed
    assert any(
        name.startswith("markupsafe-3.0.") for name in installed
    )  # this tool needs it too: the real one is there


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

    assert len(commands) == 14
    assert "pylock.other.toml is out of date" in sandbox.read(".pipx-parallel/diff.md")


def repository(sandbox: Sandbox, folder: Path) -> Path:
    """Make a repository of the tree under test, with the tag that the documentation names."""
    clean_copy(folder)
    for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "all"), ("tag", "v0.1.0")):
        sandbox.must("git", "-C", str(folder), *command)
    return folder
