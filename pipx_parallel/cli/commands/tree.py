"""``tree``: who asked for what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipx_parallel.cli.context import begin
from pipx_parallel.cli.output import show
from pipx_parallel.cli.request import read_request
from pipx_parallel.cli.session import missing_code
from pipx_parallel.cli.shown_lock import package_name, shown_resolutions
from pipx_parallel.config.option import Option
from pipx_parallel.config.options import INPUT_FILE, RESOLVE, SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.config.layers import Chosen
    from pipx_parallel.model import Resolution

INVERT = Option(("--invert",), "Show what requires this package.", metavar="NAME")
DEPTH = Option(("--depth",), "Maximum depth of the tree.", metavar="N")
FORMAT = Option(("--format",), "Format of standard output.", metavar="FORMAT", choices=("text", "json", "dot"))
LICENCES = Option(("--licences",), "Show the licence of each package, and a table of licences.", "flag")
OUTDATED = Option(("--outdated",), "Name the newest release of each package that is not at it.", "flag")
OPTIONS = (INVERT, DEPTH, FORMAT, LICENCES, OUTDATED, INPUT_FILE, *RESOLVE)
ARGUMENTS = (SOURCES,)


def run(values: Mapping[str, object]) -> int:
    """Resolve requirements and show the dependency tree."""
    context = begin(values, OPTIONS)
    depth = _depth(context.chosen)
    package_name(context.chosen.text("invert") or "", "tree --invert")
    request = read_request(context)
    request = request._replace(settings=request.settings._replace(keep_going=True))
    licensed = context.chosen.flag("licences")
    resolutions = shown_resolutions(request, licensed=licensed, outdated=context.chosen.flag("outdated"))
    show(_all_drawn(resolutions, context.chosen, depth))
    return missing_code(resolutions)


def _all_drawn(resolutions: Sequence[Resolution], chosen: Chosen, depth: int | None) -> str:
    from pipx_parallel.locks.tree import heading, holders  # only once there is something to draw

    name = chosen.text("invert")
    rows = resolutions if name is None else holders(resolutions, name)
    is_text = chosen.text("format") not in {"json", "dot"}
    return "".join((heading(row, rows) if is_text else "") + _drawn(row, chosen, depth) for row in rows)


def _drawn(resolution: Resolution, chosen: Chosen, depth: int | None) -> str:
    from pipx_parallel.locks import tree  # as above

    outdated = chosen.flag("outdated")
    table = f"\n{tree.render_licences(resolution)}" if chosen.flag("licences") else ""
    match chosen.text("format"), chosen.text("invert"):
        case "json", _:
            return json.dumps(tree.tree_json(resolution), indent=2) + "\n"
        case "dot", _:
            return tree.tree_dot(resolution)
        case _, None:
            return tree.render_tree(resolution, depth=depth, outdated=outdated) + table
        case _, name:
            return tree.render_inverted(resolution, name, depth=depth, outdated=outdated)


def _depth(chosen: Chosen) -> int | None:
    text = chosen.text("depth")
    if text is not None and not text.isdecimal():
        raise chosen.refuse("depth", text, "a whole number, 0 for the first level alone")
    return None if text is None else int(text)
