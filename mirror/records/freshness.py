"""May a stored answer be used as it is? (RFC 9111, for a private cache.) Pure: the clock is passed in.

Three places where this differs from the letter, on purpose. Where an index says nothing, an answer is fresh for ten minutes:
what the default public index and pip agree on. An answer is never fresh for longer than a day: an index that says "a year"
of a page that changes is wrong. And what is stale is still served offline: the mirror is a mirror, not a cache.
``stale-while-revalidate`` is passed over: nothing here works on in the background after a lock is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVE: Literal["serve"] = "serve"  # use the record as it is
REVALIDATE: Literal["revalidate"] = "revalidate"  # ask with conditional_headers; 304 means the record still holds
FETCH: Literal["fetch"] = "fetch"  # ask for the whole answer
Decision = Literal["serve", "revalidate", "fetch"]

DEFAULT_LIFETIME = 600.0  # seconds; where the index says nothing
LONGEST_LIFETIME = 86400.0  # seconds


class FreshnessRecord(NamedTuple):
    """What decides whether an answer may be used again. Kept beside the record that was made of the answer."""

    fetched_at: float  # seconds since the epoch, when this client got or last confirmed it
    lifetime: float = DEFAULT_LIFETIME  # seconds from then on for which it is fresh
    etag: str | None = None
    last_modified: str | None = None

    @property
    def validators(self) -> bool:
        """Tell whether the index can be asked "is this still so?"."""
        return self.etag is not None or self.last_modified is not None

    def to_json(self) -> list[float | str | None]:
        """Return the stored form."""
        return list(self)


def from_json(value: object) -> FreshnessRecord | None:
    """Read the stored form; None for what is none, so that a damaged record is fetched anew."""
    match value:
        case [int() | float() as fetched, int() | float() as lifetime, str() | None as etag, str() | None as modified]:
            return FreshnessRecord(float(fetched), float(lifetime), etag, modified)
    return None


def from_headers(headers: Mapping[str, str], now: float) -> FreshnessRecord:
    """Make the record of an answer that came just now; ``headers`` has lower-case names."""
    directives = _directives(headers.get("cache-control", ""))
    if "no-store" in directives:
        return FreshnessRecord(now, 0.0)  # its facts are kept, as a mirror must; nothing lets it be used unasked
    return FreshnessRecord(
        now, _lifetime(headers, directives), headers.get("etag") or None, headers.get("last-modified") or None
    )


def revalidated(record: FreshnessRecord, headers: Mapping[str, str], now: float) -> FreshnessRecord:
    """Return the record after a 304: fresh again, with the validators that the answer repeats or leaves alone."""
    new = from_headers(headers, now)
    return new._replace(etag=new.etag or record.etag, last_modified=new.last_modified or record.last_modified)


def decide(record: FreshnessRecord | None, now: float, *, refresh: bool = False, offline: bool = False) -> Decision:
    """Say what to do about a fact that is kept with ``record`` (None: it is not kept).

    Offline whatever is kept is served; ``FETCH`` then means that the fact is missing. ``refresh`` distrusts freshness.
    """
    if record is None:
        return FETCH
    if offline:
        return SERVE
    age = now - record.fetched_at
    if not refresh and 0 <= age < record.lifetime:  # below 0 the clock was set back: then age says nothing
        return SERVE
    return REVALIDATE if record.validators else FETCH


def conditional_headers(record: FreshnessRecord) -> tuple[tuple[str, str], ...]:
    """Return the headers that ask "is this still so?" (RFC 9110, section 13.1)."""
    headers = []
    if record.etag is not None:
        headers.append(("If-None-Match", record.etag))
    if record.last_modified is not None:
        headers.append(("If-Modified-Since", record.last_modified))
    return tuple(headers)


def _lifetime(headers: Mapping[str, str], directives: Mapping[str, str]) -> float:
    """Return for how many seconds from now the answer is fresh (RFC 9111, section 4.2.1)."""
    if "no-cache" in directives:
        return 0.0
    age = _seconds(headers.get("age", "")) or 0.0
    if "max-age" in directives:
        lifetime = _seconds(directives["max-age"]) or 0.0  # RFC 9111: what cannot be read is stale
    elif "expires" in headers:
        lifetime = _until_expiry(headers)
    else:
        return DEFAULT_LIFETIME
    return min(max(lifetime - age, 0.0), LONGEST_LIFETIME)


def _until_expiry(headers: Mapping[str, str]) -> float:
    """Return Expires minus Date, both the index's own clock; 0 where either cannot be read ("Expires: 0")."""
    expires, date = http_date(headers["expires"]), http_date(headers.get("date", ""))
    return 0.0 if expires is None or date is None else expires - date


def _directives(text: str) -> dict[str, str]:
    """Read Cache-Control; names in lower case, values without quotes, the first of a name counts."""
    found: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def _seconds(text: str) -> float | None:
    text = text.strip()
    return float(text) if text.isascii() and text.isdigit() else None


def http_date(value: str) -> float | None:
    """Return the seconds since the epoch of an HTTP date, None for what is none (RFC 9110, section 5.6.7)."""
    from email.utils import parsedate_tz  # 6 ms to load, and dates are rare

    parsed = parsedate_tz(value)
    if parsed is None:
        return None
    from calendar import timegm  # loaded by the line above anyway

    try:
        return timegm((*parsed[:6], 0, 0, 0)) - float(parsed[9] or 0)
    except (ValueError, OverflowError):
        return None
