"""The site for nginx in docs/fleet.md, run by a real nginx: pages, ranges, and what caches may keep."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace

pytestmark = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str, Path]]:
    """Serve a folder; return it, its address and the log of requests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    folder, run = tmp_path / "site", tmp_path / "nginx"
    folder.mkdir()
    run.mkdir()
    tmp_path.chmod(0o755)
    text = (DOCS / "fleet.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```nginx\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    block = block.replace("8080", f"127.0.0.1:{port}").replace("/srv/mirror;", f"{folder};")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {run}/{kind};" for kind in kinds)
    log = run / "access.log"
    (run / "nginx.conf").write_text(
        f"daemon off; pid {run}/pid; error_log {run}/error.log; events {{}} http {{ access_log {log}; {temporary} {block} }}"
    )
    with subprocess.Popen(
        ["nginx", "-c", str(run / "nginx.conf"), "-g", "user root;"], stderr=subprocess.DEVNULL
    ) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            _wait(port)
            yield folder, url, log
        finally:
            process.terminate()


def _wait(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("nginx did not start")


def test_a_mirror_behind_nginx(site: tuple[Path, str, Path], tmp_path: Path, index: LoopbackIndex) -> None:
    """The lock is the mirror's own; the packs are read in ranges and may be kept for ever."""
    folder, url, log = site
    user = Workspace(tmp_path, index.url)
    assert user.run("mirror", "warm", "--packages", "app").code == 0
    assert user.run("mirror", "publish", str(folder)).code == 0
    expected = user.run("lock", "--packages", "app", "-o", "-", "--offline")
    log.write_text("")

    ran = user.run("lock", "--packages", "app", "-o", "-", "--mirror", url)

    assert (ran.code, ran.out) == (0, expected.out), ran.err
    rows = [line.split('"')[1:3] for line in log.read_text().splitlines()]
    assert [(row[0].split("/")[1].split()[0], row[1].split()[0]) for row in rows] == [
        ("index.zst", "200"),
        ("packs", "206"),
    ]
    (pack,) = folder.glob("packs/*")
    for path, expected_cache in (
        (f"packs/{pack.name}", "immutable"),
        ("index.zst", "no-cache"),
        ("simple/app/", "no-cache"),
    ):
        with urllib.request.urlopen(f"{url}/{path}") as response:
            assert expected_cache in response.headers["Cache-Control"], path
