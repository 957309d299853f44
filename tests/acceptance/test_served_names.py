"""Names that clients of ``mirror serve`` send: a name is a name, never a path, a query or a header."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.served import Served

pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")

NAMES = (
    "foo%3Fq=1", "foo%252Fbar%252Fbaz", "foo%2Fbar", "caf%C3%A9", "%00", "a%20b", "..%2F..%2Fadmin", "%2e%2e", "-x", "x-",
    "%0d%0aX", "a%23b", "a%40b", "a%5Cb", "a%3Bb",
)  # fmt: skip


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Give a server that asks its index."""
    with LoopbackIndex({"app": [wheel("app", "1.0")]}) as index:
        server = Served(tmp_path, index, warm=())
        yield server
        server.stop()


def test_what_is_no_name_asks_no_index(served: Served) -> None:
    """Not found, at once; nothing is stored, nothing is damaged, and the server goes on."""
    for name in NAMES:
        for path in (f"/simple/{name}/", f"/simple/{name}", f"/files/{name}/a-1.0-py3-none-any.whl.metadata"):
            assert (path, served.get(path)[0]) == (path, 404)

    assert served.index.paths() == []
    assert served.get("/simple/App/")[0] == 301
    assert served.get("/simple/app/")[0] == 200
    served.stop()
    assert served.run("mirror", "doctor").returncode == 0
