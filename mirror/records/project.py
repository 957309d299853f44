"""One project as a running mirror holds it: its release view, and access to its files, which stay packed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import Malformed, MirrorError, NotFound, Offline
from mirror.records.file_view import digest_of, holds, is_sound, read_slice
from mirror.records.simple_file import Brief, read_briefly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mirror.records.release_view import ReleaseView
    from mirror.urls import PublicUrl


_STRETCH = 48  # older releases classified together: a block of the file view is unpacked for each look anyway


class Project:
    """A project of one index. ``page_url`` is where relative file URLs count from; ``changed`` marks facts not yet stored."""

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
        """``packed`` is the file view of a page that has just come; ``load`` reads the stored one, when it is wanted.

        ``refetch`` sees that the files of every release are kept (``replace_files``), or raises ``MirrorError``.
        """
        self.view = view
        self.index_id = index_id
        self.index_url = index_url
        self.page_url = page_url
        self.changed = packed is not None
        self._packed = packed
        self._new = packed is not None
        self._last: tuple[int, bytes] = (-1, b"")  # the release whose files were read last, and these
        self.refetched = False
        self.new_texts: dict[str, bytes] = {}  # METADATA by file name that is not stored yet
        self._load = load
        self._refetch = refetch

    reference: str | None = None  # where a direct reference leads; None for releases of an index
    of_index = True  # what is known of its dependencies is in its record; False of a folder or page, or merged

    def parts(self) -> tuple[Project, ...]:
        """Return what is stored of this project: itself, or the projects it was put together from."""
        return (self,)

    def sources(self) -> tuple[Project, ...]:
        """Return the projects that this one was put together from, or itself; changes nothing."""
        return (self,)

    def index_of(self, release: int) -> str:  # noqa: ARG002 - of a project of several indexes it depends on the release
        """Return the URL of the index that a release comes from; "" where it comes from no index."""
        return self.index_url

    def new_files(self) -> bytes | None:
        """Return the file view that is still to be stored, or None: it came from the store."""
        return self._packed if self._new else None

    def replace_files(self, packed: bytes, page_url: PublicUrl) -> None:
        """Take the file view of all that the index lists of these releases; relative URLs count from ``page_url``."""
        self._packed = packed
        if page_url != self.page_url:
            self.page_url = self.view.page_url = page_url
        self._new = self.changed = self.refetched = True
        self.view.digest = digest_of(packed)

    def add_text(self, release: int, filename: str, text: bytes) -> None:  # noqa: ARG002 - as ``index_of``
        """Take METADATA of a wheel, as the wheel has it."""
        self.new_texts[filename] = text
        self.changed = True

    def keeps(self, release: int) -> bool:
        """Tell whether the files of a release are at hand, without asking any index."""
        packed = self._own_files()
        return packed is not None and holds(packed, release)

    def lacking(self, release: int) -> tuple[Project, ...]:
        """Return which parts (``parts``) must be fetched again before it is known which files a release has."""
        return () if self.refetched or self.keeps(release) or not self.parts() else (self,)

    @property
    def can_refetch(self) -> bool:
        """Return whether the index may be asked for files that are not kept."""
        return self._refetch is not None

    def file_slice(self, release: int) -> bytes | None:
        """Return one release's file objects as a JSON array, asking the index where they are not kept; None where it may not.

        Raises ``MirrorError`` where the index cannot give them.
        """
        found = self._kept_slice(release)
        if found is None and self._refetch_for(release):
            found = self._kept_slice(release)
        return found

    def _refetch_for(self, release: int) -> bool:
        """Have the page fetched again unless it was; return whether it was now. ``release`` is whom an error is about."""
        if self._refetch is None or self.refetched:
            return False
        try:
            self._refetch(self)
        except MirrorError as error:
            raise self.about(release, error) from error
        return True

    def _kept_slice(self, release: int) -> bytes | None:
        known, data = self._last
        if known == release:
            return data  # asked for the metadata's address first, then for the lock
        packed = self._own_files()
        if packed is None or not holds(packed, release):
            return None
        try:
            found = read_slice(packed, release)
        except Malformed:  # a damaged block: the file view is as if it were absent
            self._packed = self._load = None
            return None
        self._last = (release, found)
        return found

    def _own_files(self) -> bytes | None:
        """Return the packed file view if it belongs to the release view: another process may have stored a newer listing."""
        if self._packed is None and self._load is not None:
            self._packed = self._load()
            if self._packed is not None and not is_sound(self._packed):
                self._packed = self._load = None
        packed = self._packed
        return packed if packed is not None and digest_of(packed) == self.view.digest else None

    def no_files(self, release: int) -> MirrorError:
        """Return the error that a release has no files here, with the remedy."""
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
        """Return an error that says of which release it speaks."""
        return type(error)(f"{self.view.name} {self.view.versions[release]}: {error}")

    def classify(self, release: int) -> None:
        """See that the kinds of files of a release, and of a stretch of older ones with it, are known.

        Raises ``MirrorError`` if its files are not available.
        """
        view = self.view
        if release >= view.classified:
            return
        from mirror.records.listing_views import classify  # only a look at old releases pays for it

        files: list[Sequence[Brief]] = []  # from the newest of them down
        top = view.classified
        for number in range(top - 1, max(-1, release - _STRETCH - 1), -1):
            data = self._kept_slice(number)
            if data is None and number >= release and self._refetch_for(release):
                data = self._kept_slice(number)
            if data is not None:
                files.append(read_briefly(data))
            elif self.refetched:
                files.append([])  # the index was asked and does not list it any more
            elif number >= release:
                raise self.no_files(release)
            else:
                break  # a stretch is a convenience: what is not kept stays unjudged
        if view.classified != top:  # waiting for files lets others look as well: one of them was here meanwhile
            self.classify(release)
            return
        classify(view, top - len(files), files[::-1])
        self.changed = True
