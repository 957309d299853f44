"""``mirror diff``: what changed between two mirrors or exported files."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pipx_parallel.cli.context import begin
from pipx_parallel.cli.output import show, show_json
from pipx_parallel.cli.wording import count
from pipx_parallel.config.option import Argument, format_option
from pipx_parallel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mirror.exchange.diff import ProjectChange
    from pipx_parallel.locks.paint import Paint

FORMAT = format_option("text", "json")
OPTIONS = (FORMAT,)
_HEADS = {
    "added": ("+", ""),
    "removed": ("-", ""),
    "withdrawn": ("!", "its index does not list it any more"),
    "returned": ("*", "its index lists it again"),
}
ARGUMENTS = (Argument("before", "BEFORE"), Argument("after", "AFTER"))


def run(values: Mapping[str, object]) -> int:
    """Show what changed from BEFORE to AFTER: projects, releases, yanks. Each is a mirror or an exported file."""
    import os  # loaded by every interpreter; named where it is used

    from mirror.exchange.diff import differences  # here and below: only what this command needs
    from mirror.session.open_store import is_fixed, open_store

    context = begin(values, OPTIONS)
    locations = [str(values["before"]), str(values["after"])]
    for location in locations:
        if "://" not in location and not is_fixed(location) and not os.path.isdir(location):  # as elsewhere
            raise UsageError(f"{location}: there is no mirror and no exported file of that name")
    with closing(open_store(locations[0])) as before, closing(open_store(locations[1])) as after:
        changes = differences(before, after)
    if context.chosen.text("format") == "json":
        show_json([change.to_json() for change in changes])
    elif changes:
        show("\n".join(line for change in changes for line in change_lines(change, context.paint)) + "\n")
    context.printer.say(f"{len(changes)} project{'s' * (len(changes) != 1)} differ{'s' * (len(changes) == 1)}")
    return 0


def change_lines(change: ProjectChange, paint: Paint) -> Iterator[str]:
    """Yield the lines that show a change."""
    head = _HEADS.get(change.kind)
    if head is not None:
        mark, word = head
        yield f"{paint(change.kind, mark)} {change.name} ({word or count(len(change.added or change.removed), 'release')})"
        if not word:
            return
    else:
        yield f"{paint('moved', '~')} {change.name}"
    for word in ("added", "removed", "yanked", "restored"):
        versions = getattr(change, word)
        if versions:
            yield f"    {paint(word, f'{word}:')} {', '.join(versions)}"
    if change.learned:
        yield f"    dependencies known of {change.learned:+d} releases"
