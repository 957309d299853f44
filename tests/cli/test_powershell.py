"""Completion for PowerShell: what its script asks the command for. PowerShell itself is not needed."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run
from tests.support.powershell_syntax import syntax_errors


@pytest.mark.parametrize(
    ("words", "incomplete", "expected"),
    [
        (["pipx-parallel", "mirror", "w"], "w", "plain\twarm\tFill the mirror"),
        (["pipx-parallel", "lock", "--upg"], "--upg", "plain\t--upgrade\tUpgrade all packages"),
        (["pipx-parallel", "completion"], "", "plain\tpowershell\t"),
        (["pipx-parallel", "lock", "a b.in", "--resolution", "low"], "low", "plain\tlowest-direct\t"),
    ],
)
def test_words_are_completed(
    spawn: Run, monkeypatch: pytest.MonkeyPatch, words: list[str], incomplete: str, expected: str
) -> None:
    """One line a completion: kind, value and text, separated by tabs."""
    monkeypatch.setenv("_PIPX_PARALLEL_COMPLETE", "powershell_complete")
    monkeypatch.setenv("COMP_WORDS", "\n".join(words))
    monkeypatch.setenv("COMP_CWORD", incomplete)

    ran = spawn()

    assert [line for line in ran.out.splitlines() if line.startswith(expected)] != [], ran.out + ran.err


def test_the_script_hands_over_words(run: Run) -> None:
    """It names the command and the variable, and removes its variables."""
    ran = run("completion", "powershell")

    assert (ran.code, syntax_errors(ran.out)) == (0, [])
    assert "Register-ArgumentCompleter -Native -CommandName pipx-parallel" in ran.out
    assert "Remove-Item -Path 'Env:_PIPX_PARALLEL_COMPLETE', 'Env:COMP_WORDS', 'Env:COMP_CWORD'" in ran.out
