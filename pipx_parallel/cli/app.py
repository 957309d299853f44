"""The command line as click sees it, made from the table of options. The authority on what an invocation means."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from pipx_parallel.cli import BAD_INPUT, guarded, interrupted, printer, tell
from pipx_parallel.cli.command_table import COMMANDS, CommandEntry
from pipx_parallel.cli.help import GroupedCommand, GroupedOption
from pipx_parallel.config.options import CONSOLE
from pipx_parallel.errors import UsageError
from pipx_parallel.nearest_names import nearest
from pipx_parallel.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.config.option import Argument, Option

NAME = "pipx-parallel"
_WARNINGS = "pipx_parallel.warnings"  # the key of click's context
COMPLETION = "_PIPX_PARALLEL_COMPLETE"  # the variable with which a completion script asks
_CONTEXT = {"help_option_names": ["-h", "--help"]}


class LazyGroup(click.Group):
    """A group that imports a command's module when that command is called, and not to list it."""

    def __init__(self, name: str, entries: Mapping[str, CommandEntry], **details: Any) -> None:  # click's own
        """Keep the entries; ``details`` go to click."""
        super().__init__(name, context_settings=_CONTEXT, **details)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table: the most used first."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Return the command, importing its module; None if there is none of that name."""
        entry = self.entries.get(cmd_name)
        return None if entry is None else command_of(cmd_name, entry)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.entries.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a name that does not exist is answered with the nearest that does."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self.entries:
            ctx.fail(f"there is no command {name!r}{_command_hint(name, self.entries)}")
        return super().resolve_command(ctx, args)


def command_of(name: str, entry: CommandEntry) -> click.Command:
    """Return the click command of a table entry."""
    if entry.commands:
        return LazyGroup(name, entry.commands, help=entry.help)
    module = import_module(entry.module)

    def body(**given: object) -> int:
        values = _given(given)
        for line in click.get_current_context().meta.get(_WARNINGS, ()):
            printer(values).warn(line)
        return guarded(lambda: int(module.run(values)), values)

    positional = [_argument(argument) for argument in module.ARGUMENTS]
    named = [_option(option) for option in (*module.OPTIONS, *CONSOLE)]
    return GroupedCommand(
        name,
        callback=body,
        params=[*positional, *named, *_without_effect(name)],
        help=module.run.__doc__ or entry.help,
        short_help=entry.help,
        context_settings=_CONTEXT,
    )


def group() -> click.Group:
    """Return the whole command line."""
    return LazyGroup(NAME, COMMANDS, help=_ABOUT, params=[_version()])


def main(arguments: Sequence[str]) -> int:
    """Run a command line and return the exit code. Usage errors are one line, and code 2."""
    if os.environ.get(COMPLETION, "").startswith("powershell"):
        from pipx_parallel.cli import powershell  # only where PowerShell asks

        powershell.register()
    try:
        code = group().main(list(arguments), NAME, standalone_mode=False)
    except click.ClickException as error:
        return _refused(error, arguments)
    except click.Abort:
        return interrupted({})
    return code if isinstance(code, int) else 0


_ABOUT = (
    """Lock requirements from a local mirror of metadata that is filled in parallel; plain pip installs the result."""
)


# Text as far as values go: it lets a shell complete the names of files. Whether a path can be used is checked when it is read.
_PATH = click.Path(readable=False)
_PATH_ARGUMENTS = ("SOURCE", "FILE", "FOLDER", "SNAPSHOT")


_OF_MESSAGES = {"error_format": "--error-format", "color": "--colou?r"}


def _refused(error: click.ClickException, arguments: Sequence[str]) -> int:
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else NAME
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return BAD_INPUT
    text = (
        _switch_with_value(error, context)
        or _no_such_option(error)
        or " ".join(error.format_message().split()).rstrip(".")
    )
    import re  # only on the way to an error

    words = " ".join(arguments)
    # What the command line says of messages holds for this one, too, although the rest cannot be read.
    matches = {name: re.search(f"{option}[ =](\\w+)", words) for name, option in _OF_MESSAGES.items()}
    values = {name: match[1] for name, match in matches.items() if match}
    return tell(UsageError(f"{text[:1].lower()}{text[1:]}", f"see '{path} --help'"), values)


def _command_hint(name: str, entries: Mapping[str, CommandEntry]) -> str:
    """Return what to write instead of a command that does not exist; "" if nothing is like it."""
    from pipx_parallel.cli import other_tools  # only on the way to an error

    if (instead := other_tools.COMMANDS.get(name)) is not None:
        return f"; {instead}"
    inner = [group for group, entry in COMMANDS.items() if name in entry.commands]
    if inner:
        return f"; write `{NAME} {inner[0]} {name}`"
    near = nearest(name, entries)
    return f"; did you mean {near!r}?" if near else ""


def _no_such_option(error: click.ClickException) -> str | None:
    """Return the error for an unknown option, with what other tools call so, or the options like it; None for any other error."""
    if not isinstance(error, click.NoSuchOption):
        return None
    from pipx_parallel.cli import other_tools  # only on the way to an error

    name = error.option_name
    if (instead := other_tools.OPTIONS.get(name)) is not None:
        return f"no such option {name!r}; {instead}"
    if name in other_tools.WITHOUT_EFFECT:
        return f"no such option {name!r}; leave it out: {other_tools.WITHOUT_EFFECT[name][1]}"
    near = nearest(name, error.possibilities or ())
    return f"no such option {name!r}" + (f"; did you mean {near!r}?" if near else "")


def _switch_with_value(error: click.ClickException, context: click.Context | None) -> str | None:
    """Return the error for a value given to an option that takes none, like ``--pre=yes``; None for any other error."""
    if context is None or not isinstance(error, click.BadOptionUsage):
        return None
    name = error.option_name
    for option in context.command.params:
        if isinstance(option, click.Option) and name in option.opts and (option.is_flag or option.count):
            return f"{name} takes no value: write {name} alone to switch it on, and leave it out to keep it off"
    return None


def _given(given: Mapping[str, object]) -> dict[str, object]:
    """Return what the user gave: options left out are absent, which lets a variable or the project speak."""
    values = {
        name: value for name, value in given.items() if value is not None and value not in ((), 0)
    }  # 0: also False
    return {**values, "sources": given.get("sources", ())}


def _argument(argument: Argument) -> click.Argument:
    offered: dict[str, Any] = {}
    if argument.choices:
        offered["shell_complete"] = lambda _c, _p, given: [name for name in argument.choices if name.startswith(given)]
    return click.Argument(
        [argument.dest], metavar=f"[{argument.metavar}]..." if argument.many else argument.metavar,
        nargs=-1 if argument.many else 1, required=not argument.many,
        type=_PATH if argument.metavar in _PATH_ARGUMENTS else click.STRING, **offered,
    )  # fmt: skip


def _option(option: Option) -> click.Option:
    details: dict[str, Any] = {}
    if option.kind == "flag":
        details |= {"is_flag": True}
    elif option.kind == "count":
        details |= {"count": True}
    else:
        kind = click.Choice(option.choices) if option.choices else _PATH if option.kind == "path" else click.STRING
        details |= {"type": kind, "multiple": option.multiple, "metavar": None if option.choices else option.metavar}
    return GroupedOption(option, **details)


def _without_effect(command: str) -> list[click.Option]:
    """Return hidden options of other tools that a command takes with a warning."""
    if command not in {"lock", "resolve"}:
        return []
    from pipx_parallel.cli.other_tools import WITHOUT_EFFECT  # two commands have them

    def note(ctx: click.Context, option: click.Parameter, value: object) -> None:
        if value:
            reason = WITHOUT_EFFECT[option.opts[0]][1]
            ctx.meta.setdefault(_WARNINGS, []).append(f"{option.opts[0]} has no effect: {reason}")

    return [
        click.Option([name], is_flag=not valued, hidden=True, expose_value=False, callback=note)
        for name, (valued, _) in WITHOUT_EFFECT.items()
    ]


def _version() -> click.Option:
    def show(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
        if value and not ctx.resilient_parsing:
            click.echo(f"{NAME} {VERSION}")
            ctx.exit()

    return click.Option(
        ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=show, help="Show the version."
    )
