"""Project pages: reading one, and fetching one again for files that were not stored."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from mirror.errors import Malformed, MirrorError, Unreachable
from mirror.keys import FIRST_SEEN, simple_index
from mirror.limits import PAGE_BYTES
from mirror.ports import PageWish, Purpose, Request
from mirror.records.file_view import pack, read_all
from mirror.records.release_view import ReleaseView, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from mirror.http.fetcher import Fetcher
    from mirror.ports import Exchange
    from mirror.records.project import Project
    from mirror.session.write_buffer import WriteBuffer

    Callback = Callable[[Exception | None], None]

ACCEPT = (
    ("Accept", "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"),
)
"""The Accept header for a page (PEP 691, version and format selection)."""


_MOST_SIGNED = 200_000  # URLs: a server runs for weeks


class FilesState(Enum):
    """Whether the files of a release can be read."""

    AVAILABLE = auto()  # or the index does not list any file of that release any more
    PENDING = auto()  # the page is being fetched again
    NOT_AVAILABLE = auto()  # offline, or the page could not be fetched again


class Signatures:
    """The signed URLs that pages of this run have named, by the URL without signature; in memory only.

    A page with signed URLs is stale at once, so each run that goes online fetches it and has signatures that are valid now.
    """

    def __init__(self) -> None:
        """Know none yet."""
        self._signed: dict[str, str] = {}

    def add(self, signed: Mapping[str, str]) -> None:
        """Take the signed URLs of a page; they replace older ones."""
        if len(self._signed) > _MOST_SIGNED:
            self._signed.clear()
        self._signed.update(signed)

    def url_of(self, url: str) -> str:
        """Return the URL to send for a URL without signature: itself if none is known."""
        return self._signed.get(url, url)


class PageLoader:
    """Reads pages, and fetches a page again if the files of an old release are requested."""

    def __init__(
        self, fetcher: Fetcher, clock: Callable[[], float], signatures: Signatures, write_buffer: WriteBuffer
    ) -> None:
        """Fetch nothing yet; ``clock`` gives the fetch time of views."""
        self._write_buffer = write_buffer
        self._fetcher = fetcher
        self.signatures = signatures
        self._clock = clock
        self._awaited: set[str] = set()
        self._refetched: dict[tuple[str, str], MirrorError | None] = {}  # (index, project) -> why it failed

    def read(self, exchange: Exchange) -> tuple[ReleaseView, bytes]:
        """Return both views of a page, parsed here unless the transport has parsed it. Raises ``Malformed``."""
        views = exchange.views
        if views is None:
            from mirror.records.page_views import views_of  # loads msgspec (25 ms): only if a page is parsed

            views = views_of(exchange, exchange.request.page or PageWish(""), self._clock)
        if views.error is not None:
            raise Malformed(views.error)
        self.signatures.add(views.signed)
        view = decode(views.view)
        if not isinstance(view, ReleaseView):
            raise Malformed(f"{exchange.url}: no project page")
        # Only the page of an index has a key of the cache: not one that is fetched again.
        if views.undated and exchange.request.cache_key is not None:
            index_id = simple_index(exchange.request.url.removesuffix(f"/{view.name}/")).id
            self._write_buffer.add_sightings(FIRST_SEEN.key(index_id, view.name), views.undated, self._clock())
        return view, views.files

    def refetch(self, project: Project) -> Generator[Request, Exchange, None]:
        """Fetch a project's page again and store all of its files, for an old release whose files were not stored.

        Done once per run; later calls have the same result or failure. Releases that are new on the page are ignored, so that a
        run sees one listing; releases that it does not list any more have no files. Raises ``Unreachable`` or ``Malformed``.
        """
        key = _key(project)
        if key not in self._refetched:
            try:
                yield from self._refetch(project)
            except MirrorError as error:
                self._refetched[key] = error
            else:
                self._refetched[key] = None
        failure = self._refetched[key]
        if failure is not None:
            raise failure

    def failed(self, index_id: str, name: str, exchange: Exchange) -> None:
        """Take note that a page could not be fetched: in this run it is not requested again for files of old releases."""
        self._refetched[index_id, name] = _not_again(exchange)

    def _refetch(self, project: Project) -> Generator[Request, Exchange, None]:
        view = project.view
        exchange = yield Request(
            project.page_url, ACCEPT, limit=PAGE_BYTES, page=PageWish(view.name, whole=True), purpose=Purpose.PAGES
        )
        if exchange.status != 200 or exchange.problem is not None:
            raise _not_again(exchange)
        listed, files = self.read(exchange)
        if listed.keys != view.keys:
            files = _aligned(view, listed, files)
        project.replace_files(files, exchange.url)

    def refetch_now(self, project: Project) -> None:
        """Fetch a project's page again unless that was done, and wait. Raises ``MirrorError`` if it failed."""
        ended: list[Exception | None] = []
        self.want(project, ended.append)
        while not ended and self._fetcher.pump():
            pass
        error = ended[0] if ended else Unreachable("the run ended before its page was fetched again")
        if error is not None:
            raise error

    def want(self, project: Project, done: Callback) -> None:
        """Fetch a project's page again unless that was done; ``done`` is called once, with the error or None."""
        self._fetcher.submit("/".join(("r", *_key(project))), self.refetch(project), lambda _, error: done(error))

    def after_refetch(self, parts: Sequence[Project], key: str, done: Callback) -> None:
        """Fetch the pages of some parts again; ``done`` is called when all have ended, with the first error or None.

        Until then ``is_awaited(key)`` is true.
        """
        left, first = len(parts), None

        def ended(error: Exception | None) -> None:
            nonlocal left, first
            left, first = left - 1, first or error
            if not left:
                self._awaited.discard(key)
                done(first)

        if not parts:
            done(None)
            return
        self._awaited.add(key)
        for part in parts:
            self.want(part, ended)

    def is_awaited(self, key: str) -> bool:
        """Return whether a callback with this key waits for pages that are fetched again."""
        return key in self._awaited

    def want_files(self, project: Project, release: int, done: Callback) -> FilesState:
        """Return the state of a release's files; ``done`` is called when pages that are fetched again for them have ended."""
        lacking = project.lacking(release)
        if not lacking:
            return FilesState.AVAILABLE
        if not all(part.can_refetch and self._refetched.get(_key(part)) is None for part in lacking):
            return FilesState.NOT_AVAILABLE
        key = f"files/{project.view.name}"
        if not self.is_awaited(key):
            self.after_refetch(lacking, key, done)
        return FilesState.PENDING

    def files_failure(self, project: Project, release: int) -> MirrorError:
        """Return why the files of a release are ``NOT_AVAILABLE``."""
        failures = [self._refetched.get(_key(part)) for part in project.lacking(release)]
        first = next((failure for failure in failures if failure is not None), None)
        return project.no_files(release) if first is None else project.about(release, first)

    def forget(self, name: str) -> None:
        """Allow the page of a project to be fetched again: for a server."""
        for key in [key for key in self._refetched if key[1] == name]:
            del self._refetched[key]


def _not_again(exchange: Exchange) -> Unreachable:
    return Unreachable(f"its page cannot be fetched again, which the files of old releases need: {exchange.trouble}")


def _key(project: Project) -> tuple[str, str]:
    return project.index_id, project.view.name


def _aligned(view: ReleaseView, listed: ReleaseView, files: bytes) -> bytes:
    """Return a file view with the files of the new listing in the release order of the old view.

    Raises ``Unreachable`` if the two have no release in common: then the page is not that of this project any more.
    """
    slices = dict(zip(listed.keys, read_all(files), strict=True))
    if not any(key in slices for key in view.keys):
        raise Unreachable(f"its page lists none of the {len(view.keys)} releases that it listed before")
    return pack([(slices[key],) if key in slices else () for key in view.keys])
