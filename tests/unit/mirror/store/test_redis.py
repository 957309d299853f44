"""The Redis store with a real server; skipped if none is installed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror.errors import StoreError
from tests.support.redis_server import AVAILABLE, RedisServer
from tests.unit.mirror.store.store_contract import StoreContract

redis_store = pytest.importorskip("mirror.store.redis", reason="the extra [redis] is not installed")
pytestmark = pytest.mark.skipif(not AVAILABLE, reason="redis-server is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run one server for all tests."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def store(server: RedisServer) -> Iterator[object]:
    """Give an empty store on the shared server."""
    opened = redis_store.RedisStore(server.url)
    opened.delete_many([key for key, _ in opened.scan()])
    yield opened
    opened.close()


class TestRedisStore(StoreContract):
    """The contract, on a real server."""


def test_the_store_waits_for_a_restarted_server(tmp_path: Path) -> None:
    """Killed between writes and started again during an update: the update succeeds, confirmed values are still stored."""
    with RedisServer(tmp_path) as server:
        store = redis_store.RedisStore(server.url)
        store.put_many({"k": b"1"})
        server.kill()
        again = threading.Timer(0.3, server.start)
        again.start()

        store.update({"k": lambda old: (old or b"lost") + b"2"})

        again.join()
        assert store.get_many(["k"]) == {"k": b"12"}
        store.close()


def test_a_server_that_never_answers_is_one_clear_error() -> None:
    """And the error holds no password."""
    with pytest.raises(StoreError) as caught:
        redis_store.RedisStore("redis://user:secret@127.0.0.1:1/0", patience=0.2)

    assert "127.0.0.1:1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_invalid_url_is_refused() -> None:
    """Before any connection."""
    with pytest.raises(StoreError):
        redis_store.RedisStore("redis://127.0.0.1:notaport/0", patience=0.2)


def test_many_clients_that_write_one_key_all_end(server: RedisServer) -> None:
    """Each loses again and again to the others; within the patience of one of them, each has its turn."""
    stores = [redis_store.RedisStore(server.url, patience=5) for _ in range(12)]

    def work(store: object) -> None:
        for _ in range(10):
            store.update({"turns": lambda old: str(int(old or 0) + 1).encode()})  # type: ignore[attr-defined]

    threads = [threading.Thread(target=work, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert stores[0].get_many(["turns"]) == {"turns": b"120"}
    assert [key for key, _ in stores[0].scan() if "turn" in key] == ["turns"]
    for store in stores:
        store.close()
