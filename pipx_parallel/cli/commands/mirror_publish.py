"""``mirror publish``: the mirror as static files for any web server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.cli.context import begin
from pipx_parallel.cli.request import settings_of
from pipx_parallel.cli.wording import count
from pipx_parallel.config.option import Argument, rare
from pipx_parallel.config.options import INDEX, MIRROR, NETWORK
from pipx_parallel.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTIONS = (*MIRROR, *rare(*INDEX, *NETWORK))
ARGUMENTS = (Argument("folder", "FOLDER"),)


def run(values: Mapping[str, object]) -> int:
    """Write the mirror into FOLDER: records for --mirror http://…, Simple API pages for pip and uv, digests.

    A second run writes only what has changed.
    """
    from mirror.exchange.maintenance import refuse_damaged
    from mirror.exchange.publish import publish  # here and below: only what this command needs
    from mirror.server.static_site import static_pages
    from mirror.session.open_store import open_store

    folder = str(values["folder"])
    context = begin({name: value for name, value in values.items() if name != "folder"}, OPTIONS)
    store = open_store(settings_of(context).mirror.location)
    try:
        refuse_damaged(store)
        done = publish(store, folder, static_pages(store, VERSION))
    finally:
        store.close()
    context.printer.say(
        f"published to {folder}: {count(done.written, 'file')} written, {done.unchanged} unchanged, {done.removed} removed"
    )
    return 0
