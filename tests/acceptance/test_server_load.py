"""``mirror serve`` under clients that mean harm: honest clients are answered meanwhile."""

from __future__ import annotations

import resource
import socket
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.scale import scaled
from tests.support.served import Served

pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")
CLIENTS = scaled(100, 1000)
LOCKS = scaled(20, 100)
MALICIOUS = (
    (b"app\n", "?python=999999999"), (b"app\n", "?platform=macosx_99999_9_arm64"), (b"-r /etc/passwd\n", ""),
    (b"app[" + b"a," * 8000 + b"a]\n", ""), (b"(" * 50_000, ""), (b"app" + b"!=1," * 20_000 + b"\n", ""),
    (b"app==" + b"9" * 5000, ""),
    (b"app; " + b"(" * 3000 + b"python_version>'3'" + b")" * 3000 + b"\n", ""), (b"\xff" * 1000, ""), (b"app\n" * 20_000, ""),
)  # fmt: skip


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Give a server of app, which needs lib."""
    with LoopbackIndex({"app": [wheel("app", "1.0", ["lib"])], "lib": [wheel("lib", "1.0")]}) as index:
        server = Served(tmp_path, index, "--max-seconds", "20")
        yield server
        server.stop()


def test_slow_headers_and_idle_connections(served: Served) -> None:
    """Every honest request is answered; the time of /healthz is printed, not asserted."""
    wanted = 2 * CLIENTS + 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
    host, _, port = served.url.removeprefix("http://").partition(":")
    connections = [socket.create_connection((host, int(port)), 30) for _ in range(2 * CLIENTS)]
    try:
        for number, connection in enumerate(connections):
            request = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
            connection.sendall(request + (b"X-Slow: " if number < CLIENTS else b"\r\n"))
        seconds = []
        for _ in range(20):
            begun = time.perf_counter()
            assert served.get("/healthz")[0] == 200
            seconds.append(time.perf_counter() - begun)
            assert served.get("/simple/app/")[0] == 200
        assert served.lock(b"app\n")[0] == 200
    finally:
        for connection in connections:
            connection.close()
    print(f"/healthz beside {2 * CLIENTS} clients: {statistics.median(seconds):.4f} s, at most {max(seconds):.4f} s")  # noqa: T201 - with -s


def test_malicious_locks(served: Served) -> None:
    """None is answered with a lock or with an error of the server's own, and honest locks are answered beside them."""
    with ThreadPoolExecutor(8) as pool:
        hostile = [pool.submit(served.lock, *MALICIOUS[number % len(MALICIOUS)]) for number in range(LOCKS)]
        honest = [served.lock(b"app\n", "?python=3.12&platform=linux")[0] for _ in range(10)]
        statuses = {pending.result()[0] for pending in hostile}

    assert honest == [200] * 10
    assert statuses <= {200, 400, 413, 422, 503, 504}, (
        statuses
    )  # 200: the same requirement many times is a list that can be locked
    assert served.get("/healthz")[0] == 200
