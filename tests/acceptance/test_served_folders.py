"""``mirror serve`` over folders of this machine: ``--find-links`` and ``file:`` indexes are served whole, files included."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.index_pages import SPARSE_JSON
from tests.support.index_server import LoopbackIndex
from tests.support.served import Served

pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")

APP = [wheel("app", "1.0"), wheel("app", "2.0")]


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve an index with one release of app, and one of evil whose file would be one of this machine."""
    with LoopbackIndex({"app": [wheel("app", "1.5")]}, SPARSE_JSON) as served:
        yield served


@pytest.fixture(params=["find-links", "file index", "file index with a page"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[str]]:
    """Give a folder with both wheels of app, and the options that name it."""
    if request.param == "find-links":
        folder = tmp_path / "wheels"
        options = ["--no-index", "--find-links", str(folder)]
    else:
        folder = tmp_path / "simple" / "app"
        options = ["--index-url", (tmp_path / "simple").as_uri()]
    folder.mkdir(parents=True)
    for dist in APP:
        (folder / dist.filename).write_bytes(dist.body)
    if request.param.endswith("page"):
        page = "".join(f'<a href="{dist.filename}">{dist.filename}</a>' for dist in APP)
        (folder / "index.html").write_text(page)
    return folder, options


def test_pip_installs_from_a_folder_that_is_served(
    folder: tuple[Path, list[str]], index: LoopbackIndex, tmp_path: Path
) -> None:
    """Page, hash, metadata and the file itself, under HEAD too; a file that is not listed is not sent."""
    server = Served(tmp_path, index, *folder[1], warm=())
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--no-cache-dir", "--disable-pip-version-check",
             "--index-url", f"{server.url}/simple/", "--target", str(tmp_path / "site"), "app"],
            capture_output=True, text=True, check=False, env=server.environment, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "site" / "app-2.0.dist-info").is_dir()
        sent = server.get("/files/app/app-1.0-py3-none-any.whl")[2]
        assert hashlib.sha256(sent).hexdigest() in server.get("/simple/app/")[2].decode()
        (tmp_path / "app-9.0-py3-none-any.whl").write_bytes(b"beside the folder")
        assert server.get("/files/app/app-9.0-py3-none-any.whl")[0] == 404
        assert server.get("/files/app/..%2fapp-9.0-py3-none-any.whl")[0] == 404
        (folder[0] / APP[0].filename).unlink()
        assert server.get("/files/app/app-1.0-py3-none-any.whl")[0] == 404
    finally:
        server.stop()


def test_an_index_and_a_folder_are_one_page(index: LoopbackIndex, tmp_path: Path) -> None:
    """What the index has is a redirect to it; what the folder has is sent."""
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / APP[1].filename).write_bytes(APP[1].body)
    server = Served(tmp_path, index, "--find-links", str(tmp_path / "wheels"), warm=())
    try:
        page = server.get("/simple/app/")[2].decode()
        of_index = server.get("/files/app/app-1.5-py3-none-any.whl")
        of_folder = server.get("/files/app/app-2.0-py3-none-any.whl")
    finally:
        server.stop()

    assert (">app-1.5" in page, ">app-2.0" in page) == (True, True), page
    assert (of_index[0], of_index[1]["location"]) == (302, f"{index.root}/files/app/app-1.5-py3-none-any.whl")
    assert (of_folder[0], of_folder[2]) == (200, APP[1].body)


def test_two_indexes_as_one_are_served(index: LoopbackIndex, tmp_path: Path) -> None:
    """With ``--index-strategy best-match`` a page lists the files of both."""
    with LoopbackIndex({"app": [wheel("app", "3.0")]}, SPARSE_JSON) as other:
        server = Served(tmp_path, index, "--index-strategy", "best-match", "--extra-index-url", other.url, warm=())
        try:
            page = server.get("/simple/app/")[2].decode()
            target = server.get("/files/app/app-3.0-py3-none-any.whl")[1]["location"]
        finally:
            server.stop()

    assert (">app-1.5" in page, ">app-3.0" in page) == (True, True), page
    assert target == f"{other.root}/files/app/app-3.0-py3-none-any.whl"
