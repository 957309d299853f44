"""Offline means offline: no network, no HTTP module, the same bytes."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace

OUTPUTS = ("pylock.toml", "locked.txt", "install.sh", "install.ps1", "report.json")
NAMESPACE = ("unshare", "-rn")
# Whoever loads one of these may talk to a network, or pays for being able to.
HTTP_MODULES = ("requests", "requests_cache", "urllib3", "http.client", "pycurl", "aiohttp", "ssl", "socket", "asyncio")
HEAVY_MODULES = ("click", "rich", "msgspec", "pip", "pip_requirements_parser")


def has_namespaces() -> bool:
    """Return whether a namespace without a network can be made here."""
    return shutil.which("unshare") is not None and subprocess.run([*NAMESPACE, "true"], check=False).returncode == 0


def filled(workspace: Workspace) -> dict[str, bytes]:
    """Lock while the index is there."""
    workspace.write("r.txt", "app\n")
    words = [word for name in OUTPUTS for word in ("-o", name)]
    ran = workspace.run("lock", "r.txt", *words)
    assert ran.code == 0, ran.err
    contents = {name: workspace.read(name) for name in OUTPUTS}
    for name in OUTPUTS:
        (workspace.folder / name).unlink()
    return contents


@pytest.mark.skipif(not has_namespaces(), reason="makes a Linux network namespace")
def test_without_any_route_the_bytes_are_the_same(workspace: Workspace, index: LoopbackIndex) -> None:
    """A network namespace in which not even loopback is up."""
    online, asked = filled(workspace), len(index.requests_seen)
    words = [word for name in OUTPUTS for word in ("-o", name)]

    ran = workspace.run("lock", "r.txt", *words, "--offline", before=NAMESPACE)

    assert (ran.code, ran.out) == (0, ""), ran.err
    assert {name: workspace.read(name) for name in OUTPUTS} == online
    assert len(index.requests_seen) == asked


@pytest.mark.skipif(not has_namespaces(), reason="makes a Linux network namespace")
def test_without_any_route_a_stale_mirror_answers_unasked(workspace: Workspace) -> None:
    """Not offline by flag, but by fact: the mirror is used, and a warning says how old it is."""
    online = filled(workspace)
    words = [word for name in OUTPUTS for word in ("-o", name)]

    ran = workspace.run("lock", "r.txt", *words, "--refresh", "--retries", "0", before=NAMESPACE)

    assert ran.code == 0, ran.err
    assert "answering from the mirror" in ran.err
    assert {name: workspace.read(name) for name in OUTPUTS} == online


@pytest.mark.parametrize("flags", [["--offline"], []])
def test_a_warm_lock_loads_no_http_module(workspace: Workspace, flags: list[str]) -> None:
    """With --offline and, while the mirror is fresh, without."""
    filled(workspace)

    ran = workspace.run("lock", "r.txt", "-o", "pylock.toml", *flags, environment={"PYTHONPROFILEIMPORTTIME": "1"})

    loaded = {line.rpartition("|")[2].strip() for line in ran.err.splitlines() if line.startswith("import time:")}
    assert ran.code == 0, ran.err
    assert "pipx_parallel.resolution.resolve" in loaded
    assert [name for name in (*HTTP_MODULES, *HEAVY_MODULES) if name in loaded] == []
