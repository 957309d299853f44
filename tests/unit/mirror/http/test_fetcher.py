"""Order, limits, retries and cancellation of requests, over a transport that is driven by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import Any

import pytest

from mirror.errors import BuildFailed
from mirror.http.concurrency_limit import MOST_UNDER_WAY
from mirror.http.fetch_job import RequestLimitError
from mirror.http.fetcher import MOST_REQUESTS, Fetcher
from mirror.limits import BudgetSpentError, DeadlineError, RequestBudget
from mirror.ports import Exchange, ProblemKind, Request, Work
from mirror.settings import RetryPolicy
from tests.support.fake_transport import FakeTransport

Result = tuple[Any, Exception | None]


class Ticking:
    """A clock that moves by ``step`` seconds whenever somebody looks."""

    def __init__(self, step: float = 0.0) -> None:
        """Begin at a number that is not 0."""
        self.seconds = 100.0
        self.step = step

    def __call__(self) -> float:
        """Return the time."""
        self.seconds += self.step
        return self.seconds


class Bench:
    """A fetcher, its transport and what was delivered."""

    def __init__(self, clock: Ticking | None = None, **settings: Any) -> None:  # Fetcher's own
        """Retries come at once unless a policy is given."""
        self.transport = FakeTransport()
        self.clock = clock or Ticking()
        self.delivered: dict[str, Result] = {}
        policy = settings.pop("policy", RetryPolicy(retries=2, base=0.0))
        self.fetcher = Fetcher(
            lambda: self.transport, policy=policy, randomness=lambda: 0.0, clock=self.clock,
            wall_clock=lambda: 0.0, **settings,
        )  # fmt: skip

    def ask(self, *urls: str, key: str | None = None) -> None:
        """Submit one job that fetches these URLs one after another and returns the bodies."""
        key = key or urls[0]

        def deliver(result: object, error: Exception | None) -> None:
            self.delivered[key] = (result, error)

        self.fetcher.submit(key, _steps(urls), deliver)

    def pump(self) -> bool:
        """Take in what has arrived."""
        return self.fetcher.pump(block=False)


def _steps(urls: tuple[str, ...]) -> Generator[Request, Exchange, list[bytes]]:
    bodies = []
    for url in urls:
        exchange = yield Request(url)
        bodies.append(exchange.body if exchange.problem is None else exchange.problem.encode())
    return bodies


def test_jobs_start_in_the_order_they_were_asked_for() -> None:
    """As many as the limit allows; the next when one has ended."""
    bench = Bench(workers=2)
    bench.ask("a")
    bench.ask("b")
    bench.ask("c")

    assert bench.transport.submitted == ["a", "b"]
    bench.transport.answer(b"A")
    bench.pump()
    assert bench.transport.submitted == ["a", "b", "c"]
    assert bench.delivered == {"a": ([b"A"], None)}


def test_no_more_than_the_workers_are_under_way() -> None:
    """However many are asked for."""
    bench = Bench(workers=3)
    for number in range(20):
        bench.ask(f"u{number}")
    while bench.transport.under_way:
        bench.transport.answer()
        bench.pump()

    assert (bench.transport.most_under_way, len(bench.delivered)) == (3, 20)
    assert not bench.fetcher.busy


def test_a_second_request_of_a_job_goes_before_jobs_that_have_not_begun() -> None:
    """What is half done is finished first."""
    bench = Bench(workers=1)
    bench.ask("a1", "a2")
    bench.ask("b")
    for _ in range(3):
        bench.transport.answer()
        bench.pump()

    assert bench.transport.submitted == ["a1", "a2", "b"]


def test_a_key_under_way_is_not_asked_for_twice() -> None:
    """Single-flight; afterwards it may be asked for again."""
    bench = Bench()
    bench.ask("a")
    bench.ask("a")
    assert bench.transport.submitted == ["a"]
    bench.transport.answer()
    bench.pump()

    bench.ask("a")

    assert bench.transport.submitted == ["a", "a"]


def test_trouble_that_passes_is_tried_again_and_the_steps_do_not_notice() -> None:
    """A status, and no response at all."""
    bench = Bench()
    bench.ask("a")
    bench.transport.answer(status=502)
    bench.pump()
    bench.transport.fail()
    bench.pump()
    bench.transport.answer(b"A")
    bench.pump()

    assert bench.delivered == {"a": ([b"A"], None)}
    assert (bench.fetcher.counts.requests, bench.fetcher.counts.retries) == (3, 2)


def test_after_the_last_try_the_steps_get_the_trouble() -> None:
    """They decide what it means."""
    bench = Bench(policy=RetryPolicy(retries=1, base=0.0))
    bench.ask("a")
    for _ in range(2):
        bench.transport.fail("timed out")
        bench.pump()

    assert bench.delivered == {"a": ([b"timed out"], None)}
    assert bench.fetcher.counts.failures == 1


def test_what_will_not_pass_is_not_tried_again() -> None:
    """404, and a certificate that is not accepted."""
    bench = Bench()
    bench.ask("a")
    bench.ask("b")
    bench.transport.answer(status=404)
    bench.transport.fail("the certificate or encryption of x was not accepted", ProblemKind.TLS)
    bench.pump()

    assert len(bench.transport.submitted) == 2
    assert sorted(bench.delivered) == ["a", "b"]


def test_retry_after_holds_everybody_back() -> None:
    """An index that is overloaded is left alone, not asked for something else."""
    bench = Bench(workers=1)
    bench.ask("a")
    bench.ask("b")
    bench.transport.answer(status=503, retry_after="7")
    bench.pump()
    assert bench.transport.submitted == ["a"]
    bench.clock.seconds += 6.9
    bench.pump()
    assert bench.transport.submitted == ["a"]

    bench.clock.seconds += 0.2
    bench.pump()

    assert bench.transport.submitted == ["a", "a"]


def test_waiting_for_a_retry_ends_by_itself() -> None:
    """A blocking pump sleeps until the retry is due, then for the answer."""
    bench = Bench(clock=Ticking(0.5))
    bench.ask("a")
    bench.transport.answer(status=503, retry_after="2")

    assert bench.fetcher.pump()
    while not bench.transport.under_way:
        bench.fetcher.pump(block=False)
    bench.transport.answer(b"A")
    bench.fetcher.pump()

    assert bench.delivered == {"a": ([b"A"], None)}


def test_the_rate_is_kept() -> None:
    """Two requests a second are half a second apart."""
    bench = Bench(requests_per_second=2.0)
    for url in ("a", "b", "c"):
        bench.ask(url)
    assert bench.transport.submitted == ["a"]
    bench.clock.seconds += 0.4
    bench.pump()
    assert bench.transport.submitted == ["a"]

    bench.clock.seconds += 0.2
    bench.pump()

    assert bench.transport.submitted == ["a", "b"]


def test_the_limit_grows_with_good_answers_to_what_is_polite() -> None:
    """Up by one with every one of them."""
    bench = Bench()
    for number in range(300):
        bench.ask(f"u{number}")
    while bench.transport.under_way:
        bench.transport.answer()
        bench.pump()

    assert bench.transport.most_under_way == MOST_UNDER_WAY
    assert len(bench.delivered) == 300


def test_trouble_halves_the_limit() -> None:
    """No new request is started until half as many are under way."""
    bench = Bench(policy=RetryPolicy(retries=0))
    for number in range(100):
        bench.ask(f"u{number}")
    first = len(bench.transport.under_way)
    bench.transport.answer(status=429)
    bench.pump()
    while len(bench.transport.submitted) == first:
        bench.transport.answer()
        bench.pump()

    assert len(bench.transport.under_way) <= first // 2 + 1


def test_a_given_number_of_workers_gives_way_to_trouble() -> None:
    """It is a bound; an index that refuses four at once is asked for two."""
    bench = Bench(workers=4, policy=RetryPolicy(retries=0))
    for number in range(10):
        bench.ask(f"u{number}")
    for _ in range(3):
        bench.transport.answer(status=429)
        bench.pump()

    assert len(bench.transport.under_way) == 2


def test_what_the_steps_raise_is_delivered() -> None:
    """An error of one job stops no other."""
    bench = Bench()

    def broken() -> Generator[Request, Exchange, None]:
        yield Request("broken")
        raise ValueError("nonsense")

    bench.fetcher.submit("broken", broken(), lambda result, error: bench.delivered.update(broken=(result, error)))
    bench.ask("a")
    bench.transport.answer()
    bench.transport.answer(b"A")
    bench.pump()

    assert str(bench.delivered["broken"][1]) == "nonsense"
    assert bench.delivered["a"] == ([b"A"], None)


def test_steps_that_need_no_request_are_delivered_at_once() -> None:
    """What is known costs nothing: no transport is made."""

    def steps() -> Generator[Request, Exchange, str]:
        return "result"
        yield Request("never")  # makes it a generator

    def make() -> FakeTransport:
        raise AssertionError("a transport was made")

    delivered: list[object] = []
    fetcher = Fetcher(make)
    fetcher.submit("k", steps(), lambda result, error: delivered.append((result, error)))

    assert delivered == [("result", None)]
    assert not fetcher.pump()


def test_a_job_may_submit_others_when_it_is_delivered() -> None:
    """Speculation does."""
    bench = Bench()

    def go_on(result: object, error: Exception | None) -> None:
        bench.delivered["a"] = (result, error)
        bench.ask("b")

    bench.fetcher.submit("a", _steps(("a",)), go_on)
    bench.transport.answer()
    bench.pump()

    assert bench.transport.submitted == ["a", "b"]


def test_closing_cancels_everything_and_delivers_nothing() -> None:
    """Whatever still arrives is dropped."""
    bench = Bench(workers=1)
    bench.ask("a")
    bench.ask("b")

    bench.fetcher.close()

    assert bench.transport.closed
    assert not bench.fetcher.busy
    bench.pump()
    assert bench.delivered == {}
    bench.fetcher.close()


def test_a_pump_that_waits_does_what_there_is_to_do_meanwhile() -> None:
    """A piece at a time, and looks for answers between two."""
    bench = Bench()
    done: list[str] = []

    def idle() -> bool:
        done.append("piece")
        if len(done) == 2:
            bench.transport.answer(b"A")
        return len(done) < 9

    bench.fetcher.idle = idle
    bench.ask("a")

    assert bench.fetcher.pump()
    assert (bench.delivered["a"], done) == (([b"A"], None), ["piece", "piece"])


def test_a_pump_that_does_not_wait_does_nothing_else() -> None:
    """Whoever asks in passing wants an answer at once."""
    bench = Bench()
    bench.fetcher.idle = lambda: not bench.ask("b")  # type: ignore[func-returns-value]  # it would ask for more
    bench.ask("a")

    assert not bench.pump()
    assert bench.transport.submitted == ["a"]


def test_a_blocking_pump_with_nothing_to_do_returns() -> None:
    """It never waits for what nobody asked."""
    assert not Bench().fetcher.pump()


def test_work_is_done_in_a_thread_and_is_no_request() -> None:
    """Its bytes are sent into the steps; the next request follows."""
    bench = Bench()

    def name_of_thread() -> bytes:
        return threading.current_thread().name.encode()

    def steps() -> Generator[Request | Work, Any, list[bytes]]:
        built: bytes = yield Work("build", name_of_thread)
        exchange: Exchange = yield Request("a")
        return [built, exchange.body]

    bench.fetcher.submit("k", steps(), lambda result, error: bench.delivered.update(k=(result, error)))
    while not bench.transport.submitted:
        bench.fetcher.pump()
    bench.transport.answer(b"page")
    bench.pump()

    assert bench.delivered == {"k": ([b"mirror-worker", b"page"], None)}
    assert bench.fetcher.counts.requests == 1


def test_what_work_raises_is_raised_in_its_steps() -> None:
    """The very error, with all it carries; steps may go on from there."""
    bench = Bench()
    error = BuildFailed("no compiler")

    def fail() -> bytes:
        raise error

    def steps() -> Generator[Request | Work, Any, Exception]:
        try:
            yield Work("build", fail)
        except BuildFailed as caught:
            return caught
        return ValueError()

    bench.fetcher.submit("k", steps(), lambda result, error: bench.delivered.update(k=(result, error)))
    while bench.fetcher.busy:
        bench.fetcher.pump()

    assert bench.delivered["k"][0] is error


def test_work_under_way_is_dropped_by_close() -> None:
    """Nothing waits for it."""
    bench = Bench()
    go = threading.Event()

    def wait() -> bytes:
        go.wait(20)
        return b""

    def steps() -> Generator[Request | Work, Any, bytes]:
        done: bytes = yield Work("build", wait)
        return done

    bench.fetcher.submit("k", steps(), lambda result, error: bench.delivered.update(k=(result, error)))
    bench.fetcher.close()
    go.set()

    assert not bench.fetcher.busy
    assert bench.delivered == {}


def test_every_listener_is_called_once() -> None:
    """A second submit of a key under way sends no request and gets the same result; a failure is a result too."""
    bench = Bench()
    deliveries: list[tuple[str, object, Exception | None]] = []

    def listener(name: str) -> Callable[[object, Exception | None], None]:
        return lambda result, error: deliveries.append((name, result, error))

    for name in ("first", "second"):
        bench.fetcher.submit("key", _steps(("a",)), listener(name))
    assert bench.fetcher.is_pending("key")

    bench.transport.answer(b"A")
    bench.pump()

    assert deliveries == [("first", [b"A"], None), ("second", [b"A"], None)]
    assert bench.transport.submitted == ["a"]
    assert not bench.fetcher.is_pending("key")


def test_a_failure_reaches_every_listener_even_if_one_raises() -> None:
    """The first listener's error is raised after the others were called."""
    bench = Bench()
    deliveries: list[Exception | None] = []

    def fails() -> Generator[Request, Exchange, None]:
        yield Request("a")
        raise ValueError("no page")

    def raises(_: object, error: Exception | None) -> None:
        raise RuntimeError(str(error))

    bench.fetcher.submit("key", fails(), raises)
    bench.fetcher.submit("key", fails(), lambda _, error: deliveries.append(error))
    bench.transport.answer(b"A")

    with pytest.raises(RuntimeError, match="no page"):
        bench.pump()
    assert [str(error) for error in deliveries] == ["no page"]


def test_retries_of_all_who_ask_share_one_limit() -> None:
    """Whoever asks: past the limit nothing is tried again in this run."""
    bench = Bench(policy=RetryPolicy(retries=2, base=0.0))
    for key in ("one", "two", "three"):
        bench.ask("a", key=key)
        while bench.transport.under_way:
            bench.transport.answer(status=503)
            bench.pump()

    assert len(bench.transport.submitted) == MOST_REQUESTS + 1  # three tries, two, and a first of the third


def test_a_loop_of_ours_ends() -> None:
    """An owner that asks again and again for what fails is stopped, with an error that is nobody's fault but ours."""
    bench = Bench(policy=RetryPolicy(retries=0))

    def again(_: object, error: Exception | None) -> None:
        if error is not None:
            raise error
        bench.fetcher.submit("key", _steps(("a",)), again)

    def run() -> None:
        bench.fetcher.submit("key", _steps(("a",)), again)
        while bench.fetcher.busy:
            bench.transport.answer(status=500)
            bench.pump()

    with pytest.raises(RequestLimitError, match="asked for 11 times"):
        run()
    assert len(bench.transport.submitted) == 2 * MOST_REQUESTS


def test_a_new_run_may_ask_again() -> None:
    """A server never ends; what it asks anew is counted anew."""
    bench = Bench(policy=RetryPolicy(retries=0))
    for number in range(3 * MOST_REQUESTS):
        bench.fetcher.new_run()
        bench.ask("a", key=str(number))
        bench.transport.answer(b"A")
        bench.pump()

    assert len(bench.delivered) == 3 * MOST_REQUESTS


def test_waiting_ends_at_the_deadline() -> None:
    """Past the deadline the wait raises ``DeadlineError``."""
    clock = Ticking(1.0)
    bench = Bench(clock, budget=RequestBudget(deadline=clock.seconds + 5))
    bench.ask("a")

    with pytest.raises(DeadlineError):
        bench.fetcher.pump()


@pytest.mark.parametrize(("first", "deadline"), [(None, 5.0), (3.0, 3.0), (9.0, 5.0)])
def test_a_deadline_can_be_set_during_a_run(first: float | None, deadline: float) -> None:
    """An earlier one stays; the wait does not sleep beyond it."""
    clock = Ticking(0.0)
    budget = RequestBudget(deadline=None if first is None else clock.seconds + first)
    bench = Bench(clock, budget=budget)
    bench.ask("a")
    budget.end_at(clock.seconds + 5)

    assert budget.deadline == clock.seconds + deadline
    clock.seconds += deadline + 1
    with pytest.raises(DeadlineError):
        bench.fetcher.pump()


def test_a_budget_bounds_the_requests_of_a_run() -> None:
    """What is under way is still delivered, retries count, and a wait for what may not start raises ``BudgetSpentError``."""
    bench = Bench(Ticking(1.0), budget=RequestBudget(requests=2))
    for name in "abc":
        bench.ask(name)
    bench.transport.answer(b"A")
    bench.transport.answer(b"B")

    while len(bench.delivered) < 2:
        bench.fetcher.pump()

    with pytest.raises(BudgetSpentError):
        bench.fetcher.pump()

    assert (bench.fetcher.counts.requests, len(bench.delivered)) == (2, 2)


def test_a_budget_that_just_suffices_is_no_error() -> None:
    """All is delivered, and nothing waits."""
    bench = Bench(Ticking(1.0), budget=RequestBudget(requests=1))
    bench.ask("a")
    bench.transport.answer(b"A")

    assert (bench.fetcher.pump(), bench.fetcher.pump(), len(bench.delivered)) == (True, False, 1)


def test_work_under_way_is_waited_for_though_no_request_is_left() -> None:
    """It needs no request."""
    budget = RequestBudget(requests=1)
    assert (budget.take(), budget.take()) == (True, False)
    bench = Bench(Ticking(0.0), budget=budget)
    done = threading.Event()

    def steps() -> Generator[Request | Work, Any, Any]:
        result: bytes = yield Work("build", lambda: b"built" if done.wait(10) else b"late")
        return result

    bench.fetcher.submit("w", steps(), lambda result, error: bench.delivered.update(w=(result, error)))
    done.set()
    while not bench.delivered:
        bench.fetcher.pump()

    assert bench.delivered["w"] == (b"built", None)


def test_past_the_deadline_nothing_more_is_begun() -> None:
    """Not even what needs no request."""
    clock = Ticking(1.0)
    bench = Bench(clock, budget=RequestBudget(deadline=clock.seconds - 1))

    with pytest.raises(DeadlineError):
        bench.ask("a")
