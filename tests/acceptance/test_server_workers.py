"""``mirror serve --workers N``: processes that share a port and a store, end together, and are started again if they die."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.served import Served

pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")
pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the workers in /proc")


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve app, which needs lib."""
    with LoopbackIndex({"app": [wheel("app", "1.0", ["lib"])], "lib": [wheel("lib", "1.0")]}) as served:
        yield served


@pytest.fixture
def served(tmp_path: Path, index: LoopbackIndex) -> Iterator[Served]:
    """Give a server of two workers."""
    server = Served(tmp_path, index, "--workers", "2")
    wait_for(lambda: len(workers(server)) == 2 and server.answering() == {"0", "1"})
    yield server
    if server.process.poll() is None:
        server.stop()


def wait_for(met: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + 60
    while not met():
        assert time.monotonic() < until
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """Return the processes that a process started and that run."""
    running = []
    for folder in Path("/proc").iterdir():
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[1] == str(pid) and fields[0] != "Z":
            running.append(int(folder.name))
    return running


def workers(server: Served) -> list[int]:
    """Return the workers of a server: what multiprocessing started."""
    pids = children(server.process.pid)
    return [pid for pid in pids if b"spawn_main" in command_line(pid)]


def command_line(pid: int) -> bytes:
    """Return the command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def gone(pids: list[int]) -> bool:
    """Return whether none of these processes runs."""
    return not any(Path(f"/proc/{pid}/stat").exists() for pid in pids)


def test_workers_answer_from_one_store(served: Served, index: LoopbackIndex) -> None:
    """Pages and locks of both are the same, and what one has fetched is not fetched by each request."""
    pages = {served.get("/simple/app/")[2] for _ in range(20)}
    locks = {served.lock(b"app\n") for _ in range(6)}

    assert len(pages) == len(locks) == 1
    assert next(iter(locks))[0] == 200
    assert len(index.paths("/simple/app/")) <= 3  # the warm, and at most one of each worker


def test_a_worker_that_dies_is_started_again(served: Served) -> None:
    """Clients are answered meanwhile, and the message names the worker."""
    victim = workers(served)[0]

    os.kill(victim, signal.SIGKILL)

    assert served.get("/healthz")[0] == served.get("/simple/app/")[0] == 200
    wait_for(lambda: len(workers(served)) == 2 and victim not in workers(served) and served.answering() == {"0", "1"})
    assert re.search(r"worker \d ended \(signal 9\); it is started again", served.stop())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_and_stores_what_is_new(
    served: Served, index: LoopbackIndex, number: signal.Signals
) -> None:
    """No process is left, nothing looks like a failure, and the mirror holds the project that a client asked for last."""
    index.publish("late", wheel("late", "1.0"))
    started = workers(served)
    assert served.get("/simple/late/")[0] == 200

    served.process.send_signal(number)

    log = served.process.communicate(timeout=50)[1]
    assert served.process.returncode == 0, log
    assert "ended" not in log
    assert "Traceback" not in log
    assert gone(started)
    assert served.run("lock", "--offline", "--packages", "late").returncode == 0


def test_workers_end_with_a_supervisor_that_is_killed(served: Served) -> None:
    """SIGKILL gives it no time to tell them."""
    started = workers(served)

    served.process.kill()
    served.process.communicate(timeout=20)

    wait_for(lambda: gone(started))
    assert served.run("mirror", "verify", "--packages", "app").returncode == 0


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_server_whose_receiving_process_is_killed_accepts_by_itself(
    tmp_path: Path, index: LoopbackIndex, count: str
) -> None:
    """Clients are answered, /healthz too, and the server ends as ever."""
    server = Served(tmp_path, index, "--workers", count)
    assert server.get("/simple/app/")[0] == 200
    wait_for(lambda: b'route="healthz"' in server.get("/metrics")[2] or server.get("/healthz")[0] != 200)
    [receiving] = [pid for pid in children(server.process.pid) if b"mirror\0serve" in command_line(pid)]

    os.kill(receiving, signal.SIGKILL)

    assert [server.get(path)[0] for path in ("/healthz", "/simple/app/", "/healthz")] == [200] * 3
    log = server.stop()
    assert (server.process.returncode, "Traceback" in log) == (0, False), log


@pytest.mark.parametrize("count", ["0", "-1", "two"])
def test_a_number_of_workers_that_cannot_be_used_is_refused(tmp_path: Path, index: LoopbackIndex, count: str) -> None:
    """Before the port is taken."""
    server = Served(tmp_path, index, warm=())
    try:
        refused = server.run("mirror", "serve", "--port", "0", "--workers", count)
    finally:
        server.stop()

    assert (refused.returncode, "--workers" in refused.stderr) == (2, True), refused.stderr
