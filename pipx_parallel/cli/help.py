"""Help in groups: the common options with ``--help``, all with ``--help-all``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pipx_parallel.config.option import Option

_ALL = "pipx_parallel.help_all"
# Headings of --help, which joins small groups so that the help of `lock` fits two screens of 24 lines.
_SHORT = {
    "Upgrade": "Output",
    "Index": "Index and mirror",
    "Mirror": "Index and mirror",
    "Format and build": "Resolution",
}


class GroupedOption(click.Option):
    """A click option that knows its row of the option table."""

    def __init__(self, row: Option, **details: Any) -> None:  # click's own
        """Take the row; ``details`` go to click."""
        default = f" [default: {row.default}]" if row.default else ""
        super().__init__([*row.names, row.dest], help=f"{row.help.rstrip('.')}.{default}", **details)
        self.group = row.group
        self.rare = row.rare
        self.row = row

    def short_record(self) -> tuple[str, str]:
        """Return one spelling of the names, and the help without its default."""
        short = next((name for name in self.row.names if not name.startswith("--")), "")
        names = f"{short}, {self.row.name}" if short else self.row.name
        metavar = "" if self.row.kind in {"flag", "count"} else f" {self.row.metavar}"
        return names + metavar, self.row.help.rstrip(".")


class GroupedCommand(click.Command):
    """A command whose help has a heading for each group of options."""

    def __init__(self, name: str, **details: Any) -> None:  # click's own
        """Add ``--help-all``; ``details`` go to click."""
        super().__init__(name, **details)
        if self._has_rare():
            self.params.append(_help_all())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; an error that the parser raises without a context gets this command's, for its message."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the first two paragraphs; with --help-all the whole text."""
        text = self.help or ""
        shown = self if ctx.meta.get(_ALL) or not self._has_rare() else click.Command(self.name, help=_first(text))
        click.Command.format_help_text(shown, ctx, formatter)

    def _has_rare(self) -> bool:
        return any(isinstance(param, GroupedOption) and param.rare for param in self.params)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options group by group, the command's own first."""
        groups: dict[str, list[tuple[str, str]]] = {"Options": []}
        is_short = self._has_rare() and not ctx.meta.get(_ALL)
        hidden = 0
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            if isinstance(param, GroupedOption):
                if param.rare and is_short:
                    hidden += 1
                    continue
                heading = _SHORT.get(param.group, param.group) if is_short else param.group
                groups.setdefault(heading, []).append(param.short_record() if is_short else record)
            elif isinstance(param, click.Option) and not (is_short and param.name == "help_all"):
                # ``--help-all`` is named by the last line of the short help.
                groups.setdefault("General", []).append(record)
        general = groups.pop("General", [])
        for heading, records in {**groups, "General": general}.items():
            if records:
                rows = _one_line(records, formatter.width) if is_short else records
                with formatter.section("Options" if heading == "Options" else f"{heading} options"):
                    formatter.write_dl(rows, col_max=30)
        if hidden:
            formatter.write_text(f"--help-all explains these and shows {hidden} more options.")


def _one_line(records: list[tuple[str, str]], width: int) -> list[tuple[str, str]]:
    """Return the records with texts that fit one line: of a longer one the clauses that do, at least the first."""
    left = max(len(names) for names, _ in records)
    return [(names, _shortened(text, width - left - 5)) for names, text in records]


def _shortened(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    ends = [match.start() for match in re.finditer(r"\. |; |, | \[| \(", text)]
    ends = [end for end in ends if text.count("[", 0, end) == text.count("]", 0, end)] or [len(text)]
    ends = [end for end in ends if text.count("(", 0, end) == text.count(")", 0, end)] or [len(text)]
    return text[: max([end for end in ends if end <= width], default=ends[0])]


def _first(text: str) -> str:
    """Return the first two paragraphs of a help text."""
    return "\n\n".join(text.split("\n\n")[:2])


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
