"""``why``: who asked for a project, and why it is not newer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipx_parallel.cli import session as job
from pipx_parallel.cli.options import INPUT_FILE, RESOLVE, SOURCES, Argument, Option

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = Option(("--format",), "What is written to stdout.", metavar="FORMAT", choices=("text", "json"))
OPTIONS = (FORMAT, INPUT_FILE, *RESOLVE)
ARGUMENTS = (Argument("name", "NAME"), SOURCES)


def run(values: Mapping[str, object]) -> int:
    """Show who asks for NAME, from the lines of the SOURCES down, and why it is not newer."""
    from pipx_parallel.locks.tree import render_why, why_json  # this command's own

    context = job.begin(values, OPTIONS)
    work = job.read(context)
    work = work._replace(settings=work.settings._replace(keep_going=True))
    resolutions = job.resolved(work)
    name = str(values["name"])
    if context.chosen.text("format") == "json":
        job.show("".join(json.dumps(why_json(one, name), indent=2) + "\n" for one in resolutions))
    else:
        job.show("".join(render_why(one, name) for one in resolutions))
    return job.missing_code(resolutions)
