"""Sidecars that ``mirror serve`` offers: byte for byte what the wheel has, for each wheel its own, or none."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror.records.metadata_texts import unpack_texts
from mirror.session.open_store import open_store
from tests.support.dists import Dist, wheel
from tests.support.index_pages import BARE, HTML_ONLY, MODERN, SPARSE_JSON, Flavour
from tests.support.index_server import LoopbackIndex
from tests.support.served import Served

pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")

JSON = "application/vnd.pypi.simple.v1+json"


def _built(dist: Dist, build: str) -> Dist:
    return dist._replace(filename=dist.filename.replace("-py3", f"-{build}-py3"))


PROJECTS = {
    "app": [
        wheel("app", "1.0", ["lib"]),
        wheel("app", "2.0", ["lib ; extra == 'undeclared'"], {"empty": [], "fast": ["lib"]}),
    ],
    "lib": [
        _built(wheel("lib", "1.0", ["low"]), "1"),
        _built(wheel("lib", "1.0", ["high"]), "10"),
        _built(wheel("lib", "1.0", []), "2"),
    ],
    "high": [wheel("high", "1.0")],
    "low": [wheel("low", "1.0")],
}


@pytest.fixture(params=[MODERN, SPARSE_JSON, HTML_ONLY, BARE], ids=["advertised", "silent", "html", "bare"])
def index(request: pytest.FixtureRequest) -> Iterator[LoopbackIndex]:
    """Serve wheels whose METADATA cannot be made again from what they need, by indexes of several kinds."""
    flavour: Flavour = request.param
    with LoopbackIndex(PROJECTS, flavour) as served:
        yield served


@pytest.fixture
def served(tmp_path: Path, index: LoopbackIndex) -> Iterator[Served]:
    """Give a server that fills itself on a miss, over a mirror that a lock has filled."""
    server = Served(tmp_path, index)
    yield server
    server.stop()


def test_every_sidecar_is_that_of_its_wheel(served: Served) -> None:
    """Extras that add nothing, extras that are not declared, three builds that differ, and the prose."""
    for dist in (*PROJECTS["app"], *PROJECTS["lib"]):
        status, _, body = served.get(f"/files/{dist.name}/{dist.filename}.metadata")
        assert (status, body) == (200, dist.metadata)


def test_pip_installs_what_the_server_serves(served: Served, tmp_path: Path) -> None:
    """It compares each sidecar with its wheel, and takes the highest build."""
    ran = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--target", str(tmp_path / "site"), "-i", f"{served.url}/simple/", "app[fast]"],
        capture_output=True, text=True, check=False, env=served.environment, timeout=120,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "site" / "high.py").exists()


def test_a_lock_reads_the_build_that_pip_installs(served: Served) -> None:
    """Of several builds of a wheel the highest is installed."""
    ran = served.run("resolve", "--packages", "lib", "--format", "requirements")

    assert "high==1.0" in ran.stdout
    assert "low" not in ran.stdout


def test_offline_only_what_is_held_is_offered(tmp_path: Path, index: LoopbackIndex) -> None:
    """Of other wheels a client reads the wheel itself."""
    server = Served(tmp_path, index, "--offline")
    try:
        page = json.loads(server.get("/simple/app/", Accept=JSON)[2])
        assert {file["filename"]: file.get("core-metadata") for file in page["files"]} == {
            "app-1.0-py3-none-any.whl": None,
            "app-2.0-py3-none-any.whl": True,
        }
        assert server.get("/files/app/app-2.0-py3-none-any.whl.metadata")[2] == PROJECTS["app"][1].metadata
        assert server.get("/files/app/app-1.0-py3-none-any.whl.metadata")[0] == 404
    finally:
        server.stop()


def test_a_mirror_without_metadata_fetches_it(tmp_path: Path, index: LoopbackIndex) -> None:
    """As it was filled by an earlier version: what wheels need is known, their METADATA is not."""
    server = Served(tmp_path, index)
    server.stop()
    store = open_store(str(tmp_path / "m"))
    assert store.delete_many([key for key, _ in store.scan("t/")])
    store.close()
    server = Served(tmp_path, index, warm=())
    try:
        assert server.get("/files/app/app-2.0-py3-none-any.whl.metadata")[2] == PROJECTS["app"][1].metadata
    finally:
        server.stop()


def test_metadata_travels_in_a_snapshot(served: Served, tmp_path: Path) -> None:
    """Exported and imported, the other mirror offers the same sidecars."""
    assert served.run("mirror", "export", "x.snap").returncode == 0
    assert served.run("mirror", "import", "x.snap", "--mirror", str(tmp_path / "other")).returncode == 0
    assert served.run("mirror", "doctor", "--mirror", str(tmp_path / "other")).returncode == 0

    store = open_store(str(tmp_path / "other"))
    texts = [unpack_texts(record) for record in store.get_many([key for key, _ in store.scan("t/")]).values()]
    store.close()

    assert [text["app-2.0-py3-none-any.whl"] for text in texts if "app-2.0-py3-none-any.whl" in text] == [
        PROJECTS["app"][1].metadata
    ]
