"""A fleet on one Redis mirror: many processes at once, and the server killed in between."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.redis_server import AVAILABLE, RedisServer

redis_store = pytest.importorskip("mirror.store.redis", reason="the extra [redis] is not installed")
pytestmark = pytest.mark.skipif(not AVAILABLE, reason="redis-server is not installed")

PROCESSES = 8
PROJECTS = 12


def test_many_processes_warm_one_mirror_while_its_server_is_killed(tmp_path: Path) -> None:
    """Nothing is lost, nothing is there twice, and every process ends well."""
    projects = {
        f"p{number}": [wheel(f"p{number}", "1.0", [f"p{number + 1}"] if number < PROJECTS - 1 else [])]
        for number in range(PROJECTS)
    }
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PIPX_PARALLEL_"))},
        "PIP_CONFIG_FILE": os.devnull, "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }  # fmt: skip
    (tmp_path / "data").mkdir()
    with LoopbackIndex(projects) as index, RedisServer(tmp_path / "data") as server:
        command = [sys.executable, "-m", "pipx_parallel", "mirror", "warm", "--packages", "p0", "--mirror", server.url,
                   "--index-url", index.url]  # fmt: skip
        running = [
            subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, cwd=tmp_path) for _ in range(PROCESSES)
        ]
        time.sleep(0.6)
        server.kill()
        time.sleep(0.2)
        server.start()
        ended = [(process.communicate(timeout=90)[1].decode(), process.returncode) for process in running]

        assert [code for _, code in ended] == [0] * PROCESSES, ended
        store = redis_store.RedisStore(server.url)
        names = [key.rpartition("/")[2] for key, _ in store.scan("v/")]
        store.close()
        assert sorted(names) == sorted(projects)
        locked = subprocess.run(
            [*command[:3], "resolve", "--packages", "p0", "--mirror", server.url, "--index-url", index.url, "--offline"],
            capture_output=True, text=True, check=False, env=environment, cwd=tmp_path, timeout=60,
        )  # fmt: skip
        assert locked.returncode == 0, locked.stderr
        assert locked.stdout.count("==1.0") == PROJECTS
