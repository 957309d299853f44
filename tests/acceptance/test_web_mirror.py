"""A mirror on the web is a mirror: every command that reads one finds in it what the server or the folder holds."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.index_pages import SPARSE_JSON
from tests.support.index_server import LoopbackIndex
from tests.support.served import Served

pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve app and new, which both need lib, and unread, which nothing needs."""
    projects = {
        "app": [wheel("app", "1.0", ["lib"]), wheel("app", "2.0", ["lib"])],
        "lib": [wheel("lib", "1.0"), wheel("lib", "2.0")],
        "new": [wheel("new", "1.0", ["lib"])],
    }
    with LoopbackIndex(projects, SPARSE_JSON) as served:
        yield served


@pytest.fixture
def served(tmp_path: Path, index: LoopbackIndex) -> Iterator[Served]:
    """Give a server whose mirror holds app and lib, and which wants a token."""
    server = Served(tmp_path, index, token="s3krit")  # noqa: S106 - the test's own
    yield server
    server.stop()


def _client(server: Served) -> str:
    return server.url.replace("http://", "http://me:s3krit@")


def test_status_and_diff_see_what_a_server_holds(served: Served, tmp_path: Path) -> None:
    """Status counts its projects, releases and bytes; there is no difference to the mirror that is served."""
    shown = served.run("mirror", "status", "--mirror", _client(served), "--format", "json")
    counts = json.loads(shown.stdout)

    assert (counts["projects"], counts["releases"], counts["damaged"]) == (2, 4, [])
    assert counts["bytes_of_file_views"] > 0
    assert "s3krit" not in shown.stdout + shown.stderr
    assert _differences(served, _client(served), tmp_path / "m") == []


def test_an_export_of_a_server_is_that_of_its_mirror(served: Served, tmp_path: Path) -> None:
    """Also what a server offers as sidecars; the file locks elsewhere."""
    assert served.get("/files/app/app-2.0-py3-none-any.whl.metadata", Authorization="Bearer s3krit")[0] == 200
    served.run("mirror", "export", "own.snap", "--files", "all")

    done = served.run("mirror", "export", "web.snap", "--files", "all", "--mirror", _client(served))

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "web.snap").read_bytes() == (tmp_path / "own.snap").read_bytes()
    assert served.run("lock", "--packages", "app", "--mirror", str(tmp_path / "web.snap")).returncode == 0


def test_a_publication_of_a_server_has_its_pages(served: Served, tmp_path: Path) -> None:
    """Records, files and pages of both projects."""
    done = served.run("mirror", "publish", "public", "--mirror", _client(served))

    assert done.returncode == 0, done.stderr
    pages = sorted(path.parent.name for path in (tmp_path / "public" / "simple").glob("*/index.html"))
    assert pages == ["app", "lib"]
    assert len(list((tmp_path / "public" / "files").rglob("*.ppf"))) == 2


def test_doctor_checks_what_a_server_holds(served: Served, tmp_path: Path) -> None:
    """A record that a server sends damaged is found."""
    assert served.run("mirror", "doctor", "--mirror", _client(served)).returncode == 0
    with closing(sqlite3.connect(tmp_path / "m" / "cache.db")) as database, database:
        database.execute("UPDATE Cache SET value = zeroblob(40), filename = NULL WHERE key LIKE 'f/%app'")

    checked = served.run("mirror", "doctor", "--mirror", _client(served))

    assert checked.returncode == 6, checked.stdout + checked.stderr
    assert "app" in checked.stdout + checked.stderr


def test_a_server_fetches_what_a_client_of_its_records_lacks(served: Served, index: LoopbackIndex) -> None:
    """``lock --mirror http://…`` of a project that nobody asked for yet; the index is asked once, and offline never."""
    first = served.run("lock", "--packages", "new", "--mirror", _client(served))
    asked = len(index.paths("/simple/new/"))
    again = served.run("lock", "--packages", "new", "--mirror", _client(served))

    assert (first.returncode, again.returncode) == (0, 0), first.stderr
    assert first.stdout == again.stdout
    assert (asked, len(index.paths("/simple/new/"))) == (1, 1)
    missing = served.run("lock", "--packages", "no-such-project", "--mirror", _client(served))
    assert missing.returncode == 1, missing.stderr


@pytest.mark.parametrize("name", ["..%2f..%2fadmin", "app%3Fq=1", "APP", "a%20b"])
def test_a_request_for_records_names_projects_only(served: Served, index: LoopbackIndex, name: str) -> None:
    """Nothing else reaches the index with the server's credentials."""
    before = len(index.requests_seen)
    served.get(f"/records?reach=1&index=0123456789ab&names={name}", Authorization="Bearer s3krit")

    assert len(index.requests_seen) == before


def test_an_offline_server_says_what_it_lacks(tmp_path: Path, index: LoopbackIndex) -> None:
    """Exit code 4, and the message names the mirror that lacks the project, not an option that was not given."""
    server = Served(tmp_path, index, "--offline")
    try:
        ran = server.run("lock", "--packages", "new", "--mirror", server.url)
    finally:
        server.stop()

    assert (ran.returncode, f"not in the mirror {server.url}" in ran.stderr) == (4, True), ran.stderr
    assert index.paths("/simple/new/") == []


def _differences(server: Served, *locations: object) -> list[object]:
    command = [sys.executable, "-m", "pipx_parallel", "mirror", "diff", *map(str, locations), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=server.environment, timeout=60)
    return list(json.loads(done.stdout))
