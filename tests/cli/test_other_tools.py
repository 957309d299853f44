"""Commands and options of pip, pip-tools and uv are answered with what this tool calls them."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from pipx_parallel.cli.command_table import COMMANDS, MIRROR
from pipx_parallel.cli.other_tools import COMMANDS as OTHER_COMMANDS
from pipx_parallel.cli.other_tools import OPTIONS as OTHER_OPTIONS
from pipx_parallel.cli.other_tools import WITHOUT_EFFECT
from pipx_parallel.config.options import ALL, CONSOLE
from tests.cli.conftest import Run
from tests.support.checkout import CHECKOUT

TOOLS = tomllib.loads((CHECKOUT / "tests" / "cli" / "flags_of_other_tools.toml").read_text(encoding="utf-8"))["tool"]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["compile", "r.in"], "pipx-parallel lock"),
        (["sync"], "pip install -r pylock.toml"),
        (["warm"], "write `pipx-parallel mirror warm`"),
        (["lock", "--python", "3.12"], "write --python-version"),
        (["lock", "--dry-run"], "write --diff"),
        (["tree", "--no-emit-index-url"], "leave it out"),
        (["lock", "-n"], "write --diff"),
        (["tree", "-U"], "keeps no pins"),
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
    tree = import_module("pipx_parallel.cli.commands.tree").OPTIONS
    names = {name for option in (*ALL, *tree) for name in option.names}
    for text in (*OTHER_OPTIONS.values(), *OTHER_COMMANDS.values()):
        assert set(re.findall(r"(?<![\w-])--[a-z-]+", text)) - {"--help", "--config-settings"} <= names, text
        for words in re.findall(r"`pipx-parallel ([a-z]+)(?: ([a-z]+))?", text):
            assert words[0] in COMMANDS
            assert words[0] != "mirror" or words[1] in MIRROR
    assert OTHER_COMMANDS.keys() & COMMANDS.keys() == set()
    taken = {name for option in import_module("pipx_parallel.cli.commands.lock").OPTIONS for name in option.names}
    assert OTHER_OPTIONS.keys() & taken <= {
        "--universal",
        "-U",
        "-P",
        "--upgrade",
        "--upgrade-package",
        "--upgrade-group",
    }
    assert WITHOUT_EFFECT.keys() & (taken | OTHER_OPTIONS.keys()) == set()


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: str(tool["name"]))
def test_every_flag_of_other_tools_has_an_answer(tool: dict[str, str]) -> None:
    """It is ours, is taken with a warning, or its error names ours; and the page for those who come from there has it."""
    options = (*import_module(f"pipx_parallel.cli.commands.{tool['command']}").OPTIONS, *CONSOLE)
    ours = {name for option in options for name in option.names} | {"-h", "--help", "--version"}
    page = (CHECKOUT / "docs" / "coming-from.md").read_text(encoding="utf-8")
    flags = tool["flags"].split()

    assert len(flags) > 50
    assert [flag for flag in flags if flag not in {*ours, *OTHER_OPTIONS, *WITHOUT_EFFECT}] == []
    assert [flag for flag in flags if not re.search(rf"[` ]{flag}[` ]", page)] == []


def test_a_command_line_of_pip_compile_works(home: Path, run: Run) -> None:
    """What changes nothing here is a warning; the lock is that of the same line without it, and so is its header."""
    (home / "requirements.in").write_text("app\n", encoding="utf-8")
    plain = ("lock", "--generate-hashes", "--strip-extras", "-o", "requirements.txt", "requirements.in")
    extra = (
        "--allow-unsafe",
        "--resolver=backtracking",
        "--no-emit-index-url",
        "--max-rounds",
        "9",
    )

    assert run(*plain).code == 0
    text = (home / "requirements.txt").read_text(encoding="utf-8")
    ran = run(*plain, *extra)

    assert (ran.code, ran.err.count("has no effect")) == (0, 4)
    assert (home / "requirements.txt").read_text(encoding="utf-8") == text
    assert "has no effect" not in run(*plain, "--allow-unsafe", "-qq").err


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
