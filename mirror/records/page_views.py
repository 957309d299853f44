"""Make both stored views of a project page. Pure, so that it can run in another thread or process."""

from __future__ import annotations

import json
import time
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from mirror.errors import FOREIGN_TEXT_ERRORS, MirrorError, error_of_foreign_text
from mirror.ports import Views
from mirror.records.file_view import digest_of, pack
from mirror.records.freshness import FreshnessRecord, from_headers
from mirror.records.listing_views import build_views, classify, line_before, newest_before
from mirror.records.release_view import encode
from mirror.records.simple_parse import parse_listing
from mirror.urls import may_hold_secrets, public_files, signed_urls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mirror.ports import Exchange, Intervals, PageWish
    from mirror.records.release_view import ReleaseView
    from mirror.records.simple_parse import Listing

# Of a page that is not stored whole: bytes of file objects that are stored, and releases that are stored whatever their size.
_RECENT = (64 * 1024, 12)  # 70 releases of two files each
_BEFORE = (256 * 1024, 48)  # before a cutoff: a search goes further back there
_STRETCH = 32  # older releases classified together while those before a cutoff are looked for


def views_of(exchange: Exchange, wish: PageWish, clock: Callable[[], float] = time.time) -> Views:
    """Return the views of a response that is a project's page; an error is a value in them, not raised.

    The file view holds only the newest releases (with a cutoff, the newest before it), unless the page is stored whole or an old
    release is requested: packing all files of 171 pages takes 0.25 s of CPU time and 12 MB, and most of them are never used.
    """
    try:
        listing = parse_listing(exchange.body, exchange.headers.get("content-type"), exchange.url)
        view, positions = build_views(listing, wish.name, from_headers(exchange.headers, clock()))
        return _packed(exchange, wish, listing, view, positions)
    except (MirrorError, *FOREIGN_TEXT_ERRORS) as error:
        return Views(b"", b"", str(error_of_foreign_text(f"{exchange.url}: the page", error)))


def _packed(
    exchange: Exchange, wish: PageWish, listing: Listing, view: ReleaseView, positions: Sequence[Sequence[int]]
) -> Views:
    # After a redirect, the final URL of the page is the base of its relative URLs.
    view.page_url = exchange.url if exchange.url != exchange.request.url else None
    raws: Sequence[Any] = listing.raws
    signed: dict[str, str] = {}
    if may_hold_secrets(exchange.body):
        raws, signed = public_files(listing.raws), signed_urls(listing.raws, exchange.url)
    if signed:  # each run needs signatures of its own
        view.freshness = FreshnessRecord(view.freshness.fetched_at, 0.0)
    while wish.before and view.classified and line_before(view, wish.before) is None:
        _classify_from(max(0, view.classified - _STRETCH), view, listing, positions)
    stored, classified = _wanted(view, positions, len(exchange.body) // max(1, len(raws)), wish)
    _classify_from(classified, view, listing, positions)
    slices: list[Sequence[bytes]] = [()] * len(positions)
    for release in stored:
        slices[release] = [raws[position] for position in positions[release]]
    packed = pack(slices)
    view.digest = digest_of(packed)
    return Views(encode(view), packed, signed=signed, undated=_undated(listing))


def _undated(listing: Listing) -> tuple[str, ...]:
    """Return the SHA-256 of each file without upload time."""
    if all(map(attrgetter("upload_time"), listing.files)):
        return ()
    from mirror.records.first_seen import sha256_of  # few indexes state no upload times

    rows = [raw for file, raw in zip(listing.files, listing.raws, strict=True) if not file.upload_time]
    digests = dict.fromkeys([sha256_of(json.loads(bytes(raw))) for raw in rows])
    return tuple([digest for digest in digests if digest])


def _classify_from(start: int, view: ReleaseView, listing: Listing, positions: Sequence[Sequence[int]]) -> None:
    rows = positions[start : view.classified]
    classify(view, start, [[listing.files[position] for position in row] for row in rows])


def _wanted(view: ReleaseView, positions: Sequence[Sequence[int]], size: int, wish: PageWish) -> tuple[range, int]:
    """Return the releases whose files are stored, and the oldest that is classified.

    ``size`` is the average size of a file object of the page. If the requested release is old, all are stored: a resolver compares
    it with other old releases, and the page would be fetched again for those.
    """
    count = len(positions)
    end, limits = (newest_before(view, wish.before) + 1, _BEFORE) if wish.before else (count, _RECENT)
    first = min(_first_kept(positions[:end], size, *limits), view.classified)
    asked = _newest_admitted(view, wish.admits, end)
    is_old = asked is not None and asked < first
    stored = range(count) if wish.whole or is_old else range(first, end)
    return stored, 0 if wish.classified or is_old else view.classified


def _newest_admitted(view: ReleaseView, admits: Sequence[Intervals], end: int) -> int | None:
    """Return the newest release below ``end`` that every specifier admits; None if there is none, or no specifier."""
    for release in range(end - 1, -1, -1) if admits else ():
        key = view.keys[release]
        if all(any(low <= key < high for low, high in intervals) for intervals in admits):
            return release
    return None


def _first_kept(positions: Sequence[Sequence[int]], size: int, most: int, least: int) -> int:
    """Return the oldest release whose files are stored of a page that is not stored whole: ``most`` bytes, ``least`` releases."""
    taken = 0
    for release in range(len(positions) - 1, -1, -1):
        taken += len(positions[release]) * size
        if taken > most and len(positions) - release >= least:
            return release
    return 0
