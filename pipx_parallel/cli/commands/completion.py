"""``completion``: the script that lets a shell complete commands, options and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.cli.output import show
from pipx_parallel.config.option import Argument
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

SHELLS = ("bash", "zsh", "fish", "powershell")
OPTIONS = ()
ARGUMENTS = (Argument("shell", "SHELL", choices=SHELLS),)

# What the script asks the command with; ``pipx_parallel.__main__`` leaves such a call to click.
VARIABLE = "_PIPX_PARALLEL_COMPLETE"


def run(values: Mapping[str, object]) -> int:
    """Print the completion script of SHELL: bash, zsh, fish or powershell.

    bash: eval "$(pipx-parallel completion bash)" in ~/.bashrc. zsh: the same with zsh, in ~/.zshrc. fish: pipx-parallel
    completion fish > ~/.config/fish/completions/pipx-parallel.fish. PowerShell, in $PROFILE: pipx-parallel completion powershell |
    Out-String | Invoke-Expression
    """
    from click.shell_completion import get_completion_class  # this command's own

    from pipx_parallel.cli import powershell  # as above
    from pipx_parallel.cli.app import NAME, group  # as above

    powershell.register()
    shell = str(values.get("shell"))
    kind = get_completion_class(shell) if shell in SHELLS else None
    if kind is None:
        raise UsageError(f"there is no completion for {shell!r}", f"give {', '.join(SHELLS[:-1])} or {SHELLS[-1]}")
    show(kind(group(), {}, NAME, VARIABLE).source().strip() + "\n")
    return 0
