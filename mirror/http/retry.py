"""Whether and when a request is retried (RFC 9110, Retry-After). Pure: clock and randomness are passed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.ports import ProblemKind
from mirror.records.freshness import http_date

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.ports import Exchange
    from mirror.settings import RetryPolicy

# 408, 429 and 503 ask for a later retry; a proxy returns 500, 502 and 504 while its index restarts.
# Content delivery networks return 507 and 520 to 530 for a server that is unreachable or overloaded.
_PASSING = frozenset((408, 425, 429, 500, 502, 503, 504, 507, *range(520, 531)))


def is_passing(exchange: Exchange) -> bool:
    """Return whether the same request may succeed a little later."""
    if exchange.problem is not None:
        return exchange.kind is ProblemKind.PASSING
    return exchange.status in _PASSING


def next_delay(
    attempt: int, exchange: Exchange, policy: RetryPolicy, random: Callable[[], float], now: float
) -> float | None:
    """Return the seconds to wait before the next attempt, or None to give up.

    Delays are spread over the whole span ("full jitter"), so that many clients do not retry at once. If the index sends
    Retry-After, the delay starts there.

    Args:
        attempt: Number of attempts made, from 1.
        exchange: The last attempt.
        policy: The limits.
        random: Returns numbers from 0 up to 1.
        now: Seconds since the epoch.
    """
    replaceable = exchange.stale or exchange.request.fallback
    allowed = min(policy.retries, policy.retries_with_fallback) if replaceable else policy.retries
    if attempt > allowed or not is_passing(exchange):
        return None
    span = min(policy.longest, policy.base * 2.0 ** min(attempt - 1, 30))
    sent = http_date(exchange.headers.get("date", ""))  # a date is by the index's clock, which need not be ours
    asked = retry_after(exchange.headers.get("retry-after", ""), now if sent is None else sent)
    if asked is None:
        return span * random()
    if asked > policy.longest_asked:
        return None
    return asked + policy.base * random()


def retry_after(value: str, now: float) -> float | None:
    """Return the delay of a Retry-After header (seconds or an HTTP date) in seconds; None if it is missing or invalid."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value)
    if not value:
        return None
    date = http_date(value)
    return None if date is None else max(0.0, date - now)


def jitter() -> float:
    """Return a random number from 0 up to 1."""
    from random import random  # 5 ms; only for retries

    return random()  # noqa: S311 - jitter of retries, not cryptography
