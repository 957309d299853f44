"""``mirror status``: what the mirror holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipx_parallel.cli.context import begin
from pipx_parallel.cli.mirror_opening import opened
from pipx_parallel.cli.output import show
from pipx_parallel.cli.request import settings_of
from pipx_parallel.cli.wording import age, size
from pipx_parallel.config.option import Argument, format_option, rare
from pipx_parallel.config.options import INDEX, MIRROR, NETWORK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FORMAT = format_option("table", "json")
OPTIONS = (FORMAT, *MIRROR, *rare(*INDEX, *NETWORK))
ARGUMENTS: tuple[Argument, ...] = ()
_LABELS = {
    "bytes": "size",
    "bytes_of_release_views": "size of release views",
    "bytes_of_file_views": "size of file views",
    "bytes_of_metadata": "size of metadata",
    "newest_seconds": "newest confirmed",
    "oldest_seconds": "oldest confirmed",
    "only_as_variants": "only as wheel variants",
    "unadvertised_sidecars": "unadvertised .metadata files",
}


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
    rows = [(_label(name), _shown(name, value), value) for name, value in status.items()]
    width = max((len(label) for label, _, _ in rows), default=0)
    for label, shown, value in rows:
        if isinstance(value, dict) and value:
            yield f"{indent}{label}"
            yield from table_lines(value, indent + "  ")
        else:
            yield f"{indent}{label.ljust(width)}  {shown}"


def _label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " "))


def _shown(name: str, value: object) -> str:
    """Return a value as a person reads it, with its unit."""
    if name == "hit_rate":
        return f"{value:.0%}" if isinstance(value, float) else "not known: nothing was read yet"
    if name.endswith("_seconds"):
        return f"{age(value)} ago" if isinstance(value, int | float) else "never"
    if isinstance(value, int):
        return size(value) if name.startswith("bytes") else f"{value:,}"
    if isinstance(value, list | tuple | dict):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
