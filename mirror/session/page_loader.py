"""Projects' pages: what is read from one, and fetching one again for files that were not kept."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from mirror.errors import Malformed, MirrorError, Unreachable
from mirror.limits import PAGE_BYTES
from mirror.ports import PageWish, Purpose, Request
from mirror.records.file_view import pack, read_all
from mirror.records.release_view import ReleaseView, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from mirror.http.fetcher import Fetcher
    from mirror.ports import Exchange
    from mirror.records.project import Project

    Told = Callable[[Exception | None], None]

ACCEPT = (
    ("Accept", "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"),
)
"""What a page is asked for as (PEP 691, version and format selection)."""


class FilesState(Enum):
    """Whether the files of a release can be read."""

    AT_HAND = auto()  # or it is known that the index has none of that release any more
    PENDING = auto()  # the page is being fetched again
    NOT_AVAILABLE = auto()  # offline, or the page could not be fetched again


class PageLoader:
    """Reads pages that have come, and fetches one again, whole, where an old release is wanted."""

    def __init__(self, fetcher: Fetcher, clock: Callable[[], float]) -> None:
        """``clock`` dates what is read."""
        self._fetcher = fetcher
        self._clock = clock
        self._awaited: set[str] = set()
        self._refetched: dict[tuple[str, str], MirrorError | None] = {}  # (index, project) -> why it failed

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

    def refetch(self, project: Project) -> Generator[Request, Exchange, None]:
        """Fetch a project's page again and keep all of it: an old release is wanted whose files were not kept.

        Asked once a run: what came of it, a failure too, is the answer to whoever wants it later. Releases that the page has
        got since are left for the next look at the listing, so that a run sees one listing; those that it lost have no files.
        Raises ``Unreachable`` or ``Malformed``.
        """
        key = _key(project)
        if key not in self._refetched:
            try:
                yield from self._refetch(project)
            except MirrorError as error:
                self._refetched[key] = error
            else:
                self._refetched[key] = None
        known = self._refetched[key]
        if known is not None:
            raise known

    def _refetch(self, project: Project) -> Generator[Request, Exchange, None]:
        view = project.view
        exchange = yield Request(
            project.page_url, ACCEPT, limit=PAGE_BYTES, page=PageWish(view.name, whole=True), purpose=Purpose.PAGES
        )
        if exchange.status != 200 or exchange.problem is not None:
            raise Unreachable(
                f"its page cannot be fetched again, which the files of old releases need: {exchange.trouble}"
            )
        found, files = self.read(exchange)
        if found.keys != view.keys:
            files = _aligned(view, found, files)
        project.replace_files(files, exchange.url)

    def refetch_now(self, project: Project) -> None:
        """See that every file of a project is kept, waiting for it. Raises ``MirrorError`` where that cannot be."""
        ended: list[Exception | None] = []
        self.want(project, ended.append)
        while not ended and self._fetcher.pump():
            pass
        error = ended[0] if ended else Unreachable("the run ended before its page was fetched again")
        if error is not None:
            raise error

    def want(self, project: Project, told: Told) -> None:
        """Fetch a project's page again unless that was done; ``told`` is called once, with why it failed or None."""
        self._fetcher.submit("/".join(("r", *_key(project))), self.refetch(project), lambda _, error: told(error))

    def after_refetch(self, parts: Sequence[Project], key: str, told: Told) -> None:
        """Fetch the pages of some parts again; ``told`` is called once all have ended, with what went wrong first.

        Until then ``is_awaited(key)``.
        """
        left, first = len(parts), None

        def ended(error: Exception | None) -> None:
            nonlocal left, first
            left, first = left - 1, first or error
            if not left:
                self._awaited.discard(key)
                told(first)

        if not parts:
            told(None)
            return
        self._awaited.add(key)
        for part in parts:
            self.want(part, ended)

    def is_awaited(self, key: str) -> bool:
        """Return whether something with this key goes on once pages have been fetched again."""
        return key in self._awaited

    def want_files(self, project: Project, release: int, told: Told) -> FilesState:
        """Return whether the files of a release are at hand; ``told`` is called where pages are fetched again for them."""
        lacking = project.lacking(release)
        if not lacking:
            return FilesState.AT_HAND
        if not all(part.can_refetch and self._refetched.get(_key(part)) is None for part in lacking):
            return FilesState.NOT_AVAILABLE
        key = f"files/{project.view.name}"
        if not self.is_awaited(key):
            self.after_refetch(lacking, key, told)
        return FilesState.PENDING

    def files_failure(self, project: Project, release: int) -> MirrorError:
        """Return why the files of a release are ``NOT_AVAILABLE``."""
        failures = [self._refetched.get(_key(part)) for part in project.lacking(release)]
        first = next((failure for failure in failures if failure is not None), None)
        return project.no_files(release) if first is None else project.about(release, first)

    def forget(self, name: str) -> None:
        """Let the page of a project be fetched again: for runs that never end."""
        for key in [key for key in self._refetched if key[1] == name]:
            del self._refetched[key]


def _key(project: Project) -> tuple[str, str]:
    return project.index_id, project.view.name


def _aligned(view: ReleaseView, found: ReleaseView, files: bytes) -> bytes:
    """Return a file view that holds the files of one listing in the order of another, by release.

    Raises ``Unreachable`` where the two have no release in common: then the page is no page of this project any more.
    """
    slices = dict(zip(found.keys, read_all(files), strict=True))
    if not any(key in slices for key in view.keys):
        raise Unreachable(f"its page lists none of the {len(view.keys)} releases that it listed before")
    return pack([(slices[key],) if key in slices else () for key in view.keys])
