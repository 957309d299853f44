"""One project in a running mirror: its release view, and access to its packed files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import Malformed, MirrorError, NotFound, Offline
from mirror.records.file_view import digest_of, holds, is_sound, read_all, read_slice
from mirror.records.simple_file import Brief, read_briefly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mirror.records.licences import StatedLicence
    from mirror.records.release_view import ReleaseView
    from mirror.urls import PublicUrl


_STRETCH = 48  # older releases classified together: each read of the file view unpacks a whole block


class Project:
    """A project of one index. ``page_url`` is the base of relative file URLs; ``changed`` marks facts not yet stored."""

    __slots__ = (
        "_last",
        "_load",
        "_new",
        "_packed",
        "_refetch",
        "changed",
        "index_id",
        "index_url",
        "new_texts",
        "page_url",
        "refetched",
        "view",
    )

    def __init__(  # noqa: PLR0913 - a record with a lazy part
        self,
        view: ReleaseView,
        index_id: str,
        index_url: str,
        page_url: str,
        *,
        packed: bytes | None = None,
        refetch: Callable[[Project], None] | None = None,
        load: Callable[[], bytes | None] | None = None,
    ) -> None:
        """Create the project of a release view.

        Args:
            view: The release view.
            index_id: The id of the index.
            index_url: The URL of the index.
            page_url: The base of relative file URLs.
            packed: The file view of a page that was just fetched.
            refetch: Fetches the page again and calls ``replace_files`` with the files of every release. May raise ``MirrorError``.
            load: Reads the stored file view, on first use.
        """
        self.view = view
        self.index_id = index_id
        self.index_url = index_url
        self.page_url = page_url
        self.changed = packed is not None
        self._packed = packed
        self._new = packed is not None
        self._last: tuple[int, bytes] = (-1, b"")  # the release whose files were read last, and its files
        self.refetched = False
        self.new_texts: dict[str, bytes] = {}  # METADATA not yet stored, by file name
        self._load = load
        self._refetch = refetch

    reference: str | None = None  # the target of a direct reference; None for releases of an index
    stated_licence: StatedLicence | None = None  # of a direct reference; others state it for each release
    later_keys: frozenset[str] = frozenset()  # sort keys of releases that only a later index has: used only for pins
    # Whether its dependencies are stored in its record; False for a folder, a find-links page, or a merged project
    of_index = True

    def parts(self) -> tuple[Project, ...]:
        """Return the projects whose records are stored: itself, or those that it is merged from."""
        return (self,)

    def sources(self) -> tuple[Project, ...]:
        """Return the projects that this one is merged from, or itself; changes nothing."""
        return (self,)

    def index_of(self, release: int) -> str:  # noqa: ARG002 - for a project of several indexes it depends on the release
        """Return the URL of the index of a release; "" if it is not from an index."""
        return self.index_url

    def new_files(self) -> bytes | None:
        """Return the file view if it is not yet stored, or None."""
        return self._packed if self._new else None

    def replace_files(self, packed: bytes, page_url: PublicUrl) -> None:
        """Replace the file view by one with all files of these releases; ``page_url`` is the base of relative URLs."""
        self._packed = packed
        if page_url != self.page_url:
            self.page_url = self.view.page_url = page_url
        self._new = self.changed = self.refetched = True
        self.view.digest = digest_of(packed)

    def add_text(self, release: int, filename: str, text: bytes) -> None:  # noqa: ARG002 - as ``index_of``
        """Add METADATA of a wheel, byte for byte."""
        self.new_texts[filename] = text
        self.changed = True

    def keeps(self, release: int) -> bool:
        """Return whether the files of a release are stored, without a request to the index."""
        packed = self._own_files()
        return packed is not None and holds(packed, release)

    def lacking(self, release: int) -> tuple[Project, ...]:
        """Return which of ``parts()`` must be fetched again to get the files of a release."""
        return () if self.refetched or self.keeps(release) or not self.parts() else (self,)

    @property
    def can_refetch(self) -> bool:
        """Return whether the index may be requested for files that are not stored."""
        return self._refetch is not None

    def file_slice(self, release: int) -> bytes | None:
        """Return one release's file objects as a JSON array, fetched from the index if they are not stored.

        Returns:
            The JSON array, or None if the files are not stored and the index may not be requested.

        Raises:
            MirrorError: The index does not give them.
        """
        data = self._kept_slice(release)
        if data is None and self._refetch_for(release):
            data = self._kept_slice(release)
        return data

    def kept_slices(self) -> list[bytes | None]:
        """Return the file objects of every release as JSON arrays, oldest first; None for what is not kept. Asks no index."""
        packed = self._own_files()
        if packed is None:
            return [None] * len(self.view.versions)
        try:
            slices = read_all(packed)
        except Malformed:  # a damaged block: the file view is as if it were absent
            self._packed = self._load = None
            return [None] * len(self.view.versions)
        return [b"[" + piece + b"]" if piece else None for piece in slices]

    def _refetch_for(self, release: int) -> bool:
        """Fetch the page again unless it was already; return whether it was fetched now. An error names ``release``."""
        if self._refetch is None or self.refetched:
            return False
        try:
            self._refetch(self)
        except MirrorError as error:
            raise self.about(release, error) from error
        return True

    def _kept_slice(self, release: int) -> bytes | None:
        last_release, data = self._last
        if last_release == release:
            return data  # read first for the URL of the metadata, then for the lock
        packed = self._own_files()
        if packed is None or not holds(packed, release):
            return None
        try:
            data = read_slice(packed, release)
        except Malformed:  # a damaged block: the file view counts as absent
            self._packed = self._load = None
            return None
        self._last = (release, data)
        return data

    @property
    def is_unread(self) -> bool:
        """Return whether the stored file view was not read yet."""
        return self._packed is None and self._load is not None

    def take_stored(self, stored: bytes) -> None:
        """Take the stored file view; one whose head is damaged counts as absent."""
        if is_sound(stored):
            self._packed = stored
        else:
            self._load = None

    def _own_files(self) -> bytes | None:
        """Return the packed file view if it belongs to the release view: another process may have stored a newer listing."""
        if self._packed is None and self._load is not None and (stored := self._load()) is not None:
            self.take_stored(stored)
        packed = self._packed
        return packed if packed is not None and digest_of(packed) == self.view.digest else None

    def no_files(self, release: int) -> MirrorError:
        """Return the error for a release without files, with the remedy."""
        if self.refetched:
            return self.about(release, NotFound("its index does not list it any more"))
        return self.about(
            release,
            Offline(
                "the mirror lacks its files (a lock keeps those of the newest releases); "
                "lock it once without --offline, or run `mirror warm` before"
            ),
        )

    def about(self, release: int, error: MirrorError) -> MirrorError:
        """Return an error of the same class whose message names the release."""
        return type(error)(f"{self.view.name} {self.view.versions[release]}: {error}")

    def classify(self, release: int) -> None:
        """Classify a release, together with the unclassified releases between and some older ones.

        Raises:
            MirrorError: Its files are not available.
        """
        view = self.view
        if release >= view.classified:
            return
        from mirror.records.listing_views import classify  # only needed for old releases

        files: list[Sequence[Brief]] = []  # newest first
        top = view.classified
        for number in range(top - 1, max(-1, release - _STRETCH - 1), -1):
            data = self._kept_slice(number)
            if data is None and number >= release and self._refetch_for(release):
                data = self._kept_slice(number)
            if data is not None:
                files.append(read_briefly(data))
            elif self.refetched:
                files.append([])  # the page was fetched again and no longer lists it
            elif number >= release:
                raise self.no_files(release)
            else:
                break  # the older releases are optional: without stored files they stay unclassified
        if view.classified != top:  # another thread classified releases during the fetch
            self.classify(release)
            return
        classify(view, top - len(files), files[::-1])
        self.changed = True
