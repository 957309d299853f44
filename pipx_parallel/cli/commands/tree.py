"""``tree``: who asked for what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipx_parallel.cli.context import begin
from pipx_parallel.cli.numbers import whole_number
from pipx_parallel.cli.output import show
from pipx_parallel.cli.request import read_request
from pipx_parallel.cli.session import missing_code, resolved
from pipx_parallel.cli.shown_lock import package_name, shown_resolutions
from pipx_parallel.cli.wording import count, size
from pipx_parallel.config.option import Option, format_option
from pipx_parallel.config.options import INPUT_FILE, RESOLVE, SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.config.layers import Chosen
    from pipx_parallel.locks.tree import TreeStyle
    from pipx_parallel.model import Resolution

    Sizes = Mapping[tuple[str, str], int | None]  # bytes, by name and version

INVERT = Option(("--invert",), "Show what requires this package.", metavar="NAME")
DEPTH = Option(("--depth",), "Maximum depth of the tree.", metavar="N")
FORMAT = format_option("text", "json", "dot")
LICENCES = Option(("--licences",), "Show the licence of each package, and a table of licences.", "flag")
OUTDATED = Option(("--outdated",), "Name the newest release of each package that is not at it.", "flag")
SIZES = Option(("--sizes",), "Show the size of the file to install of each package, and the sum.", "flag")
DUPLICATES = Option(("--duplicates",), "List the packages that several others require, instead of the tree.", "flag")
OPTIONS = (INVERT, DEPTH, FORMAT, LICENCES, OUTDATED, SIZES, DUPLICATES, INPUT_FILE, *RESOLVE)
ARGUMENTS = (SOURCES,)


def run(values: Mapping[str, object]) -> int:
    """Resolve requirements and show the dependency tree."""
    context = begin(values, OPTIONS)
    depth = whole_number(context.chosen, "depth", least=0)
    package_name(context.chosen.text("invert") or "", "tree --invert")
    request = read_request(context, keep_going=True)
    licensed = context.chosen.flag("licences")
    resolutions = shown_resolutions(request, licensed=licensed, outdated=context.chosen.flag("outdated"))
    if context.chosen.flag("duplicates"):
        from pipx_parallel.locks.shared_packages import render_shared  # only if it is asked for

        show(render_shared(resolutions))
    else:
        sizes = _sizes(resolutions, request) if context.chosen.flag("sizes") else None
        show(_all_drawn(request, resolutions, depth, sizes))
    return missing_code(resolutions)


def _sizes(resolutions: Sequence[Resolution], request: LockRequest) -> Sizes:
    """Return the bytes of the file to install of each pin; a lock that is shown has none, so its pins are resolved."""
    has_files = any(pin.installable for resolution in resolutions for pin in resolution.pins)
    sized = resolutions if has_files else resolved(request)
    pins = [pin for resolution in sized for pin in resolution.pins]
    return {(pin.name, pin.version): pin.installable[0].size for pin in pins if pin.installable}


def _all_drawn(request: LockRequest, resolutions: Sequence[Resolution], depth: int | None, sizes: Sizes | None) -> str:
    from pipx_parallel.cli.shown_targets import drawn, holders  # here and below: only once there is something to draw
    from pipx_parallel.locks.tree import TreeStyle

    chosen = request.context.chosen
    name = chosen.text("invert")
    rows = resolutions if name is None else holders(request, resolutions, name)
    style = TreeStyle(depth, chosen.flag("outdated"), paint=request.context.paint)
    if sizes is not None:
        style = style._replace(detail=lambda pin: f" [{_size_text(sizes.get((pin.name, pin.version)))}]")
    if chosen.text("format") in {"json", "dot"}:
        return "".join(_drawn(row, chosen, style, sizes) for row in rows)
    return drawn(rows, resolutions, lambda row: _drawn(row, chosen, style, sizes))


def _drawn(resolution: Resolution, chosen: Chosen, style: TreeStyle, sizes: Sizes | None) -> str:
    from pipx_parallel.locks import tree  # as above

    table = f"\n{tree.render_licences(resolution)}" if chosen.flag("licences") else ""
    if sizes is not None:
        table = f"\n{_sum_text(resolution, sizes)}\n{table}"
    match chosen.text("format"), chosen.text("invert"):
        case "json", _:
            return json.dumps(tree.tree_json(resolution), indent=2) + "\n"
        case "dot", _:
            return tree.tree_dot(resolution)
        case _, None:
            return tree.render_tree(resolution, style) + table
        case _, name:
            return tree.render_inverted(resolution, name, style)


def _size_text(number: int | None) -> str:
    return "size not known" if number is None else size(number)


def _sum_text(resolution: Resolution, sizes: Sizes) -> str:
    """Return the sum of all files, and how many state no size."""
    stated = [sizes.get((pin.name, pin.version)) for pin in resolution.pins]
    numbers = [number for number in stated if number is not None]
    unknown = len(stated) - len(numbers)
    return f"{count(len(numbers), 'file')}, {size(sum(numbers))} to download" + (
        f"; {unknown} without a size" if unknown else ""
    )
