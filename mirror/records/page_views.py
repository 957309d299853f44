"""A project page in, both stored views out: pure, so that it can run anywhere, in another process too."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mirror.errors import FOREIGN_TEXT_ERRORS, MirrorError, error_of_foreign_text
from mirror.ports import Views
from mirror.records.file_view import digest_of, pack
from mirror.records.freshness import from_headers
from mirror.records.listing_views import build_views, classify
from mirror.records.release_view import encode
from mirror.records.simple_parse import parse_listing
from mirror.urls import may_hold_secrets, public_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mirror.ports import Exchange, Intervals, PageWish
    from mirror.records.release_view import ReleaseView
    from mirror.records.simple_parse import Listing

_RECENT_BYTES = 64 * 1024  # of file objects kept of a page of which not everything is: 70 releases of two files each
_RECENT_LEAST = 12  # releases kept whatever they take


def views_of(exchange: Exchange, wish: PageWish, clock: Callable[[], float] = time.time) -> Views:
    """Return what becomes of an answer that is a project's page; what it refuses is a value here.

    Unless the page is kept whole, or something old is asked for, the file view holds the newest releases: packing all files of 171
    pages takes 0.25 s of CPU time and 12 MB, and nobody has asked for the rest yet.
    """
    try:
        listing = parse_listing(exchange.body, exchange.headers.get("content-type"), exchange.url)
        view, places = build_views(listing, wish.name, from_headers(exchange.headers, clock()))
        return _packed(exchange, wish, listing, view, places)
    except (MirrorError, *FOREIGN_TEXT_ERRORS) as error:
        return Views(b"", b"", str(error_of_foreign_text(f"{exchange.url}: the page", error)))


def _packed(
    exchange: Exchange, wish: PageWish, listing: Listing, view: ReleaseView, places: Sequence[Sequence[int]]
) -> Views:
    # Relative URLs count from where the page was in the end, where that is not where it should be.
    view.page_url = exchange.url if exchange.url != exchange.request.url else None
    raws = public_files(listing.raws) if may_hold_secrets(exchange.body) else listing.raws
    first, classified = _wanted(view, places, len(exchange.body) // max(1, len(raws)), wish)
    classify(view, classified, [[listing.files[at] for at in row] for row in places[classified : view.classified]])
    slices: list[Sequence[bytes]] = [()] * first
    slices += [[memoryview(raws[at]) for at in row] for row in places[first:]]  # type: ignore[misc]  # bytes-like, for a join
    packed = pack(slices)
    view.digest = digest_of(packed)
    return Views(encode(view), packed)


def _wanted(view: ReleaseView, places: Sequence[Sequence[int]], size: int, wish: PageWish) -> tuple[int, int]:
    """Return the oldest release whose files are kept, and the oldest that is classified.

    ``size`` is what a file object of the page takes on average. If what is asked for is old, all is kept: a search will compare it
    with others that are old, and the page would be fetched again for those.
    """
    first = _first_kept(places, size)
    asked = _newest_admitted(view, wish.admits)
    is_old = asked is not None and asked < first
    return 0 if wish.whole or is_old else first, 0 if wish.classified or is_old else view.classified


def _newest_admitted(view: ReleaseView, admits: Sequence[Intervals]) -> int | None:
    """Return the newest release that every specifier admits; None if there is none, or nothing is asked."""
    for release in range(len(view.keys) - 1, -1, -1) if admits else ():
        key = view.keys[release]
        if all(any(low <= key < high for low, high in intervals) for intervals in admits):
            return release
    return None


def _first_kept(places: Sequence[Sequence[int]], size: int) -> int:
    """Return the oldest release whose files are kept of a page of which not everything is."""
    taken = 0
    for release in range(len(places) - 1, -1, -1):
        taken += len(places[release]) * size
        if taken > _RECENT_BYTES and len(places) - release >= _RECENT_LEAST:
            return release
    return 0
