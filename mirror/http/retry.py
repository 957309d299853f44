"""Whether and when a request is tried again (RFC 9110, Retry-After). Pure: clock and randomness are passed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mirror.ports import ProblemKind
from mirror.records.freshness import http_date

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.ports import Exchange

# 429 and 503 ask for patience; 500, 502 and 504 are what a proxy says while its index restarts; 408 invites a new try.
# 507, 520 to 530 and 529 are what content delivery networks say of a server they cannot reach or that is overloaded.
_PASSING = frozenset((408, 425, 429, 500, 502, 503, 504, 507, *range(520, 531)))


class RetryPolicy(NamedTuple):
    """How patient to be. Delays are seconds; they double from ``base`` up to ``longest``."""

    retries: int = 4  # tries after the first
    retries_with_fallback: int = 1  # ... where an older answer can stand in: nobody should wait long for what he has
    base: float = 0.25
    longest: float = 10.0
    longest_asked: float = 60.0  # an index that asks for more than this is not waited for


def is_passing(exchange: Exchange) -> bool:
    """Tell whether the same request may well succeed a little later."""
    if exchange.problem is not None:
        return exchange.kind is ProblemKind.PASSING
    return exchange.status in _PASSING


def next_delay(
    attempt: int, exchange: Exchange, policy: RetryPolicy, random: Callable[[], float], now: float
) -> float | None:
    """Return the seconds to wait before trying again, or None to give up.

    ``attempt`` counts the tries made, from 1; ``random`` gives numbers from 0 up to 1; ``now`` is seconds since the epoch.
    Waits are spread over the whole span ("full jitter"), so that many clients do not come back at once; where the index
    names a time, they come after it.
    """
    replaceable = exchange.stale or exchange.request.fallback
    allowed = min(policy.retries, policy.retries_with_fallback) if replaceable else policy.retries
    if attempt > allowed or not is_passing(exchange):
        return None
    span = min(policy.longest, policy.base * 2.0 ** min(attempt - 1, 30))
    asked = retry_after(exchange.headers.get("retry-after", ""), now)
    if asked is None:
        return span * random()
    if asked > policy.longest_asked:
        return None
    return asked + policy.base * random()


def retry_after(value: str, now: float) -> float | None:
    """Read a Retry-After header, seconds or an HTTP date; None where it says nothing that can be read."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value)
    if not value:
        return None
    moment = http_date(value)
    return None if moment is None else max(0.0, moment - now)
