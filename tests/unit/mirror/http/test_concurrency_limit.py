"""The size of "auto": against small models of an index, in seconds that nobody waits for."""

from __future__ import annotations

import heapq

import pytest

from mirror.http.concurrency_limit import MOST_UNDER_WAY, WorkerLimit
from mirror.ports import Exchange, ProblemKind, Request
from mirror.urls import PublicUrl

FIRST = WorkerLimit().allowed


class Model:
    """An index that answers ``slots`` requests at a time, each in ``latency`` seconds, and more bytes no faster than its link."""

    def __init__(self, *, slots: int = 1000, latency: float = 0.05, size: int = 1000, bandwidth: float = 1e12) -> None:
        """Say what it bears."""
        self.latency, self.size, self.bandwidth = latency, size, bandwidth
        self._free = [0.0] * slots
        self._link = 0.0

    def due(self, now: float) -> float:
        """Return when a request that is made now is answered."""
        start = max(now, heapq.heappop(self._free))
        heapq.heappush(self._free, start + self.latency)
        self._link = max(self._link, start + self.latency) + self.size / self.bandwidth
        return self._link


def run(limit: WorkerLimit, model: Model, requests: int) -> float:
    """Make the requests as a fetcher would; return the seconds they take."""
    now = 0.0
    under_way: list[tuple[float, int, float]] = []
    for number in range(requests):
        while len(under_way) >= limit.allowed:
            now = _take(limit, model, under_way)
        heapq.heappush(under_way, (model.due(now), number, now))
    while under_way:
        now = _take(limit, model, under_way)
    return now


def _take(limit: WorkerLimit, model: Model, under_way: list[tuple[float, int, float]]) -> float:
    ended, _, started = heapq.heappop(under_way)
    limit.answered(answer(size=model.size), started, ended)
    return ended


def answer(status: int = 200, size: int = 1000, problem: str | None = None) -> Exchange:
    """Return an answer of an index."""
    return Exchange(
        Request("https://index.example/a"), status, {}, b"x" * size, PublicUrl("https://index.example/a"), problem
    )


def test_an_index_that_bears_everything_is_asked_as_much_as_is_polite() -> None:
    """Latency stays what it was."""
    limit = WorkerLimit()
    run(limit, Model(), 500)

    assert limit.allowed == MOST_UNDER_WAY


def test_an_index_that_queues_is_asked_for_less_and_takes_no_longer() -> None:
    """More requests under way would only wait there."""
    limit = WorkerLimit()
    seconds = run(limit, Model(slots=2), 500)

    assert limit.allowed <= FIRST // 2
    assert seconds == pytest.approx(500 * 0.05 / 2, rel=0.05)


def test_a_full_link_is_not_filled_further() -> None:
    """Bytes come no faster, so answers only queue."""
    limit = WorkerLimit()
    model = Model(size=50_000, bandwidth=2e6)
    seconds = run(limit, model, 500)

    assert limit.allowed <= FIRST // 2
    assert seconds == pytest.approx(500 * 50_000 / 2e6, rel=0.05)


def test_an_overload_cuts_once_for_all_that_met_it() -> None:
    """Thirty refusals of one moment are one fact."""
    limit = WorkerLimit()
    for _ in range(30):
        limit.answered(answer(429), 0.0, 1.0)

    assert limit.allowed == FIRST // 2


def test_an_overload_that_goes_on_cuts_again_down_to_one() -> None:
    """Never to nothing."""
    limit = WorkerLimit()
    for second in range(10):
        limit.answered(answer(503), second + 0.1, second + 1.0)

    assert limit.allowed == 1


def test_after_an_overload_it_grows_carefully() -> None:
    """One more a round trip."""
    limit = WorkerLimit()
    limit.answered(answer(429), 0.0, 1.0)
    for _ in range(FIRST // 2):
        limit.answered(answer(), 1.0, 1.1)

    assert limit.allowed == FIRST // 2 + 1


@pytest.mark.parametrize("problem", ["timed out", "index.example closed the connection"])
def test_trouble_that_passes_is_an_overload(problem: str) -> None:
    """Too many connections look like this."""
    limit = WorkerLimit()
    limit.answered(answer(0, problem=problem), 0.0, 1.0)

    assert limit.allowed == FIRST // 2


@pytest.mark.parametrize(
    "exchange",
    [answer(404), answer(0, problem="not accepted")._replace(kind=ProblemKind.TLS)],
    ids=["missing", "certificate"],
)
def test_an_answer_that_says_no_is_no_overload(exchange: Exchange) -> None:
    """It would say the same to one request."""
    limit = WorkerLimit()
    limit.answered(exchange, 0.0, 0.1)

    assert limit.allowed >= FIRST


def test_what_is_done_here_says_nothing_of_the_index() -> None:
    """Files take no time."""
    limit = WorkerLimit()
    local = Exchange(Request("file:///a"), 200, {}, b"", PublicUrl("file:///a"))
    for _ in range(100):
        limit.answered(local, 0.0, 0.0)

    assert limit.allowed == FIRST


def test_a_number_that_the_user_gave_is_kept_through_good_and_slow_times() -> None:
    """The user has given the number and is taken to know the queues."""
    limit = WorkerLimit(20)
    run(limit, Model(), 200)
    run(limit, Model(slots=2), 200)

    assert limit.allowed == 20


def test_a_number_that_the_user_gave_is_a_bound() -> None:
    """An index that refuses is asked for less, and for as much again when it has recovered, not for more."""
    limit = WorkerLimit(20)
    limit.answered(answer(429), 0.0, 1.0)
    assert limit.allowed == 10

    run(limit, Model(), 1000)

    assert limit.allowed == 20


def test_an_index_that_queues_is_never_asked_for_much_again() -> None:
    """Once answers have queued the number grows by one a round trip, so it stays near what the index bears at every moment."""
    limit, model = WorkerLimit(), Model(slots=2)
    run(limit, model, 300)
    allowed = []
    for _ in range(25):
        run(limit, model, 40)
        allowed.append(limit.allowed)

    assert max(allowed) <= FIRST // 2, allowed
