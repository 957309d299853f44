"""Orders, limits, retries and cancels the requests of a run.

The fetcher belongs to the thread of its owner: ``submit`` queues, ``pump`` waits for a response and delivers it. Only the
transport and the pool for work have threads; they report through a queue, so no lock is needed. Keys are single-flight: a second
``submit`` of a key under way adds a listener, not a request; every listener is called once.

``MOST_REQUESTS`` bounds the requests for one URL in one run.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from mirror.http.fetch_job import FetchCounts, FetchJob, RequestLimitError, done_of, drop, refused_work, url_and_range
from mirror.limits import RequestBudget
from mirror.ports import Exchange, Request, Work
from mirror.settings import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mirror.http.concurrency_limit import WorkerLimit
    from mirror.http.fetch_job import Deliver, Steps
    from mirror.http.worker_pool import WorkerPool
    from mirror.ports import Transport

    _Arrival = tuple["FetchJob", Exchange | bytes | Exception, float]  # and the time of arrival

_LONGEST_SLEEP = 0.25  # seconds; the wait is interrupted this often so that Ctrl-C is handled
MOST_REQUESTS = 5  # for one URL (and range) in one run; the number of retries plus 1 if that is higher


class Fetcher:
    """Runs many sans-IO step generators over one transport, a bounded number of requests at once."""

    def __init__(  # noqa: PLR0913 - keyword-only settings of the queue
        self,
        transport: Callable[[], Transport],
        *,
        workers: int = 0,
        policy: RetryPolicy | None = None,
        requests_per_second: float = 0.0,
        randomness: Callable[[], float] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        budget: RequestBudget | None = None,
    ) -> None:
        """``transport`` is made when the first request starts; ``workers`` bounds the requests under way (0: adaptive).

        Once ``budget`` (its deadline is a time of ``clock``) does not allow what is queued, waiting raises ``BudgetSpentError``.
        """
        self._make_transport = transport
        self._transport: Transport | None = None
        self._most_workers = workers
        self._made_limit: WorkerLimit | None = None
        self._policy = policy or RetryPolicy()
        self._spacing = 1.0 / requests_per_second if requests_per_second > 0 else 0.0
        self._random = randomness
        self._clock = clock
        self._wall_clock = wall_clock
        self.budget = budget or RequestBudget()
        self._jobs: dict[str, FetchJob] = {}
        self._most = max(MOST_REQUESTS, self._policy.retries + 1)
        self._asked: dict[tuple[str, str], int] = {}  # (URL, range) -> requests of this run
        self._urgent: deque[FetchJob] = deque()
        self._queue: deque[FetchJob] = deque()
        self._later: list[tuple[float, int, FetchJob]] = []
        self._sequence = 0
        self._under_way = 0  # requests
        self._working = 0  # steps that are work
        self._next_start = 0.0
        self._paused_until = 0.0
        self._done: SimpleQueue[_Arrival] = SimpleQueue()
        self._workers: WorkerPool[Work, bytes | Exception] | None = None  # for steps that are work
        self.counts = FetchCounts()
        # Called while nothing has arrived: does a small piece of other work; returns whether there was any.
        self.idle: Callable[[], bool] = lambda: False

    @property
    def busy(self) -> bool:
        """Return whether anything is queued, under way or waiting for a retry."""
        return bool(self._jobs)

    def submit(self, key: str, steps: Steps, deliver: Deliver) -> None:
        """Run the steps, or wait for the steps under way with this key; ``deliver(result, error)`` is called once, from ``pump``.

        Steps that end without a request deliver at once. Jobs that ``close`` cancels are not delivered.
        """
        self.budget.check(self._clock)
        job = self._jobs.get(key)
        if job is not None:
            job.listeners.append(deliver)
            steps.close()
            return
        job = FetchJob(key, steps, deliver)
        self._jobs[key] = job
        if self._advance(job, None):
            self._queue.append(job)
            self._start()

    @property
    def _limit(self) -> WorkerLimit:
        if self._made_limit is None:
            from mirror.http.concurrency_limit import WorkerLimit  # only a run that makes a request

            self._made_limit = WorkerLimit(self._most_workers)
        return self._made_limit

    def is_pending(self, key: str) -> bool:
        """Return whether a key is queued, under way or waiting for a retry."""
        return key in self._jobs

    def new_run(self) -> None:
        """Reset the counts behind ``MOST_REQUESTS``: for an owner that is a server."""
        self._asked.clear()

    def pump(self, *, block: bool = True) -> bool:
        """Process every arrival, waiting for one if ``block``; return whether there was any."""
        moved = False
        while True:
            self._wake_sleepers()
            self._start()
            try:
                arrival = self._done.get_nowait()
            except Empty:
                if moved or not block or not self._jobs:
                    return moved
                if self.idle():
                    continue
                wait_start = self._clock()
                arrived = self._wait()
                self.counts.waited += self._clock() - wait_start
                if arrived is None:
                    continue
                arrival = arrived
            moved = True
            job, answer, ended = arrival
            if isinstance(answer, Exchange):
                self._limit.answered(answer, job.started, ended)
                self.counts.took(ended - job.started)
                self._under_way -= 1
                self._arrived(job, answer)
            else:
                self._working -= 1
                self._go_on(job, answer)

    def close(self) -> None:
        """Cancel everything; ``submit`` may be called again afterwards."""
        self._jobs.clear()
        self._queue.clear()
        self._urgent.clear()
        self._later.clear()
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        if self._workers is not None:
            self._workers.close()
            self._workers = None
        self._under_way = self._working = 0
        while not self._done.empty():
            drop(self._done.get()[1])
        self._done = SimpleQueue()  # cancelled requests report to the old queue, which is not read

    def _wait(self) -> _Arrival | None:
        """Sleep until something arrives or a waiting request is due, at most ``_LONGEST_SLEEP``."""
        now = self._clock()
        self.budget.check(self._clock, under_way=self._under_way + self._working)
        due = [entry[0] for entry in self._later[:1]] + ([self._gate()] if self._queue or self._urgent else [])
        ends = [] if self.budget.deadline is None else [self.budget.deadline]
        nap = max(0.0, min([now + _LONGEST_SLEEP, *due, *ends]) - now)
        try:
            return self._done.get(timeout=nap) if nap > 0 else self._done.get_nowait()
        except Empty:
            return None

    def _gate(self) -> float:
        """Return when the next request may start."""
        if self.budget.spent or self._under_way >= self._limit.allowed:
            return float("inf")
        return max(self._next_start, self._paused_until, 0.0)

    def _wake_sleepers(self) -> None:
        now = self._clock()
        while self._later and self._later[0][0] <= now:
            self._urgent.append(heapq.heappop(self._later)[2])

    def _start(self) -> None:
        """Start queued requests while the limits allow."""
        while (self._urgent or self._queue) and self._under_way < self._limit.allowed:
            if self._spacing or self._paused_until:
                now = self._clock()
                if now < self._next_start or now < self._paused_until:
                    return
                self._next_start = max(now, self._next_start) + self._spacing
            if not self.budget.take():
                return
            job = (self._urgent or self._queue).popleft()
            request = job.request
            if request is None or self._ended_at_limit(job, request):
                continue
            job.attempts += 1
            job.started = self._clock()
            self._under_way += 1
            self.counts.requests += 1
            self.counts.for_purpose.setdefault(request.purpose, [0, 0])[0] += 1
            if self._transport is None:
                self._transport = self._make_transport()
            self._transport.submit(request, _reporting_to(self._done, job, self._clock))  # ``close`` replaces the queue

    def _ended_at_limit(self, job: FetchJob, request: Request) -> bool:
        """Count a request of a URL; past twice the limit end the job. Retries stop at the limit, so this is a loop in the steps."""
        url = url_and_range(request)
        self._asked[url] = asked = self._asked.get(url, 0) + 1
        if asked <= 2 * self._most:
            return False
        self._end(job, None, RequestLimitError(f"{request.url} was asked for {asked} times in one run"))
        return True

    def _arrived(self, job: FetchJob, exchange: Exchange) -> None:
        """Retry, or continue the steps."""
        from mirror.http.concurrency_limit import OVERLOAD  # here and below: only a run that makes a request
        from mirror.http.retry import jitter, next_delay

        size = exchange.size or len(exchange.body)
        self.counts.bytes += size
        self.counts.for_purpose.setdefault(exchange.request.purpose, [0, 0])[1] += size
        if self._jobs.get(job.key) is not job:
            drop(exchange)
            return
        delay = next_delay(job.attempts, exchange, self._policy, self._random or jitter, self._wall_clock())
        if delay is not None and self._asked.get(url_and_range(exchange.request), 0) < self._most:
            self.counts.retries += 1
            self._sequence += 1
            heapq.heappush(self._later, (self._clock() + delay, self._sequence, job))
            if exchange.status in OVERLOAD:
                self._paused_until = max(self._paused_until, self._clock() + delay)
            return
        if exchange.problem is not None:
            self.counts.failures += 1
        self._go_on(job, exchange)

    def _go_on(self, job: FetchJob, answer: Exchange | bytes | Exception) -> None:
        """Send an answer into its steps; their next request is started before the first requests of other jobs."""
        job.attempts = 0
        if self._jobs.get(job.key) is job and self._advance(job, answer):
            self._urgent.append(job)

    def _begin(self, job: FetchJob, work: Work) -> None:
        """Do work in a thread; it does not count as a request."""
        if self._workers is None:
            import os  # this import and the next: only if something is built or cloned

            from mirror.http.worker_pool import WorkerPool

            self._workers = WorkerPool(max(2, os.cpu_count() or 1), done_of, refused_work)
        done, clock = self._done, self._clock
        self._working += 1
        self._workers.submit(work, lambda answer: done.put((job, answer, clock())))

    def _advance(self, job: FetchJob, answer: Exchange | bytes | Exception | None) -> bool:
        """Send an answer into the steps; return whether they yield a request. Else start their work or deliver their end."""
        try:
            if isinstance(answer, Exception):
                step = job.steps.throw(answer)
            else:
                step = next(job.steps) if answer is None else job.steps.send(answer)
        except StopIteration as ended:
            self._end(job, ended.value, None)
            return False
        except Exception as error:  # noqa: BLE001 - errors of the steps are delivered to their listeners
            self._end(job, None, error)
            return False
        if isinstance(step, Work):
            self._begin(job, step)
            return False
        job.request = step
        return True

    def _end(self, job: FetchJob, result: Any, error: Exception | None) -> None:
        """Call every listener, even if one of them raises; the first such error is raised at the end."""
        del self._jobs[job.key]
        raised: Exception | None = None
        for deliver in job.listeners:
            try:
                deliver(result, error)
            except Exception as failure:  # noqa: BLE001 - it is raised below
                raised = raised or failure
        if raised is not None:
            raise raised


def _reporting_to(done: SimpleQueue[_Arrival], job: FetchJob, clock: Callable[[], float]) -> Callable[[Exchange], None]:
    return lambda exchange: done.put((job, exchange, clock()))  # the time of arrival: the owner may read it much later
