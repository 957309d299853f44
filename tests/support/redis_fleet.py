"""Redis as fleets run it, on loopback, with real servers: a master with a replica and a sentinel, and a cluster."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import redis

from tests.support.redis_server import RedisServer, free_port

_PATIENCE = 60.0  # seconds
SERVICE = "mirror"


class Tls(NamedTuple):
    """The certificate of every server of a fleet, which is its own authority, and its key."""

    certificate: Path
    key: Path

    def options(self, port: int) -> dict[str, str]:
        """Return the options of a server that listens on this port with TLS, and speaks TLS to the others."""
        return {
            "tls-port": str(port), "tls-cert-file": str(self.certificate), "tls-key-file": str(self.key),
            "tls-ca-cert-file": str(self.certificate), "tls-auth-clients": "no", "tls-replication": "yes",
        }  # fmt: skip

    @property
    def query(self) -> str:
        """Return the query of a URL that trusts the certificate."""
        return f"?ssl_ca_certs={self.certificate}"


class Sentinels:
    """A master, a replica and a sentinel that makes the replica the master when the first is gone."""

    def __init__(self, master: RedisServer, sentinel_port: int, url: str, first_port: int) -> None:
        """Take what runs: the port of the sentinel without TLS, the URL for clients, and the first master's port for them."""
        self.master = master
        self.url = url
        self.first_port = first_port
        self._sentinel = _client(sentinel_port)

    def master_port(self) -> int:
        """Return the port of the present master, as the sentinel knows it."""
        return int(self._sentinel.sentinel_get_master_addr_by_name(SERVICE)[1])

    def close(self) -> None:
        """Close the connection."""
        self._sentinel.close()


@contextmanager
def sentinels(folder: Path, tls: Tls | None = None) -> Iterator[Sentinels]:
    """Run a master, a replica of it, and a sentinel; with TLS between all of them and their clients."""
    for name in ("master", "replica", "sentinel"):
        (folder / name).mkdir(parents=True)
    with ExitStack() as stack:
        master_tls, replica_tls, sentinel_tls = ({} if tls is None else tls.options(free_port()) for _ in range(3))
        master = stack.enter_context(RedisServer(folder / "master", *_words(master_tls)))
        master_port = int(master_tls.get("tls-port", master.port))
        follows = ("--replicaof", f"127.0.0.1 {master_port}")
        replica = stack.enter_context(RedisServer(folder / "replica", *follows, *_words(replica_tls)))
        with contextlib.closing(_client(replica.port)) as client:
            _wait(lambda: client.info("replication")["master_link_status"] == "up")
        port = free_port()
        lines = [
            f"port {port}", "bind 127.0.0.1", f"dir {folder / 'sentinel'}",
            *(f"{name} {value}" for name, value in sentinel_tls.items()),
            f"sentinel monitor {SERVICE} 127.0.0.1 {master_port} 1",
            f"sentinel down-after-milliseconds {SERVICE} 1000", f"sentinel failover-timeout {SERVICE} 5000",
        ]  # fmt: skip
        (folder / "sentinel" / "sentinel.conf").write_text("\n".join([*lines, ""]), encoding="utf-8")
        command = ["redis-server", str(folder / "sentinel" / "sentinel.conf"), "--sentinel"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(process.wait)
        stack.callback(process.kill)
        url = f"redis+sentinel://127.0.0.1:{port}/{SERVICE}/0"
        if tls is not None:
            url = f"rediss+sentinel://127.0.0.1:{sentinel_tls['tls-port']}/{SERVICE}/0{tls.query}"
        running = stack.enter_context(contextlib.closing(Sentinels(master, port, url, master_port)))
        with contextlib.closing(_client(port)) as client:
            _wait(lambda: int(client.sentinel_master(SERVICE)["num-slaves"]) == 1)
        yield running


@contextmanager
def cluster(folder: Path, tls: Tls | None = None) -> Iterator[str]:
    """Run a cluster of three nodes, with TLS between all of them and their clients; yield its URL."""
    with ExitStack() as stack:
        nodes = []
        for number in range(3):
            data = folder / str(number)
            data.mkdir(parents=True)
            options = ["--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", "5000"]
            secured = {} if tls is None else {**tls.options(free_port()), "tls-cluster": "yes"}
            server = stack.enter_context(RedisServer(data, *options, *_words(secured)))
            nodes.append(f"127.0.0.1:{secured.get('tls-port', server.port)}")
        trust = [] if tls is None else ["--tls", "--cacert", str(tls.certificate)]
        create = ["redis-cli", *trust, "--cluster", "create", *nodes, "--cluster-yes"]
        subprocess.run(create, check=True, capture_output=True, timeout=60)
        with contextlib.closing(_client(server.port)) as client:
            _wait(lambda: client.cluster("INFO")["cluster_state"] == "ok")
        yield f"redis+cluster://{','.join(nodes)}" if tls is None else f"rediss+cluster://{','.join(nodes)}{tls.query}"


def _words(options: Mapping[str, str]) -> list[str]:
    """Return options as words of a server's command line."""
    return [word for name, value in options.items() for word in (f"--{name}", value)]


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
