"""Projects' pages: what is read from one, and fetching one again for files that were not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import Malformed, Unreachable
from mirror.limits import PAGE_BYTES
from mirror.ports import PageWish, Request
from mirror.records.release_view import ReleaseView, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mirror.http.fetcher import Fetcher
    from mirror.ports import Exchange
    from mirror.records.project import Project

ACCEPT = (
    ("Accept", "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"),
)
"""What a page is asked for as (PEP 691, version and format selection)."""


class Pages:
    """Reads pages that have come, and fetches one again, whole, where an old release is wanted."""

    def __init__(self, fetcher: Fetcher, clock: Callable[[], float]) -> None:
        """``clock`` dates what is read."""
        self._fetcher = fetcher
        self._clock = clock

    def read(self, exchange: Exchange) -> tuple[ReleaseView, bytes]:
        """Return both views of a page, read here unless that was done where it was fetched. Raises ``Malformed``."""
        views = exchange.views
        if views is None:
            from mirror.records.page_views import views_of  # msgspec (25 ms) is behind it: where a page is read only

            views = views_of(exchange, exchange.request.page or PageWish(""), self._clock)
        if views.error is not None:
            raise Malformed(views.error)
        view = decode(views.view)
        if not isinstance(view, ReleaseView):
            raise Malformed(f"{exchange.url}: no project page")
        return view, views.files

    def refill(self, project: Project) -> Generator[Request, Exchange, None]:
        """Fetch a project's page again and keep all of it: an old release is wanted whose files were not kept.

        Raises ``Unreachable`` where the page cannot be had or lists other releases by now, ``Malformed``.
        """
        view = project.view
        exchange = yield Request(project.page_url, ACCEPT, limit=PAGE_BYTES, page=PageWish(view.name, whole=True))
        if exchange.status != 200 or exchange.problem is not None:
            raise Unreachable(f"{view.name}: {exchange.trouble}")
        found, files = self.read(exchange)
        if found.keys != view.keys:
            raise Unreachable(f"{view.name}: its listing changed while it was read; run the command again")
        project.replace_files(files)

    def refill_now(self, project: Project) -> None:
        """See that every file of a project is kept, waiting for it. Raises ``MirrorError`` where that cannot be."""
        ended: list[Exception | None] = []
        self._fetcher.submit(f"r/{project.view.name}", self.refill(project), lambda _, error: ended.append(error))
        while not ended and self._fetcher.pump():
            pass
        if ended and ended[0] is not None:
            raise ended[0]
