"""The files of docs/deployment: their commands are started as they stand there, as a user without rights."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import CHECKOUT
from tests.support.index_server import LoopbackIndex
from tests.support.redis_server import AVAILABLE, RedisServer, free_port
from tests.support.workspace import Workspace

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
FOLDER = CHECKOUT / "docs" / "deployment"
UNIT = FOLDER / "pipx-parallel-mirror.service"


def compose_services() -> dict[str, dict[str, Any]]:
    """Return the services of the compose file, merged as compose does."""
    services = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert isinstance(services, dict)
    return services


def replaced(words: Sequence[str], texts: Mapping[str, str]) -> list[str]:
    """Return a command with other addresses and paths."""
    command = list(words)
    for old, new in texts.items():
        assert [word for word in command if old in word], old
        command = [word.replace(old, new) for word in command]
    return command


def as_nobody(command: Sequence[str]) -> list[str]:
    """Return a command that runs as a user without rights, if such a user may run this Python."""
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs"]
    if os.geteuid() or shutil.which("setpriv") is None:
        return list(command)
    tried = subprocess.run(
        [*nobody, sys.executable, "-c", "import pipx_parallel, mirror.store.redis, uvicorn"],
        cwd="/",
        check=False,
        capture_output=True,
    )
    return [*nobody, *command] if tried.returncode == 0 else list(command)


@pytest.mark.parametrize("name", ["redis", "serve", "refresh"])
def test_every_container_has_a_read_only_root_and_no_rights(name: str) -> None:
    """A user other than root, no capability, and nothing to write but what is named."""
    service = compose_services()[name]

    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["user"].split(":")[0] != "0"
    assert "no-new-privileges:true" in service["security_opt"]
    assert service.get("volumes") == ["redis:/data"] or service.get("tmpfs") == ["/tmp"]  # noqa: S108 - as in the file
    assert name == "refresh" or service["healthcheck"]["test"][0] == "CMD"


@pytest.mark.skipif(not AVAILABLE, reason="redis-server is not installed")
def test_the_services_of_the_compose_file_work(tmp_path: Path) -> None:
    """Redis with its options, the server and its health check, then a refresh: all as the file has them."""
    services = compose_services()
    tmp_path.chmod(0o755)
    (tmp_path / "data").mkdir()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o777)
    redis = services["redis"]["command"]
    assert redis[0] == "redis-server"
    options = redis[1 : redis.index("--dir")]
    port = free_port()
    with LoopbackIndex({"app": []}) as index, RedisServer(tmp_path / "data", *options) as server:
        addresses = {"redis://redis:6379/0": server.url}
        workspace = Workspace(tmp_path, index.url)
        environment = workspace.environment | {
            "HOME": str(tmp_path / "tmp"),
            "XDG_CACHE_HOME": str(tmp_path / "tmp" / "cache"),
        }
        serve = replaced(services["serve"]["command"], {**addresses, "0.0.0.0": "127.0.0.1", "8765": str(port)})  # noqa: S104 - as in the file
        running = subprocess.Popen(
            as_nobody([sys.executable, "-m", "pipx_parallel", *serve]), env=environment, cwd="/", stderr=subprocess.PIPE
        )
        check = replaced(services["serve"]["healthcheck"]["test"][1:], {"8765": str(port)})
        try:
            healthy = _until_healthy([sys.executable, *check[1:]])
            refresh = as_nobody(
                [sys.executable, "-m", "pipx_parallel", *replaced(services["refresh"]["command"], addresses)]
            )
            refreshed = subprocess.run(refresh, env=environment, cwd="/", capture_output=True, text=True, check=False)
        finally:
            running.terminate()
            _, errors = running.communicate(timeout=30)

    assert healthy, errors
    assert refreshed.returncode == 0, refreshed.stderr
    assert b"Traceback" not in errors


def _until_healthy(check: list[str]) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if subprocess.run(check, capture_output=True, check=False).returncode == 0:
            return True
        time.sleep(0.2)
    return False


def test_the_unit_is_one_that_systemd_reads_and_its_command_serves(tmp_path: Path) -> None:
    """`systemd-analyze verify` says nothing of it, and what it starts answers."""
    text = UNIT.read_text(encoding="utf-8")
    (command,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    tmp_path.chmod(0o755)
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o777)
    port = free_port()
    words = replaced(command.split()[1:], {"8765": str(port), "/var/lib/pipx-parallel": str(state)})
    with LoopbackIndex({"app": []}) as index:
        environment = Workspace(tmp_path, index.url).environment | {"HOME": str(state), "XDG_CACHE_HOME": str(state)}
        running = subprocess.Popen(
            as_nobody([sys.executable, "-m", "pipx_parallel", *words]), env=environment, cwd="/", stderr=subprocess.PIPE
        )
        try:
            url = f"http://127.0.0.1:{port}/healthz"
            assert _until_healthy([sys.executable, "-c", f"import urllib.request; urllib.request.urlopen({url!r})"])
            with urllib.request.urlopen(url) as answer:
                assert answer.status == 200
        finally:
            running.terminate()
            running.communicate(timeout=30)
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: only the command of the unit was checked")
    there = tmp_path / UNIT.name
    there.write_text(text.replace("/opt/pipx-parallel/bin/pipx-parallel", sys.executable), encoding="utf-8")
    read = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(there)], capture_output=True, text=True, check=False
    )
    assert (read.returncode, [line for line in read.stderr.splitlines() if UNIT.name in line]) == (0, []), read.stderr
