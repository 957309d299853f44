"""Commands and options of pip, pip-tools and uv are answered with what this tool calls them."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from pipx_parallel.cli.command_table import COMMANDS, MIRROR
from pipx_parallel.cli.other_tools import COMMANDS as OTHER_COMMANDS
from pipx_parallel.cli.other_tools import OPTIONS as OTHER_OPTIONS
from pipx_parallel.config.options import ALL
from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["compile", "r.in"], "pipx-parallel lock"),
        (["sync"], "pip install -r pylock.toml"),
        (["warm"], "write `pipx-parallel mirror warm`"),
        (["lock", "--python", "3.12"], "write --python-version"),
        (["lock", "--dry-run"], "write --diff"),
        (["lock", "--no-emit-index-url"], "leave it out"),
        (["mirror", "status", "--universal"], "write --python-version and --platform"),
        (["lock", "--upgarde"], "did you mean '--upgrade'?"),
    ],
)
def test_a_word_of_another_tool_is_answered_with_ours(run: Run, arguments: list[str], hint: str) -> None:
    """The error names what to write, and ends with 2."""
    ran = run(*arguments)

    assert (ran.code, hint in ran.err) == (2, True), ran.err


def test_every_hint_names_something_that_exists() -> None:
    """Options and commands in the hints are ours, and no row hides a command or option of `lock`."""
    names = {name for option in ALL for name in option.names}
    for text in (*OTHER_OPTIONS.values(), *OTHER_COMMANDS.values()):
        assert set(re.findall(r"(?<![\w-])--[a-z-]+", text)) - {"--help"} <= names, text
        for words in re.findall(r"`pipx-parallel ([a-z]+)(?: ([a-z]+))?", text):
            assert words[0] in COMMANDS
            assert words[0] != "mirror" or words[1] in MIRROR
    assert OTHER_COMMANDS.keys() & COMMANDS.keys() == set()
    taken = {name for option in import_module("pipx_parallel.cli.commands.lock").OPTIONS for name in option.names}
    assert OTHER_OPTIONS.keys() & taken <= {"--universal"}


def test_what_is_missing_offline_is_answered_with_the_command_that_fetches_it(home: Path, run: Run) -> None:
    """Sources and target included: run as printed, online, it makes the lock possible."""
    (home / "r.in").write_text("app\n", encoding="utf-8")
    target = ["--python-version", "3.9", "--platform", "windows"]

    ran = run("lock", "r.in", "--offline", *target)
    command = ran.err.splitlines()[-1].partition(": pipx-parallel ")[2].split()
    warmed = run(*command)

    assert (ran.code, command[:3], warmed.code) == (4, ["mirror", "warm", "r.in"], 0)
    assert run("lock", "r.in", "--offline", *target).code == 0


def test_platforms_are_listed_on_request(run: Run) -> None:
    """As those of --target."""
    ran = run("lock", "--platform", "help")

    assert (ran.code, "windows" in ran.out) == (0, True)
