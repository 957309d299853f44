"""When a request is tried again, and after how long."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from mirror.http.retry import is_passing, next_delay, retry_after
from mirror.ports import Exchange, ProblemKind, Request
from mirror.records.freshness import http_date
from mirror.settings import RetryPolicy
from mirror.urls import PublicUrl

NOW = 1_700_000_000.0
POLICY = RetryPolicy(retries=5, base=0.25, longest=10.0, longest_asked=60.0)


def answer(status: int = 503, problem: str | None = None, *, stale: bool = False, **headers: str) -> Exchange:
    """Return an exchange with a status, or with a problem."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request("https://index.example/simple/six/")
    return Exchange(request, 0 if problem else status, named, b"", PublicUrl(request.url), problem, stale)


def delay(attempt: int, exchange: Exchange, random: float = 0.5) -> float | None:
    """Return the delay under the policy of these tests."""
    return next_delay(attempt, exchange, POLICY, lambda: random, NOW)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 507, 520, 527, 529, 530])
def test_what_passes_is_tried_again(status: int) -> None:
    """These say: later."""
    assert is_passing(answer(status))


@pytest.mark.parametrize("status", [200, 206, 304, 400, 401, 403, 404, 410, 416, 501])
def test_what_is_an_answer_is_not(status: int) -> None:
    """The same question would get the same answer."""
    assert delay(1, answer(status)) is None


@pytest.mark.parametrize("problem", ["timed out", "the answer was cut short", "index.example closed the connection"])
def test_trouble_on_the_way_passes(problem: str) -> None:
    """Another try may come through."""
    assert is_passing(answer(problem=problem))


@pytest.mark.parametrize("kind", [kind for kind in ProblemKind if kind is not ProblemKind.PASSING])
def test_trouble_that_would_come_again_does_not(kind: ProblemKind) -> None:
    """The kind decides, whatever the sentence is."""
    assert delay(1, answer(problem="timed out")._replace(kind=kind)) is None


@pytest.mark.parametrize("problem", ["the certificate is cancelled, larger than redirects", "cannot be sent"])
def test_the_words_of_a_problem_decide_nothing(problem: str) -> None:
    """A sentence may be worded anew, or hold text of a server."""
    assert is_passing(answer(problem=problem))


def test_delays_double_up_to_the_longest() -> None:
    """The upper end of each span, with the last tries at the ceiling."""
    policy = POLICY._replace(retries=8)
    delays = [next_delay(attempt, answer(), policy, lambda: 1.0, NOW) for attempt in range(1, 9)]

    assert delays == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_jitter_spreads_over_the_whole_span() -> None:
    """Many clients do not come back at once."""
    assert [delay(3, answer(), random) for random in (0.0, 0.5, 0.99)] == [0.0, 0.5, 0.99]


def test_tries_end() -> None:
    """Five retries, then the failure is the answer."""
    assert delay(5, answer()) is not None
    assert delay(6, answer()) is None


def test_a_very_late_attempt_does_not_overflow() -> None:
    """The span is capped before it is computed out of range."""
    assert next_delay(5000, answer(), POLICY._replace(retries=9999), lambda: 1.0, NOW) == 10.0


def test_the_index_s_own_time_is_kept() -> None:
    """Retry-After first, jitter on top."""
    assert delay(1, answer(429, retry_after="7")) == 7.125
    assert delay(1, answer(503, retry_after="Tue, 14 Nov 2023 22:13:50 GMT")) == 30.125


def test_an_index_that_asks_for_too_long_is_not_waited_for() -> None:
    """An hour is a failure, not a delay."""
    assert delay(1, answer(429, retry_after="3600")) is None


@pytest.mark.parametrize("skew", [-7200, 0, 7200])
def test_a_date_is_read_by_the_clock_of_the_index(skew: int) -> None:
    """An index two hours before or behind us that asks for 20 seconds gets 20 seconds."""
    asked = answer(date=_http(NOW + skew), retry_after=_http(NOW + skew + 20))

    assert delay(1, asked, random=0.0) == 20.0


def _http(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True)


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "Tue, 99 Foo 2023 22:13:50 GMT"])
def test_a_retry_after_without_a_usable_value_is_ignored(value: str) -> None:
    """Then the policy's own delay counts."""
    assert retry_after(value, NOW) is None
    assert delay(1, answer(retry_after=value)) == 0.125


def test_a_date_in_the_past_means_now() -> None:
    """Clocks differ."""
    assert retry_after("Mon, 01 Jan 2001 00:00:00 GMT", NOW) == 0.0


def test_a_stale_answer_is_tried_again_but_once() -> None:
    """An older response can be used."""
    stale = answer(problem="timed out", stale=True)

    assert delay(1, stale) is not None
    assert delay(2, stale) is None


def test_http_dates_are_seconds_since_the_epoch() -> None:
    """All three forms that RFC 9110 wants read."""
    forms = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994")

    assert [http_date(form) for form in forms] == [784111777.0] * 3
