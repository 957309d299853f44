"""Write docs/reference.md from the tables of commands and options: ``python -m tests.support.write_reference``."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence

from pipx_parallel.cli.command_table import COMMANDS, CommandEntry
from pipx_parallel.config.option import Option
from pipx_parallel.config.options import ALL
from tests.support.checkout import CHECKOUT

PAGE = CHECKOUT / "docs" / "reference.md"
_TITLE = """# Reference: commands, options, variables, settings

Written by `python -m tests.support.write_reference` from the tables in the code. Do not edit it by hand.

Every shared option is also a variable (`--max-workers`: `PIPX_PARALLEL_MAX_WORKERS`) and a key of `[tool.pipx-parallel]` in the
`pyproject.toml` of the project (`max-workers`). Options marked *pip* are also read from pip's configuration, options marked *file*
can also be lines of a requirements file. Precedence: option, variable, line of an input file, project, pip's configuration,
default.

Options that can be repeated are lists in TOML. In variables, flags are `1` or `0`, and lists are separated by spaces. Relative
paths are relative to the file that contains them.

```toml
[tool.pipx-parallel]
output = ["pylock.toml", "requirements.txt"]
python-version = "3.12"
uploaded-prior-to = "P7D"

[tool.pipx-parallel.sources]      # projects that come from one index only
your-project = "https://index.example/simple"
```

`[tool.pipx-parallel.setuptools]` is described in [setuptools.md](setuptools.md).

Other variables:

| variable | meaning |
|---|---|
| `PIPX_PARALLEL_CREDENTIALS_HOST` | `user:password` for an index; the host in upper case, with `_` for other characters |
| `PIPX_PARALLEL_TOKEN` | the token of `mirror serve` |
| `PIPX_PARALLEL_DEBUG` | `1`: print the traceback of an internal error |
| `PIPX_PARALLEL_SETUPTOOLS` | `0`: the setuptools plugin does nothing |
| `NO_COLOR` | no colours |
| `NETRC` | the netrc file |
| `PIP_…` and pip's configuration files | read as pip reads them, for the options marked *pip* |
"""


def reference() -> str:
    """Return the page."""
    sections = [_TITLE, "## Shared options\n"]
    for title in dict.fromkeys(option.group for option in ALL):
        members = [option for option in ALL if option.group == title]
        sections.append(f"### {title}\n\n{_table(members, shared=True)}")
    sections.append("## Commands\n")
    sections.extend(_commands("", COMMANDS))
    return "\n".join(sections)


def main() -> None:
    """Write the page."""
    PAGE.write_text(reference(), encoding="utf-8", newline="\n")


def _commands(before: str, commands: Mapping[str, CommandEntry]) -> Iterator[str]:
    for name, entry in commands.items():
        if entry.commands:
            yield from _commands(f"{before}{name} ", entry.commands)
        else:
            yield _command(f"{before}{name}", entry)


def _command(name: str, entry: CommandEntry) -> str:
    """Return the section of one command: its help line, its usage, the shared options it takes, its own options."""
    module = importlib.import_module(entry.module)
    arguments = " ".join(
        f"[{argument.metavar}…]" if argument.many else argument.metavar for argument in module.ARGUMENTS
    )
    shared = [option for option in module.OPTIONS if option in ALL]
    own = [option for option in module.OPTIONS if option not in ALL]
    text = f"### {name}\n\n{entry.help}\n\n    pipx-parallel {f'{name} [options] {arguments}'.rstrip()}\n"
    if shared:
        text += f"\nShared options: {'; '.join(_of_groups(shared))}; General.\n"
    return f"{text}\n{_table(own, shared=False)}" if own else text


def _of_groups(shared: Sequence[Option]) -> Iterator[str]:
    """Yield each group of shared options; its options are named if the command does not take all of them."""
    for title in dict.fromkeys(option.group for option in ALL):
        members = [option for option in ALL if option.group == title]
        taken = [option for option in members if option in shared]
        if taken:
            names = ", ".join(f"`{option.name}`" for option in taken)
            yield title if taken == members else f"{title} ({names})"


def _table(options: Sequence[Option], *, shared: bool) -> str:
    rows = [f"| {_names(option)} | {_meaning(option, shared=shared)} |" for option in options]
    return "\n".join(("| option | meaning |", "|---|---|", *rows)) + "\n"


def _names(option: Option) -> str:
    value = "" if option.kind in {"flag", "count"} else f" {option.metavar}"
    return ", ".join(f"`{name}{value}`" for name in option.names)


def _meaning(option: Option, *, shared: bool) -> str:
    notes = [option.help.replace("|", "\\|")]
    if option.choices:
        notes.append(f"One of {', '.join(f'`{choice}`' for choice in option.choices)}.")
    if option.default:
        notes.append(f"Default: `{option.default}`.")
    if option.multiple and "repeated" not in option.help:
        notes.append("Can be repeated.")
    marks = [mark for mark, applies in (("pip", option.pip), ("file", option.in_file)) if applies and shared]
    return " ".join([*notes, *([f"*{', '.join(marks)}*"] if marks else [])])


if __name__ == "__main__":
    main()
