"""The pages for people that need no program behind them: for a published folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.server.site import commands
from mirror.server.site_facts import Facts
from mirror.server.site_render import Renderer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mirror.ports import Store

_ADDRESS = "https://HOST/PATH"  # a folder does not know where it will be served


def static_pages(store: Store, version: str) -> Iterator[tuple[str, bytes]]:
    """Yield (path, contents) of each page of a published folder. Times are left out: they change without the mirror."""
    overview = Facts(store, lambda _: True).overview()
    renderer = Renderer(interactive=False, version=version)
    ways = [row for row in commands(_ADDRESS) if row[0] != "curl"]
    yield "index.html", renderer.html("home.html", 0, {"overview": overview, "offline": True, "commands": ways})
    rows = list(overview.projects.values())
    yield "ui/projects/index.html", renderer.html("projects.html", 2, {"rows": rows, "total": len(rows), "query": ""})
    yield "ui/style.css", renderer.asset("style.css")
