"""Opens the mirror of a run, with the tools that build and clone for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pipx_parallel.cli.cache_folder import cache_folder
from pipx_parallel.config.mirror_location import mirror_settings

if TYPE_CHECKING:
    from mirror.session.mirror import Mirror
    from pipx_parallel.config.settings import ResolveSettings
    from pipx_parallel.direct.build_tools import BuildTools
    from pipx_parallel.progress import Progress


def opened(settings: ResolveSettings, progress: Progress, tools: BuildTools | None = None) -> Mirror:
    """Return the mirror of these settings, to be closed by the caller. Raises ``StoreError``."""
    from mirror.session.mirror import open_mirror  # the store and all behind it, which a fresh --check does not need

    if not settings.mirror.offline:
        store_on_termination()
    tools = tools or build_tools(settings)
    return open_mirror(tools.opened, observer=progress, builder=tools)


def store_on_termination() -> None:
    """Have SIGTERM (`docker stop`, systemd) end this process as Ctrl-C does: what was fetched is stored."""
    import signal  # 1 ms that an offline lock does not need: it has nothing to store

    signal.signal(signal.SIGTERM, signal.default_int_handler)


def build_tools(settings: ResolveSettings) -> BuildTools:
    """Return the tools for builds and clones of this run."""
    from pipx_parallel.direct.build_tools import BuildTools  # as above

    return BuildTools(settings, mirror_settings(settings), os.environ, cache_folder())
