"""``why``: who asked for a project, and why it is not newer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipx_parallel.cli.context import begin
from pipx_parallel.cli.output import show
from pipx_parallel.cli.request import read_request
from pipx_parallel.cli.session import missing_code
from pipx_parallel.cli.shown_lock import package_name, refuse_version, shown_resolutions
from pipx_parallel.config.option import Argument, format_option
from pipx_parallel.config.options import INPUT_FILE, RESOLVE, SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = format_option("text", "json")
OPTIONS = (FORMAT, INPUT_FILE, *RESOLVE)
ARGUMENTS = (Argument("name", "NAME"), SOURCES)


def run(values: Mapping[str, object]) -> int:
    """Show who requires NAME, from the lines of the SOURCES down, and why it is not newer."""
    from pipx_parallel.cli.shown_targets import drawn, holders  # here and below: this command's own
    from pipx_parallel.locks.tree import render_why, why_json

    context = begin(values, OPTIONS)
    name = package_name(str(values["name"]), "why")
    refuse_version(name, context.sources)
    request = read_request(context, keep_going=True)
    resolutions = shown_resolutions(request)
    rows = holders(request, resolutions, name)
    if context.chosen.text("format") == "json":
        show("".join(json.dumps(why_json(row, name), indent=2) + "\n" for row in rows))
    else:
        show(drawn(rows, resolutions, lambda row: render_why(row, name, context.paint)))
    return missing_code(resolutions)
