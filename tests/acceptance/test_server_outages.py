"""``mirror serve`` while its store is away, removed or full: /healthz says so, clients get an answer, and it recovers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.redis_server import AVAILABLE, RedisServer
from tests.support.served import Served

pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve app, which needs lib, and many others."""
    projects = {"app": [wheel("app", "1.0", ["lib"])], "lib": [wheel("lib", "1.0")], "late": [wheel("late", "1.0")]}
    with LoopbackIndex(projects) as served:
        yield served


def drained(server: Served) -> list[str]:
    """Read what a server logs, so that it never waits for its reader; return the growing list of lines."""
    lines: list[str] = []
    assert server.process.stderr is not None
    threading.Thread(target=lines.extend, args=(server.process.stderr,), daemon=True).start()
    return lines


def wait_for(met: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < until
        time.sleep(0.1)


def ended(server: Served) -> int:
    """Stop a server; return its exit code."""
    server.process.terminate()
    code = server.process.wait(60)
    assert server.process.stderr is not None
    server.process.stderr.close()
    return code


@pytest.mark.skipif(not AVAILABLE, reason="redis-server is not installed")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_redis_that_is_away_and_comes_back(tmp_path: Path, index: LoopbackIndex, workers: str) -> None:
    """A page is answered or refused with the reason, and after the return everything works as before."""
    pytest.importorskip("redis")
    (tmp_path / "redis").mkdir()
    with RedisServer(tmp_path / "redis") as redis:
        server = Served(tmp_path, index, "--mirror", redis.url, "--workers", workers, warm=())
        lines = drained(server)
        try:
            wait_for(lambda: server.get("/healthz")[0] == server.get("/simple/app/")[0] == 200)
            redis.kill()
            wait_for(lambda: all(server.get("/healthz")[0] == 503 for _ in range(5)))  # each worker finds out by itself
            assert str(redis.port).encode() in server.get("/healthz")[2]
            assert server.get("/simple/late/")[0] in {200, 502, 503}
            assert server.get("/healthz")[0] == 503  # it is still away, whatever was tried meanwhile
            redis.start()
            wait_for(lambda: all(server.get("/healthz")[0] == 200 for _ in range(5)))
            wait_for(lambda: server.get("/simple/late/")[0] == server.get("/simple/app/")[0] == 200)
            wait_for(lambda: server.lock(b"app\n")[0] == 200)
        finally:
            code = ended(server)
    assert code == 0, lines
    assert "Traceback" not in "".join(lines)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("replaced", [False, True])
def test_a_folder_that_is_removed(tmp_path: Path, index: LoopbackIndex, workers: str, replaced: bool) -> None:
    """The mirror is opened again on the same port: empty, or what was put in its place."""
    server = Served(tmp_path, index, "--workers", workers)
    lines = drained(server)
    folder, copy = tmp_path / "m", tmp_path / "copy"
    try:
        assert server.get("/simple/app/")[0] == 200
        wait_for(lambda: len(server.answering()) == int(workers))  # each has opened the folder
        shutil.copytree(folder, copy)
        shutil.rmtree(folder)
        if replaced:
            copy.rename(folder)
        wait_for(lambda: sum("it is opened again" in line for line in lines) == int(workers))
        wait_for(lambda: server.get("/healthz")[0] == server.get("/simple/app/")[0] == 200)
        assert server.lock(b"app\n")[0] == 200
        wait_for(lambda: server.run("lock", "--offline", "--packages", "app").returncode == 0)
    finally:
        code = ended(server)
    assert code == 0, lines
    assert "Traceback" not in "".join(lines)


@pytest.mark.skipif(not AVAILABLE, reason="redis-server is not installed")
def test_a_value_of_another_type_in_redis(tmp_path: Path, index: LoopbackIndex) -> None:
    """It is as if absent, a key that is no text is not the mirror's, and the repair that is printed removes what it can."""
    client = pytest.importorskip("redis").Redis
    (tmp_path / "redis").mkdir()
    with RedisServer(tmp_path / "redis") as redis:
        environment = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIPX_PARALLEL_INDEX_URL": index.url,
                       "PIPX_PARALLEL_MIRROR": redis.url, "HOME": str(tmp_path)}  # fmt: skip

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "pipx_parallel", *arguments]
            return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)

        warm = ("mirror", "warm", "--depth", "closure", "--packages", "app")
        assert run(*warm).returncode == 0
        with client.from_url(redis.url) as connection:
            for key in list(connection.scan_iter()):
                if connection.type(key) == b"string":
                    connection.delete(key)
                    connection.rpush(key, "x")
            connection.rpush("pipx-parallel:zz", "x")
            connection.set(b"pipx-parallel:v/\xff\xfe", "x")

        assert run("lock", "--offline", "--packages", "app").returncode == 4
        assert run("mirror", "doctor").returncode == 6
        assert run("mirror", "doctor", "--repair").returncode == 0
        assert run("mirror", "doctor").returncode == 0
        assert run(*warm).returncode == 0
        assert run("mirror", "verify", "--packages", "app").returncode == 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount")
def test_a_disk_that_is_full_and_emptied(tmp_path: Path, index: LoopbackIndex) -> None:
    """/healthz and pages say so, and when there is space again new projects are stored."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.decode()}")
    try:
        server = Served(tmp_path, index, "--mirror", str(disk / "m"), warm=())
        lines = drained(server)
        try:
            assert server.get("/simple/app/")[0] == 200
            fill(disk / "filler")
            wait_for(lambda: server.get("/healthz")[0] == 503)
            assert b"full" in server.get("/healthz")[2]
            assert server.get("/simple/late/")[0] in {200, 503}
            doctor = server.run("mirror", "doctor", "--mirror", str(disk / "m"))
            assert doctor.returncode == 0, doctor.stderr  # a full disk is no damage
            assert [
                word for word in ("warning: only", "free", "no record is damaged") if word not in doctor.stderr
            ] == []
            (disk / "filler").unlink()
            wait_for(lambda: server.get("/healthz")[0] == server.get("/simple/late/")[0] == 200)
            wait_for(
                lambda: (
                    server.run("lock", "--offline", "--packages", "late", "--mirror", str(disk / "m")).returncode == 0
                )
            )
        finally:
            code = ended(server)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
    assert code == 0, lines
    assert "Traceback" not in "".join(lines)


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 16)):
                pass
        except OSError:
            pass
