"""``mirror status``: what the mirror holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipx_parallel.cli.context import begin
from pipx_parallel.cli.mirror_opening import opened
from pipx_parallel.cli.output import show
from pipx_parallel.cli.request import settings_of
from pipx_parallel.config.option import Argument, Option, rare
from pipx_parallel.config.options import INDEX, MIRROR, NETWORK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FORMAT = Option(("--format",), "Format of standard output.", metavar="FORMAT", choices=("table", "json"))
OPTIONS = (FORMAT, *MIRROR, *rare(*INDEX, *NETWORK))
ARGUMENTS: tuple[Argument, ...] = ()


def run(values: Mapping[str, object]) -> int:
    """Show what the mirror holds: projects, releases, freshness and size."""
    context = begin(values, OPTIONS)
    with opened(settings_of(context), context.progress) as mirror:
        status = mirror.admin.status()
    if context.chosen.text("format") == "json":
        show(json.dumps(status, indent=2, sort_keys=True) + "\n")
    else:
        show("\n".join(table_lines(status)) + "\n")
    return 0


def table_lines(status: Mapping[str, object], indent: str = "") -> Iterator[str]:
    """Yield the status as lines of names and values; what is nested is indented."""
    width = max((len(name) for name in status), default=0)
    for name, value in status.items():
        words = name.replace("_", " ")
        if isinstance(value, dict):
            yield f"{indent}{words}"
            yield from table_lines(value, indent + "  ")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
            yield f"{indent}{words.ljust(width)}  {shown}"
