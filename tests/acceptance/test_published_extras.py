"""A client of a published mirror knows all that it needs from the index, also if the input asks for extras."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves whole files, and notes their paths."""

    paths: list[str] = []  # noqa: RUF012 - of the one server of a test

    def do_GET(self) -> None:
        """Note the path."""
        self.paths.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the library
        """Print nothing."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Serve a folder; yield its path and its URL."""
    path = tmp_path / "published"
    path.mkdir()
    _Handler.paths.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, directory=str(path))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield str(path), f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def pins(workspace: Workspace, name: str) -> list[bytes]:
    """Return the lines of a lock that are no comments."""
    return [line for line in workspace.read(name).splitlines() if not line.strip().startswith(b"#")]


def test_a_first_lock_with_extras_takes_two_requests(
    workspace: Workspace, index: LoopbackIndex, folder: tuple[str, str]
) -> None:
    """The index, and one for all shards: those of the extras of a root, and of the extras that these ask for."""
    index.publish("app", wheel("app", "1.0", ["base", "quick[more] ; extra == 'fast'"]))
    index.publish("quick", wheel("quick", "1.0", ["deep ; extra == 'more'"]))
    for name in ("base", "deep"):
        index.publish(name, wheel(name, "1.0"))
    path, url = folder
    workspace.write("r.in", "app[fast]\n")
    assert workspace.run("lock", "r.in", "-o", "first.txt").code == 0
    assert workspace.run("mirror", "publish", path, "--no-pages").code == 0

    locked = workspace.run("lock", "r.in", "-o", "second.txt", "--mirror", url)

    assert locked.code == 0, locked.err
    assert pins(workspace, "second.txt") == pins(workspace, "first.txt")
    assert [part.split("/")[1] for part in _Handler.paths] == ["index.zst", "packs"]
