"""``mirror import``: take an exported file into the mirror."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pipx_parallel.cli.context import begin
from pipx_parallel.cli.request import settings_of
from pipx_parallel.cli.wording import count
from pipx_parallel.config.option import Argument, rare
from pipx_parallel.config.options import INDEX, MIRROR, NETWORK

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTIONS = (*MIRROR, *rare(*INDEX, *NETWORK))
ARGUMENTS = (Argument("file", "FILE"),)


def run(values: Mapping[str, object]) -> int:
    """Import every project of FILE ("-": standard input) into the mirror.

    Newer records win; known dependencies of both are kept.
    """
    from mirror.exchange.snapshot_import import import_snapshot  # here and below: only what this command needs
    from mirror.exchange.snapshot_store import load_snapshot
    from mirror.session.open_store import open_store, refuse_fixed

    context = begin(values, OPTIONS)
    location = settings_of(context).mirror.location
    refuse_fixed(location)
    snapshot = load_snapshot(str(values["file"]))
    with closing(open_store(location)) as store:
        done = import_snapshot(snapshot, store)
    context.printer.say(
        f"imported {count(done.added, 'project')}, replaced {done.replaced}, kept {done.retained} that are as new here"
    )
    return 0
