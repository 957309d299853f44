"""Same mirror, same input, same bytes out; and the same answer whatever the way to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.index_pages import HTML_ONLY, MODERN, SPARSE_JSON, Flavour
from tests.support.index_server import LoopbackIndex
from tests.support.layered_projects import ROOTS, layered_projects
from tests.support.workspace import Workspace

OUTPUTS = ("pylock.toml", "locked.txt", "install.sh", "install.ps1", "report.json")


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve the layered projects."""
    with LoopbackIndex(layered_projects()) as served:
        yield served


def outputs(workspace: Workspace, *flags: str, hash_seed: str = "0") -> dict[str, bytes]:
    """Lock from scratch into every format and return the bytes."""
    for name in OUTPUTS:
        (workspace.folder / name).unlink(missing_ok=True)
    workspace.write("r.txt", "\n".join([*ROOTS[:3], f"{ROOTS[3]}[more]"]) + "\n")
    words = [word for name in OUTPUTS for word in ("-o", name)]

    ran = workspace.run("lock", "r.txt", *words, *flags, environment={"PYTHONHASHSEED": hash_seed})

    assert (ran.code, ran.out) == (0, ""), ran.err
    return {name: workspace.read(name) for name in OUTPUTS}


def forget(workspace: Workspace) -> None:
    """Empty the mirror."""
    shutil.rmtree(workspace.mirror, ignore_errors=True)


def test_twice_gives_the_same_bytes(workspace: Workspace) -> None:
    """Cold, warm, offline, with another hash seed; and lock over its own outputs changes nothing."""
    cold = outputs(workspace, hash_seed="1")

    assert outputs(workspace, hash_seed="2") == cold
    assert outputs(workspace, "--offline", hash_seed="3") == cold
    assert outputs(workspace, "--refresh", hash_seed="4") == cold
    again = workspace.run("lock", "r.txt", *[word for name in OUTPUTS for word in ("-o", name)])
    assert again.code == 0, again.err
    assert {name: workspace.read(name) for name in OUTPUTS} == cold


@pytest.mark.parametrize("transport", ["curl", "requests"])
def test_workers_and_transports_change_nothing(workspace: Workspace, transport: str) -> None:
    """From an empty mirror each time."""
    results = []
    for workers in ("1", "3", "20"):
        forget(workspace)
        results.append(outputs(workspace, "--max-workers", workers, "--transport", transport, hash_seed="random"))

    assert results[0] == results[1] == results[2]


def test_the_order_of_arrival_changes_nothing(workspace: Workspace, index: LoopbackIndex) -> None:
    """Answers that come late, and ones that have to be asked for again."""
    prompt = outputs(workspace)
    forget(workspace)
    index.fail("/simple/p1-*", "hang", times=3, seconds=0.3)
    index.fail("/simple/p0-0/", "reset", times=1)
    index.fail("*/p2-3-*.metadata", times=2, status=500)

    assert outputs(workspace, "--max-workers", "7") == prompt


@pytest.mark.parametrize("flavour", [HTML_ONLY, SPARSE_JSON, MODERN._replace(sidecars="none", ranges="refuse")])
def test_the_kind_of_index_changes_no_pin(workspace: Workspace, index: LoopbackIndex, flavour: Flavour) -> None:
    """What is known of the files differs; what is chosen does not."""
    outputs(workspace)
    rich = workspace.pins()
    forget(workspace)
    index.flavour = flavour

    outputs(workspace)

    assert workspace.pins() == rich


def test_what_else_the_mirror_knows_changes_nothing(workspace: Workspace) -> None:
    """A mirror that has met other lists before gives the same lock."""
    fresh = outputs(workspace)
    forget(workspace)
    for names in ("data<5,cloud", "web<3", "p0-0<4,p1-1==2.0"):
        assert workspace.run("mirror", "warm", "--packages", names).code == 0

    assert outputs(workspace) == fresh


def test_where_the_mirror_is_changes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    """No path of this machine is written into an output."""
    here = outputs(workspace)

    assert outputs(workspace, "--mirror", str(tmp_path / "elsewhere" / "mirror")) == here
    assert [name for name, data in here.items() if str(tmp_path).encode() in data] == []
