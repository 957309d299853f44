"""A mirror in Redis as fleets run it: TLS and ACL users, a database number, Sentinel, a cluster, and shared warming."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.redis_server import AVAILABLE, RedisServer, free_port
from tests.support.self_signed import self_signed
from tests.support.workspace import Workspace

redis_store = pytest.importorskip("mirror.store.redis", reason="the extra [redis] is not installed")
pytestmark = pytest.mark.skipif(not AVAILABLE, reason="redis-server is not installed")

from tests.support.redis_fleet import Tls, cluster, sentinels  # noqa: E402 - it imports redis

PROJECTS = 120
WORKERS = 6
KILLED = 2


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve app, which needs lib."""
    projects = {"app": [wheel("app", "1.0", ["lib"]), wheel("app", "2.0", ["lib"])], "lib": [wheel("lib", "1.0")]}
    with LoopbackIndex(projects) as served:
        yield served


@pytest.fixture
def workspace(tmp_path: Path, index: LoopbackIndex) -> Workspace:
    """Return a workspace."""
    return Workspace(tmp_path, index.url)


def check_mirror(workspace: Workspace, url: str) -> None:
    """Warm, then lock offline, look at the records, and delete them."""
    warmed = workspace.run("mirror", "warm", "--packages", "app", "--mirror", url)
    assert warmed.code == 0, warmed.err
    locked = workspace.run("lock", "--packages", "app", "-o", "-", "--mirror", url, "--offline")
    assert locked.code == 0, locked.err
    assert "app==2.0" in locked.out
    assert workspace.run("mirror", "verify", "--mirror", url).code == 0
    pruned = workspace.run("mirror", "prune", "--max-age", "0", "--mirror", url)
    assert pruned.code == 0, pruned.err
    assert "s3cret" not in warmed.err + locked.err + pruned.err


def test_tls_with_a_client_certificate_an_acl_user_and_a_database_number(tmp_path: Path, workspace: Workspace) -> None:
    """Everything is in the URL; without the certificate of the client, or with a wrong password, one clear error."""
    _, certificate = self_signed(tmp_path)
    key, port = tmp_path / "key.pem", free_port()
    (tmp_path / "data").mkdir()
    options = ["--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    options += ["--tls-ca-cert-file", str(certificate), "--tls-auth-clients", "yes"]
    options = [*options, "--user", "default", "off", "--user", "fleet", "on", ">s3cret/?", "~pipx-parallel:*", "+@all"]
    with RedisServer(tmp_path / "data", *options):
        host = f"@127.0.0.1:{port}/3"
        tls = f"?ssl_ca_certs={certificate}&ssl_certfile={certificate}&ssl_keyfile={key}&socket_timeout=5"
        check_mirror(workspace, f"rediss://fleet:s3cret%2F%3F{host}{tls}")
        refused = [
            workspace.run("resolve", "--packages", "app", "--mirror", url)
            for url in (
                f"rediss://fleet:wrong{host}{tls}",
                f"rediss://fleet:s3cret%2F%3F{host}?ssl_ca_certs={certificate}",
                f"rediss://fleet:s3cret%2F%3F{host}?socket_timeout=soon",
            )
        ]

    assert [ran.code for ran in refused] == [2, 2, 2], refused
    assert [ran.err for ran in refused if "s3cret" in ran.err or "wrong@" in ran.err or ran.err.count("\n") != 1] == []


def test_a_server_that_evicts_is_a_warning_with_a_remedy(tmp_path: Path, workspace: Workspace) -> None:
    """One line; none if only keys that expire are evicted, since no record does."""
    (tmp_path / "data").mkdir()
    with RedisServer(tmp_path / "data", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru") as server:
        evicting = workspace.run("resolve", "--packages", "app", "--mirror", server.url)
        subprocess.run(
            ["redis-cli", "-p", str(server.port), "config", "set", "maxmemory-policy", "volatile-lru"], check=True,
            capture_output=True,
        )  # fmt: skip
        harmless = workspace.run("resolve", "--packages", "app", "--mirror", server.url)

    assert (evicting.code, harmless.code) == (0, 0), evicting.err
    warning = f"warning: the Redis server of {server.url} evicts records when its memory is full"
    warning += " (maxmemory-policy allkeys-lru): set maxmemory-policy noeviction"
    assert [line for line in evicting.err.splitlines() if "warning" in line] == [warning]
    assert "warning" not in harmless.err


def tls_of(folder: Path) -> Tls:
    """Return a new certificate for loopback."""
    _, certificate = self_signed(folder)
    return Tls(certificate, folder / "key.pem")


@pytest.mark.parametrize("secured", [False, True])
def test_a_mirror_behind_sentinel_survives_a_failover(tmp_path: Path, workspace: Workspace, *, secured: bool) -> None:
    """The same URL leads to the new master, which has what the old one confirmed; with TLS everywhere, too."""
    with sentinels(tmp_path / "redis", tls_of(tmp_path) if secured else None) as servers:
        check_mirror(workspace, servers.url)
        assert workspace.run("mirror", "warm", "--packages", "app", "--mirror", servers.url).code == 0
        servers.master.kill()

        locked = workspace.run("lock", "--packages", "app", "-o", "-", "--mirror", servers.url, "--offline")

        assert locked.code == 0, locked.err
        assert servers.master_port() != servers.first_port
        wrong = workspace.run("resolve", "--packages", "app", "--mirror", servers.url.replace("/mirror/0", "/other/0"))
        assert (wrong.code, wrong.err.count("\n")) == (2, 1), wrong.err


@pytest.mark.parametrize("secured", [False, True])
def test_a_mirror_is_in_a_cluster(tmp_path: Path, workspace: Workspace, *, secured: bool) -> None:
    """All of its keys are in one hash slot, so its batches are transactions; with TLS everywhere, too."""
    with cluster(tmp_path / "redis", tls_of(tmp_path) if secured else None) as url:
        check_mirror(workspace, url)


@pytest.mark.parametrize("kind", ["sentinel", "cluster"])
def test_a_fleet_whose_certificate_is_not_trusted_is_refused(tmp_path: Path, workspace: Workspace, kind: str) -> None:
    """One line that names it."""
    tls = tls_of(tmp_path)
    with ExitStack() as stack:
        folder = tmp_path / "redis"
        url = (
            stack.enter_context(sentinels(folder, tls)).url
            if kind == "sentinel"
            else stack.enter_context(cluster(folder, tls))
        )
        ran = workspace.run("resolve", "--packages", "app", "--mirror", url.removesuffix(tls.query))

    assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
    assert url.removesuffix(tls.query).partition("://")[2].partition(",")[0] in ran.err


@pytest.mark.parametrize("fails_over", [False, True])
def test_warmers_share_a_list_and_take_over_from_those_that_are_killed(tmp_path: Path, *, fails_over: bool) -> None:
    """Every project is stored, and fetched once, except what a killed process had under way."""
    names = [f"p{number}" for number in range(PROJECTS)]
    with (
        LoopbackIndex({name: [wheel(name, "1.0")] for name in names}) as index,
        sentinels(tmp_path / "redis") as servers,
    ):
        workspace = Workspace(tmp_path, index.url)
        workspace.most_requests = WORKERS  # the processes are one run each
        workspace.write("names.txt", "\n".join(names))
        command = (
            "mirror",
            "warm",
            "--packages-file",
            "names.txt",
            "--shared",
            "--takeover",
            "2",
            "--mirror",
            servers.url,
        )
        running = [workspace.start(*command) for _ in range(WORKERS)]
        _wait_for(index, PROJECTS // 3)
        for process in running[:KILLED]:
            process.send_signal(signal.SIGKILL)
        if fails_over:
            servers.master.kill()
        ended = [(process.communicate(timeout=100)[1], process.returncode) for process in running]
        late = workspace.run(*command)
        offline = workspace.run("resolve", "--packages", ",".join(names), "--mirror", servers.url, "--offline")

    assert [code for _, code in ended[KILLED:]] == [0] * (WORKERS - KILLED), ended
    assert (late.code, offline.code) == (0, 0), late.err + offline.err
    assert "0 of them here" in late.err
    fetched = Counter(path for path in index.paths("/simple/*"))
    assert len(fetched) == PROJECTS
    again = sum(fetched.values()) - PROJECTS
    assert again <= 16 * (KILLED + (WORKERS if fails_over else 0)), fetched.most_common(5)


def _wait_for(index: LoopbackIndex, requests: int) -> None:
    until = time.monotonic() + 60
    while len(index.requests_seen) < requests and time.monotonic() < until:
        time.sleep(0.01)
