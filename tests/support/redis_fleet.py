"""Redis as fleets run it, on loopback, with real servers: a master with a replica and a sentinel, and a cluster."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import redis

from tests.support.redis_server import RedisServer, free_port

_PATIENCE = 60.0  # seconds
SERVICE = "mirror"


class Sentinels:
    """A master, a replica and a sentinel that makes the replica the master when the first is gone."""

    def __init__(self, master: RedisServer, sentinel_port: int) -> None:
        """Take what runs."""
        self.master = master
        self.url = f"redis+sentinel://127.0.0.1:{sentinel_port}/{SERVICE}/0"
        self._sentinel = _client(sentinel_port)

    def master_port(self) -> int:
        """Return the port of the present master, as the sentinel knows it."""
        return int(self._sentinel.sentinel_get_master_addr_by_name(SERVICE)[1])

    def close(self) -> None:
        """Close the connection."""
        self._sentinel.close()


@contextmanager
def sentinels(folder: Path) -> Iterator[Sentinels]:
    """Run a master, a replica of it, and a sentinel."""
    for name in ("master", "replica", "sentinel"):
        (folder / name).mkdir(parents=True)
    with ExitStack() as stack:
        master = stack.enter_context(RedisServer(folder / "master"))
        replica = stack.enter_context(RedisServer(folder / "replica", "--replicaof", f"127.0.0.1 {master.port}"))
        with contextlib.closing(_client(replica.port)) as client:
            _wait(lambda: client.info("replication")["master_link_status"] == "up")
        port = free_port()
        (folder / "sentinel" / "sentinel.conf").write_text(
            f"port {port}\nbind 127.0.0.1\ndir {folder / 'sentinel'}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {master.port} 1\n"
            f"sentinel down-after-milliseconds {SERVICE} 1000\nsentinel failover-timeout {SERVICE} 5000\n",
            encoding="utf-8",
        )
        command = ["redis-server", str(folder / "sentinel" / "sentinel.conf"), "--sentinel"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(process.wait)
        stack.callback(process.kill)
        running = stack.enter_context(contextlib.closing(Sentinels(master, port)))
        with contextlib.closing(_client(port)) as client:
            _wait(lambda: int(client.sentinel_master(SERVICE)["num-slaves"]) == 1)
        yield running


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Run a cluster of three nodes; yield its URL."""
    with ExitStack() as stack:
        ports = []
        for number in range(3):
            data = folder / str(number)
            data.mkdir(parents=True)
            options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", "5000")
            ports.append(stack.enter_context(RedisServer(data, *options)).port)
        nodes = [f"127.0.0.1:{port}" for port in ports]
        subprocess.run(
            ["redis-cli", "--cluster", "create", *nodes, "--cluster-yes"], check=True, capture_output=True, timeout=60
        )
        with contextlib.closing(_client(ports[0])) as client:
            _wait(lambda: client.cluster("INFO")["cluster_state"] == "ok")
        yield f"redis+cluster://{','.join(nodes)}"


def _client(port: int) -> Any:
    return redis.Redis(port=port, decode_responses=True)


def _wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(redis.exceptions.RedisError, KeyError):
            if condition():
                return
        time.sleep(0.05)
    raise RuntimeError("the servers did not start")
