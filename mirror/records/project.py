"""One project as a running mirror holds it: its release view, and a way to its files without keeping them unpacked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import NotFound
from mirror.records.file_view import digest_of, holds, read_slice
from mirror.records.simple_file import Brief, read_briefly

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.records.release_view import ReleaseView


_STRETCH = 48  # older releases judged together: a block of the file view is unpacked for each look anyway


class Project:
    """A project of one index. ``page_url`` is where relative file URLs count from; ``changed`` marks facts not yet stored."""

    __slots__ = (
        "_last",
        "_load",
        "_new",
        "_packed",
        "_refill",
        "changed",
        "index_id",
        "index_url",
        "page_url",
        "refilled",
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
        refill: Callable[[Project], None] | None = None,
        load: Callable[[], bytes | None] | None = None,
    ) -> None:
        """``packed`` is the file view of a page that has just come; ``load`` reads the stored one, when it is wanted.

        ``refill`` sees that the files of every release are kept (``replace_files``), or raises ``MirrorError``.
        """
        self.view = view
        self.index_id = index_id
        self.index_url = index_url
        self.page_url = page_url
        self.changed = packed is not None
        self._packed = packed
        self._new = packed is not None
        self._last: tuple[int, bytes] = (-1, b"")  # the release whose files were read last, and these
        self.refilled = False
        self._load = load
        self._refill = refill

    reference: str | None = None  # where a direct reference leads; None for releases of an index

    def parts(self) -> tuple[Project, ...]:
        """Return what is stored of this project: itself, or the projects it was put together from."""
        return (self,)

    def index_of(self, release: int) -> str:  # noqa: ARG002 - of a project of several indexes it depends on the release
        """Return the URL of the index that a release comes from; "" where it comes from no index."""
        return self.index_url

    def new_files(self) -> bytes | None:
        """Return the file view that is still to be stored, or None: it came from the store."""
        return self._packed if self._new else None

    def replace_files(self, packed: bytes) -> None:
        """Take a file view that holds more of the same releases."""
        self._packed = packed
        self._new = self.changed = self.refilled = True
        self.view.digest = digest_of(packed)

    def keeps(self, release: int) -> bool:
        """Tell whether the files of a release are at hand, without asking any index."""
        packed = self._own_files()
        return packed is not None and holds(packed, release)

    def file_slice(self, release: int) -> bytes | None:
        """Return one release's file objects as a JSON array, asking the index where they are not kept; None where it may not.

        Raises ``MirrorError`` where the index cannot give them.
        """
        found = self._kept_slice(release)
        if found is None and self._refill is not None:
            self._refill(self)
            found = self._kept_slice(release)
        return found

    def _kept_slice(self, release: int) -> bytes | None:
        known, data = self._last
        if known == release:
            return data  # asked for the metadata's address first, then for the lock
        packed = self._own_files()
        if packed is None or not holds(packed, release):
            return None
        found = read_slice(packed, release)
        self._last = (release, found)
        return found

    def _own_files(self) -> bytes | None:
        """Return the packed file view if it belongs to the release view: another process may have stored a newer listing."""
        if self._packed is None and self._load is not None:
            self._packed = self._load()
        packed = self._packed
        return packed if packed is not None and digest_of(packed) == self.view.digest else None

    def classify(self, release: int) -> None:
        """See that a release, and a stretch of older ones with it, is judged. Raises ``NotFound`` where its files are gone."""
        view = self.view
        if release >= view.classified:
            return
        from mirror.records.listing_views import classify  # only a look at old releases pays for it

        files: list[list[Brief]] = []  # from the newest of them down
        top = view.classified
        for number in range(top - 1, max(-1, release - _STRETCH - 1), -1):
            data = self.file_slice(number) if number >= release else self._kept_slice(number)
            if data is not None:
                files.append(read_briefly(data))
            elif number >= release:
                raise NotFound(f"the mirror has no files of {view.name} {view.versions[number]}")
            else:
                break  # a stretch is a convenience: what is not kept stays unjudged
        if view.classified != top:  # waiting for files lets others look as well: one of them was here meanwhile
            self.classify(release)
            return
        classify(view, top - len(files), files[::-1])
        self.changed = True
