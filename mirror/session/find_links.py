"""A find-links page on the web: fetched once per run and stored like a listing, also for offline runs. Sans-IO steps."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from mirror.errors import Offline, Unreachable, Withdrawn
from mirror.keys import LINK_PAGES
from mirror.limits import PAGE_BYTES
from mirror.ports import Purpose, Request
from mirror.records.freshness import (
    FETCH,
    SERVE,
    FreshnessRecord,
    conditional_headers,
    decide,
    from_headers,
    from_json,
    revalidated,
)
from mirror.urls import public_files, signed_urls

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from mirror.ports import Exchange
    from mirror.settings import MirrorSettings

_ACCEPT = (("Accept", "text/html, application/vnd.pypi.simple.v1+json;q=0.5, */*;q=0.1"),)


def page_key(url: str) -> str:
    """Return the store key of a find-links page."""
    return LINK_PAGES.key(hashlib.blake2s(url.encode(), digest_size=6).hexdigest())


def read_page(  # noqa: PLR0913, PLR0917 - the page, what is known of it, and where what it says goes
    url: str,
    stored: bytes | None,
    settings: MirrorSettings,
    now: float,
    keep: Callable[[str, bytes], None],
    add_signed: Callable[[Mapping[str, str]], None],
) -> Generator[Request, Exchange, tuple[list[dict[str, Any]], str]]:
    """Return the file objects of a page and the base of their relative URLs.

    Args:
        url: The page.
        stored: The record of an earlier run, or None.
        settings: ``refresh`` and ``offline`` are used.
        now: Seconds since the epoch.
        keep: Stores the new record under its key.
        add_signed: Takes the signed URLs of its files, which are not stored.

    Raises:
        Offline: The page is not stored, and the run is offline.
        Unreachable: The page cannot be fetched.
        Malformed: The page cannot be parsed.
        Withdrawn: The page lists no files any more.
    """
    record, entries, base = _decoded(stored)
    action = decide(record, now, refresh=settings.refresh, offline=settings.offline)
    if record is not None and action == SERVE:
        return entries, base
    if settings.offline:
        raise Offline(f"the find-links page {url} is not in the mirror, and offline")
    headers = conditional_headers(record) if record is not None and action != FETCH else ()
    exchange = yield Request(url, (*_ACCEPT, *headers), cache_key=url, limit=PAGE_BYTES, purpose=Purpose.PAGES)
    if exchange.status == 200 and exchange.problem is None:
        from mirror.records.simple_parse import parse_listing  # loads msgspec (25 ms): only if a page is fetched

        listing = parse_listing(exchange.body, exchange.headers.get("content-type"), exchange.url)
        if entries and not listing.raws:
            raise Withdrawn(f"the find-links page {url} lists no files any more; what it listed is kept for --offline")
        entries = [json.loads(bytes(raw)) for raw in public_files(listing.raws)]
        base, record = exchange.url, from_headers(exchange.headers, now)
        if signed := signed_urls(listing.raws, base):
            record = FreshnessRecord(now, 0.0)  # each run needs signatures of its own
            add_signed(signed)
    elif record is not None and exchange.status == 304:
        record = record if exchange.stale else revalidated(record, exchange.headers, now)
    elif record is None or exchange.refused or exchange.status in (404, 410):
        raise Unreachable(f"the find-links page {url}: {exchange.problem or f'it answered {exchange.status}'}")
    keep(page_key(url), json.dumps([list(record), base, entries]).encode())
    return entries, base


def _decoded(stored: bytes | None) -> tuple[FreshnessRecord | None, list[dict[str, Any]], str]:
    try:
        match json.loads(stored or b"null"):
            case [list() as fresh, str() as base, list() as entries]:
                return from_json(fresh), entries, base
    except ValueError:
        return None, [], ""
    return None, [], ""
