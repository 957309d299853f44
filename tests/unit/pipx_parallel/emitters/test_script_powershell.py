"""install.ps1. Run for real where PowerShell is; elsewhere its quoting is held to PowerShell's lexical rules."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.errors import NotFound
from mirror.records.model import FetchFailure
from pipx_parallel.emitters import script_posix, script_powershell
from tests.support.goldens import assert_golden
from tests.support.powershell_syntax import syntax_errors, words
from tests.support.resolutions import context, pin, resolution, root, web_resolution

if TYPE_CHECKING:
    from pathlib import Path

    from pipx_parallel.model import Pin

# PowerShell's language specification 2.3.5.2: each of these quotes opens and closes a verbatim string or here-string.
QUOTE = "['\u2018\u2019\u201a\u201b]"


CMDLETS = {
    "ForEach-Object", "Get-Command", "Join-Path", "New-Object", "Remove-Item", "Set-StrictMode", "Test-Path", "Write-Output",
}  # fmt: skip


def tokens(text: str) -> tuple[list[str], str]:
    """Return the values of all verbatim strings and here-strings, and the script with each replaced by ``S``.

    A reader of the part of PowerShell's grammar that decides where strings and comments end.
    """
    pattern = re.compile(
        rf"@{QUOTE}[ \t]*\n(?P<here>.*?)\n{QUOTE}@|{QUOTE}(?P<plain>(?:[^'\u2018-\u201b]|{QUOTE}{QUOTE})*){QUOTE}"
        r'|"(?:[^"`]|`.|"")*"|(?P<comment>#[^\n]*)',
        re.DOTALL,
    )
    values = [
        match["here"] if match["plain"] is None else match["plain"]
        for match in pattern.finditer(text)
        if not match["comment"]
    ]
    return [value for value in values if value is not None], pattern.sub("S", text)


def test_the_example_looks_as_agreed() -> None:
    """The whole script."""
    assert_golden("install.ps1", script_powershell.render("install.ps1", [web_resolution()], context())[0].text)


@pytest.mark.parametrize("hashes", [True, False])
@pytest.mark.parametrize(
    "pins", [[], [pin("a", "1")], [pin("b", "1", url="file:///b", files=(), installable=())], web_resolution().pins]
)
def test_its_syntax_is_powershells(pins: list[Pin], hashes: bool) -> None:
    """Whatever is to be installed; and it calls nothing but its own functions and what Windows PowerShell 5.1 has."""
    text = script_powershell.render("x", [resolution(pins)], context("lock \u2018é\u2019.in", hashes=hashes))[0].text

    assert syntax_errors(text) == []
    own = set(re.findall(r"^function ([\w-]+)", text, re.MULTILINE))
    assert words(text) - own - CMDLETS == set()


@given(st.text(), st.text(), st.text())
def test_no_text_leaves_its_string_or_comment(problem: str, url: str, command: str) -> None:
    """Strings and comments taken out, hostile data gives the same script as harmless data."""

    def skeleton(problem: str, url: str, command: str) -> str:
        resolved = resolution(
            [pin("a", "1"), pin("b", "1", url=url, files=(), installable=())],
            [root("a", source=command)],
            missing=[FetchFailure("c", None, NotFound(problem))],
        )
        text = script_powershell.render("x", [resolved], context(command))[0].text
        return tokens(text.removeprefix("\ufeff"))[1]

    assert skeleton(problem, f"file:///{url}", command) == skeleton("gone", "file:///x", "lock")


@given(st.text())
def test_a_quoted_string_is_one_string(text: str) -> None:
    """All five quotes are doubled."""
    values, rest = tokens(script_powershell.powershell_quoted(text))

    assert rest == "S"
    assert re.sub(f"({QUOTE}){QUOTE}", r"\1", values[0]) == text


def test_requirements_stand_in_the_here_string_as_they_are() -> None:
    """Hashes and continuation lines included."""
    text = script_powershell.render("x", [resolution([pin("a", "1")])], context())[0].text

    (value,) = [value for value in tokens(text)[0] if value.startswith("a==1")]
    assert re.fullmatch(r"a==1 \\\n    --hash=sha256:[0-9a-f]{64} \\\n    --hash=sha256:[0-9a-f]{64}", value)


def test_text_outside_ascii_gets_a_byte_order_mark() -> None:
    """Windows PowerShell 5.1 reads a file without one in the machine's code page."""
    plain = script_powershell.render("x", [resolution([])], context("lock"))[0].text
    accented = script_powershell.render("x", [resolution([])], context("lock été.in"))[0].text

    assert plain.isascii()
    assert accented.startswith("\ufeff#")


def test_without_hashes_pip_is_not_asked_to_check_them() -> None:
    """--no-hashes."""
    text = script_powershell.render("x", [resolution([pin("a", "1")])], context(hashes=False))[0].text

    assert "--require-hashes" not in text


def test_it_has_the_options_of_the_shell_script() -> None:
    """Each option of install.sh, as PowerShell writes it; both are explained in the usage."""
    shell = script_posix.render("x", [web_resolution()], context())[0].text
    text = script_powershell.render("x", [web_resolution()], context())[0].text

    options = set(re.findall(r"^  --([a-z-]+)", shell, re.MULTILINE))
    named = {"".join(word.capitalize() for word in option.split("-")) for option in options}
    assert {"UpgradePip", "NoCompile", "Venv", "Python", "DryRun"} <= named
    assert named == set(re.findall(r"^    \[(?:string|switch)\] \$(\w+)", text, re.MULTILINE))
    assert named == set(re.findall(r"^  -(\w+) ", text, re.MULTILINE))


@pytest.mark.skipif(shutil.which("pwsh") is None, reason="PowerShell is not installed")
def test_powershell_reads_and_runs_it(tmp_path: Path) -> None:
    """A dry run prints the commands and changes nothing."""
    path = tmp_path / "install.ps1"
    path.write_text(script_powershell.render("x", [web_resolution()], context())[0].text, encoding="utf-8")

    done = subprocess.run(
        ["pwsh", "-NoProfile", "-File", str(path), "-Venv", "a b", "-Python", "python3", "-DryRun"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "'-m' 'venv'" in done.stdout
    assert "--require-hashes" in done.stdout
    assert not (tmp_path / "a b").exists()
