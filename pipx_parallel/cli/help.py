"""Help in groups: the common options with ``--help``, all with ``--help-all``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pipx_parallel.config.option import Option

_ALL = "pipx_parallel.help_all"


class GroupedOption(click.Option):
    """A click option that knows its row of the option table."""

    def __init__(self, row: Option, **details: Any) -> None:  # click's own
        """Take the row; ``details`` go to click."""
        default = f" [default: {row.default}]" if row.default else ""
        super().__init__([*row.names, row.dest], help=f"{row.help.rstrip('.')}.{default}", **details)
        self.group = row.group
        self.rare = row.rare


class GroupedCommand(click.Command):
    """A command whose help has a heading for each group of options."""

    def __init__(self, name: str, **details: Any) -> None:  # click's own
        """Add ``--help-all``; ``details`` go to click."""
        super().__init__(name, **details)
        if any(isinstance(param, GroupedOption) and param.rare for param in self.params):
            self.params.append(_help_all())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; an error that the parser raises without a context gets this command's, for its message."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options group by group, the command's own first."""
        groups: dict[str, list[tuple[str, str]]] = {"Options": []}
        hidden = 0
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            if isinstance(param, GroupedOption):
                if param.rare and not ctx.meta.get(_ALL):
                    hidden += 1
                    continue
                groups.setdefault(param.group, []).append(record)
            elif isinstance(param, click.Option):
                groups.setdefault("General", []).append(record)
        general = groups.pop("General", [])
        for heading, records in {**groups, "General": general}.items():
            if records:
                with formatter.section("Options" if heading == "Options" else f"{heading} options"):
                    formatter.write_dl(records, col_max=30)
        if hidden:
            formatter.write_paragraph()
            formatter.write_text(f"{hidden} more options: --help-all")


def _help_all() -> click.Option:
    def show(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
        if value and not ctx.resilient_parsing:
            ctx.meta[_ALL] = True
            click.echo(ctx.get_help(), color=ctx.color)
            ctx.exit()

    return click.Option(
        ["--help-all"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=show,
        help="Show all options and exit.",
    )
