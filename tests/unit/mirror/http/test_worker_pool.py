"""Threads that can be let go of at once."""

from __future__ import annotations

import threading
from queue import SimpleQueue

from mirror.http.problems import CLOSED
from mirror.http.worker_pool import WorkerPool
from mirror.ports import Exchange, Request
from mirror.urls import PublicUrl

PATIENCE = 60.0  # seconds: a lost answer must fail the test, not hang it


def requests(count: int) -> list[Request]:
    """Return that many different requests."""
    return [Request(f"https://index.example/{number}/") for number in range(count)]


def answered(request: Request) -> Exchange:
    """Return a good exchange."""
    return Exchange(request, 200, {}, b"", PublicUrl(request.url))


def test_every_request_is_answered_once() -> None:
    """Whatever the number of workers."""
    done: SimpleQueue[Exchange] = SimpleQueue()
    pool = WorkerPool(3, answered, Exchange.failed)
    for request in requests(50):
        pool.submit(request, done.put)
    urls = sorted(done.get(timeout=PATIENCE).url for _ in range(50))
    pool.close()

    assert urls == sorted(request.url for request in requests(50))
    assert done.empty()


def test_no_more_threads_than_workers_nor_than_requests() -> None:
    """Threads are started as they are needed."""
    entered: SimpleQueue[int] = SimpleQueue()
    go = threading.Event()

    def perform(request: Request) -> Exchange:
        entered.put(threading.get_ident())
        go.wait(PATIENCE)
        return answered(request)

    done: SimpleQueue[Exchange] = SimpleQueue()
    pool = WorkerPool(3, perform, Exchange.failed)
    for request in requests(10):
        pool.submit(request, done.put)
    first = {entered.get(timeout=PATIENCE) for _ in range(3)}
    assert entered.empty()
    go.set()
    for _ in range(10):
        done.get(timeout=PATIENCE)
    pool.close()

    assert len(first) == 3
    assert {entered.get(timeout=PATIENCE) for _ in range(7)} <= first


def test_close_answers_at_once_and_late_results_are_dropped() -> None:
    """What a worker brings after that is nobody's."""
    go = threading.Event()
    left = threading.Event()

    def perform(request: Request) -> Exchange:
        go.wait(PATIENCE)
        left.set()
        return answered(request)

    done: SimpleQueue[Exchange] = SimpleQueue()
    pool = WorkerPool(1, perform, Exchange.failed)
    for request in requests(3):
        pool.submit(request, done.put)

    assert pool.close()
    assert not pool.close()
    assert [done.get(timeout=PATIENCE).problem for _ in range(3)] == ["cancelled"] * 3
    go.set()
    left.wait(PATIENCE)
    pool.submit(requests(1)[0], done.put)
    assert done.get(timeout=PATIENCE) == Exchange.failed(requests(1)[0], *CLOSED)
    assert done.empty()


def test_close_may_come_from_within_a_callback() -> None:
    """A caller may close the pool from the callback of a job."""
    done: SimpleQueue[bool] = SimpleQueue()
    pool = WorkerPool(1, answered, Exchange.failed)
    pool.submit(requests(1)[0], lambda _: done.put(pool.close()))

    assert done.get(timeout=PATIENCE)
    assert pool.closed
