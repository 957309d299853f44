"""The parts of a running mirror, as one record for all services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.http.fetcher import Fetcher
    from mirror.ports import Builder, Store
    from mirror.records.release_view import Absence, ReleaseView
    from mirror.session.page_loader import PageLoader
    from mirror.session.reporter import Reporter
    from mirror.session.results import Results
    from mirror.session.shadowed_indexes import ShadowedIndexes
    from mirror.session.write_buffer import WriteBuffer
    from mirror.settings import MirrorSettings


class SessionParts(NamedTuple):
    """The parts that the services of a session share. ``decode`` decodes the stored view of a key."""

    settings: MirrorSettings
    store: Store
    clock: Callable[[], float]
    decode: Callable[[str, bytes], ReleaseView | Absence]
    fetcher: Fetcher
    reporter: Reporter
    results: Results
    write_buffer: WriteBuffer
    pages: PageLoader
    shadowed: ShadowedIndexes
    lacks: Callable[[], str]  # why a record is missing where no index may be asked
    builder: Builder | None  # None if builds are not allowed

    def stop(self) -> None:
        """Cancel fetches and builds; safe to call twice."""
        if self.builder is not None:
            self.builder.close()
        self.fetcher.close()
