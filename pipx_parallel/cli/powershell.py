"""Completion for PowerShell, which click has no class for."""

from __future__ import annotations

import os

from click.shell_completion import CompletionItem, ShellComplete, add_completion_class

# The words are joined by line ends, which none of them can contain: PowerShell hands over words, not a line to split.
_SCRIPT = """\
Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $env:%(complete_var)s = 'powershell_complete'
    $env:COMP_WORDS = ($commandAst.CommandElements | ForEach-Object { $_.ToString() }) -join "`n"
    $env:COMP_CWORD = $wordToComplete
    try {
        %(prog_name)s | ForEach-Object {
            $kind, $value, $text = $_ -split "`t", 3
            if ($kind -eq 'plain') {
                if (-not $text) { $text = $value }
                [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $text)
            }
        }
    } finally {
        Remove-Item -Path 'Env:%(complete_var)s', 'Env:COMP_WORDS', 'Env:COMP_CWORD'
    }
}
"""


class PowerShellComplete(ShellComplete):
    """Completion for Windows PowerShell 5 and PowerShell 7. For values that are files PowerShell completes paths itself."""

    name = "powershell"
    source_template = _SCRIPT

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one to complete, without the command's name, and that word."""
        words = os.environ.get("COMP_WORDS", "").split("\n")[1:]
        incomplete = os.environ.get("COMP_CWORD", "")
        if incomplete and words and words[-1] == incomplete:
            words.pop()
        return words, incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """Return a completion as one line: kind, value, text."""
        return f"{item.type}\t{item.value}\t{(item.help or '').splitlines()[0] if item.help else ''}"


def register() -> None:
    """Let click know the class."""
    add_completion_class(PowerShellComplete)
