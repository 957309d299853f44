"""The command as its users meet it: a process, an index on loopback, an empty mirror."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve an index that is empty but for one chain: app needs lib, lib needs base."""
    projects = {
        "app": [wheel("app", "1.0", ["lib"]), wheel("app", "2.0", ["lib>=1"])],
        "lib": [wheel("lib", "1.0"), wheel("lib", "2.0", ["base"], padding=300_000)],
        "base": [wheel("base", "1.0", padding=300_000)],
    }
    with LoopbackIndex(projects) as served:
        yield served


@pytest.fixture
def workspace(tmp_path: Path, index: LoopbackIndex) -> Workspace:
    """Make a workspace whose environment names the loopback index."""
    return Workspace(tmp_path, index.url)
