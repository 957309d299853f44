"""The command that a lock records: run as printed, it writes the same file again."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def command_of(text: str, name: str) -> list[str]:
    """Return the words of the command that a file records."""
    if name.endswith(".json"):
        report = json.loads(text)
        if "command" in report:
            return shlex.split(report["command"])
        rows = report["metadata"]["properties"]
        return shlex.split(next(row["value"] for row in rows if row["name"] == "pipx-parallel:command"))
    if name.endswith(".toml"):
        return shlex.split(tomllib.loads(text)["tool"]["pipx-parallel"]["command"])
    match = re.search(r"^#    (pipx-parallel lock.*)$", text, re.MULTILINE)
    assert match is not None
    return shlex.split(match[1])


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["q.in"], ["pylock.q.toml"]),
        (["q.in", "-o", "pylock.toml"], ["pylock.toml"]),
        (["q.in", "-o", "pylock.q.toml"], ["pylock.q.toml"]),
        (["q.in", "--universal", "-o", "pylock.toml", "-o", "a b/q.txt"], ["pylock.toml", "a b/q.txt"]),
        (
            ["q.in", "-o", "bom.cdx.json", "-o", "q.json", "-o", "pylock.x.toml"],
            ["bom.cdx.json", "q.json", "pylock.x.toml"],
        ),
        (["q.in", "-o", "q.lock", "--format", "requirements"], ["q.lock"]),
        (["q.in", "-o", "q.lock.toml", "--format", "pylock"], ["q.lock.toml"]),
        (["-r", "q.in", "-o", "../q.txt", "--no-hashes", "--no-annotate"], ["../q.txt"]),
        (["--packages", "app,lib<2", "-o", "pylock.toml", "-o", "constraints.txt"], ["pylock.toml", "constraints.txt"]),
        (["pyproject.toml", "-o", "pylock.toml", "-o", "x.txt", "--strip-extras"], ["pylock.toml", "x.txt"]),
    ],
)
def test_the_recorded_command_writes_the_same_file(
    home: Path, run: Run, arguments: list[str], names: list[str]
) -> None:
    """Each output of each format, in a folder where none of them exists."""
    (home / "q.in").write_text("app\n", encoding="utf-8")
    (home / "a b").mkdir()
    (home / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "1"\ndependencies = ["lib"]\n[tool.pipx-parallel]\noutput = ["x.txt"]\n',
        encoding="utf-8",
    )
    assert run("lock", *arguments).code == 0
    written = {name: (home / name).read_text(encoding="utf-8") for name in names}
    for name, text in written.items():
        for other in names:
            (home / other).unlink(missing_ok=True)

        ran = run(*command_of(text, name)[1:])

        assert (ran.code, (home / name).read_text(encoding="utf-8")) == (0, text)


@pytest.mark.parametrize("form", ["requirements", "pylock", "json"])
@pytest.mark.parametrize("arguments", [["lock", "q.in"], ["lock", "--packages", "app"], ["resolve", "q.in"]])
def test_the_command_of_standard_output_prints_it_again(home: Path, run: Run, arguments: list[str], form: str) -> None:
    """Also what ``resolve`` prints: the recorded command is the one of ``lock``."""
    (home / "q.in").write_text("app\n", encoding="utf-8")
    name = {"requirements": "q.txt", "pylock": "pylock.toml", "json": "q.json"}[form]

    first = run(*arguments, "--format", form)
    again = run(*command_of(first.out, name)[1:])
    third = run(*command_of(again.out, name)[1:])

    assert command_of(again.out, name) == command_of(first.out, name)
    assert (again.code, again.out) == (0, third.out)


def test_variables_that_change_an_answer_are_recorded(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable the recorded command writes the same file."""
    (home / "q.in").write_text("app\n", encoding="utf-8")
    monkeypatch.setenv("PIPX_PARALLEL_RESOLUTION", "lowest")
    assert run("lock", "q.in", "-o", "q.txt").code == 0
    text = (home / "q.txt").read_text(encoding="utf-8")
    monkeypatch.delenv("PIPX_PARALLEL_RESOLUTION")
    (home / "q.txt").unlink()

    assert run(*command_of(text, "q.txt")[1:]).code == 0
    assert (home / "q.txt").read_text(encoding="utf-8") == text
