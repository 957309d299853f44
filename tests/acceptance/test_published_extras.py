"""A client of a published mirror knows all that it needs from the index, also if the input asks for extras."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.folder_server import FolderServer, served_folder
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[FolderServer]:
    """Serve a folder."""
    with served_folder(tmp_path / "published") as served:
        yield served


def pins(workspace: Workspace, name: str) -> list[bytes]:
    """Return the lines of a lock that are no comments."""
    return [line for line in workspace.read(name).splitlines() if not line.strip().startswith(b"#")]


def test_a_first_lock_with_extras_takes_two_requests(
    workspace: Workspace, index: LoopbackIndex, folder: FolderServer
) -> None:
    """The index, and one for all shards: those of the extras of a root, and of the extras that these ask for."""
    index.publish("app", wheel("app", "1.0", ["base", "quick[more] ; extra == 'fast'"]))
    index.publish("quick", wheel("quick", "1.0", ["deep ; extra == 'more'"]))
    for name in ("base", "deep"):
        index.publish(name, wheel(name, "1.0"))
    workspace.write("r.in", "app[fast]\n")
    assert workspace.run("lock", "r.in", "-o", "first.txt").code == 0
    assert workspace.run("mirror", "publish", str(folder.path), "--no-pages").code == 0

    locked = workspace.run("lock", "r.in", "-o", "second.txt", "--mirror", folder.url)

    assert locked.code == 0, locked.err
    assert pins(workspace, "second.txt") == pins(workspace, "first.txt")
    assert [part.split("/")[1] for part in folder.asked] == ["index.zst", "packs"]
