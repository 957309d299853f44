"""Decide whether a stored response may be used as it is (RFC 9111, for a private cache). Pure: the clock is a parameter.

This differs from the RFC in three points. Without cache headers a response is fresh for ten minutes, as the default public
index and pip have it. A response is never fresh for longer than a day: an index that gives a year to a page that changes is
wrong. A stale response is still served offline, because this is a mirror, not a cache.
``stale-while-revalidate`` is ignored: nothing runs in the background after a lock is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mirror.equality import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVE: Literal["serve"] = "serve"  # use the record as it is
REVALIDATE: Literal["revalidate"] = "revalidate"  # request with conditional_headers; 304 means the record is valid
FETCH: Literal["fetch"] = "fetch"  # request the whole page
Decision = Literal["serve", "revalidate", "fetch"]

DEFAULT_LIFETIME = 600.0  # seconds, for a response without cache headers
LONGEST_LIFETIME = 86400.0  # seconds


class FreshnessRecord(NamedTuple):
    """The data that decides whether a response may be used again. Stored with the record made of the response."""

    fetched_at: float  # seconds since the epoch, when this client fetched or last revalidated it
    lifetime: float = DEFAULT_LIFETIME  # seconds after ``fetched_at`` for which it is fresh
    etag: str | None = None
    last_modified: str | None = None

    @property
    def validators(self) -> bool:
        """Return whether a conditional request is possible."""
        return self.etag is not None or self.last_modified is not None

    def to_json(self) -> list[float | str | None]:
        """Return the stored form."""
        return list(self)


def from_json(value: object) -> FreshnessRecord | None:
    """Read the stored form; None if it is damaged, so that the page is fetched again."""
    match value:
        case [int() | float() as fetched, int() | float() as lifetime, str() | None as etag, str() | None as modified]:
            return FreshnessRecord(float(fetched), float(lifetime), etag, modified)
    return None


def from_headers(headers: Mapping[str, str], now: float) -> FreshnessRecord:
    """Return the record of a response received now; ``headers`` has lower-case names."""
    directives = _directives(headers.get("cache-control", ""))
    if "no-store" in directives:
        return FreshnessRecord(now, 0.0)  # a mirror stores the page anyway, but every use must fetch it again
    return FreshnessRecord(
        now, _lifetime(headers, directives), headers.get("etag") or None, headers.get("last-modified") or None
    )


def revalidated(record: FreshnessRecord, headers: Mapping[str, str], now: float) -> FreshnessRecord:
    """Return the record after a 304: fresh again, with the validators of the response, or the old ones if it has none."""
    new = from_headers(headers, now)
    return new._replace(etag=new.etag or record.etag, last_modified=new.last_modified or record.last_modified)


def decide(record: FreshnessRecord | None, now: float, *, refresh: bool = False, offline: bool = False) -> Decision:
    """Return how to get a fact.

    Args:
        record: The freshness of the stored fact, or None if it is not stored.
        now: The current time, in seconds since the epoch.
        refresh: Whether fresh records are revalidated too.
        offline: Whether the network may not be used. Then every stored fact is served, and ``FETCH`` means that it is missing.
    """
    if record is None:
        return FETCH
    if offline:
        return SERVE
    age = now - record.fetched_at
    if not refresh and 0 <= age < record.lifetime:  # below 0 the clock was set back, so the age is unknown
        return SERVE
    return REVALIDATE if record.validators else FETCH


def conditional_headers(record: FreshnessRecord) -> tuple[tuple[str, str], ...]:
    """Return the headers of a conditional request (RFC 9110, section 13.1)."""
    headers = []
    if record.etag is not None:
        headers.append(("If-None-Match", record.etag))
    if record.last_modified is not None:
        headers.append(("If-Modified-Since", record.last_modified))
    return tuple(headers)


def _lifetime(headers: Mapping[str, str], directives: Mapping[str, str]) -> float:
    """Return for how many seconds from now the response is fresh (RFC 9111, section 4.2.1)."""
    if "no-cache" in directives:
        return 0.0
    age = _seconds(headers.get("age", "")) or 0.0
    if "max-age" in directives:
        lifetime = _seconds(directives["max-age"]) or 0.0  # RFC 9111: with an invalid value it is stale
    elif "expires" in headers:
        lifetime = _until_expiry(headers)
    else:
        return DEFAULT_LIFETIME
    return min(max(lifetime - age, 0.0), LONGEST_LIFETIME)


def _until_expiry(headers: Mapping[str, str]) -> float:
    """Return Expires minus Date, both by the clock of the index; 0 if either is invalid ("Expires: 0")."""
    expires, date = http_date(headers["expires"]), http_date(headers.get("date", ""))
    return 0.0 if expires is None or date is None else expires - date


def _directives(text: str) -> dict[str, str]:
    """Parse Cache-Control: names in lower case, values without quotes, the first value of a name counts."""
    directives: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        directives.setdefault(name.strip().lower(), value.strip().strip('"'))
    return directives


def _seconds(text: str) -> float | None:
    text = text.strip()
    return float(text) if text.isascii() and text.isdigit() else None


def http_date(value: str) -> float | None:
    """Return the seconds since the epoch of an HTTP date, or None if it is invalid (RFC 9110, section 5.6.7)."""
    from email.utils import parsedate_tz  # 6 ms to load, and dates are rare

    parsed = parsedate_tz(value)
    if parsed is None:
        return None
    from calendar import timegm  # email.utils has loaded it

    try:
        return timegm((*parsed[:6], 0, 0, 0)) - float(parsed[9] or 0)
    except (ValueError, OverflowError):
        return None
