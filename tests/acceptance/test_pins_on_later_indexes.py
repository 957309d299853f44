"""Exact pins are looked for on every index; for everything else the first index that has a project answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace


@pytest.fixture
def later(index: LoopbackIndex) -> Iterator[LoopbackIndex]:
    """Serve local builds and a release of their own beside the first index, which has plain builds that need base."""
    index.publish("torch", *[wheel("torch", version, ["base"]) for version in ("1.0", "2.0", "3.0")])
    builds = [wheel("torch", version) for version in ("1.5", "2.0", "2.0+cpu", "3.0+cpu", "4.0")]
    with LoopbackIndex({"torch": builds, "vision": [wheel("vision", "1.0", ["torch==2.0+cpu"])]}) as served:
        yield served


def test_a_pin_is_met_by_an_index_that_comes_later(workspace: Workspace, later: LoopbackIndex) -> None:
    """A local version, a release that only that index has, a constraint, the pin of a dependency; and again offline."""
    (workspace.folder / "c.txt").write_text("torch==2.0+cpu\n", encoding="utf-8")
    cases = {
        "torch==2.0+cpu": "2.0+cpu",
        "torch==1.5": "1.5",
        "torch==2.0": "2.0+cpu",
        "torch>1\n-c c.txt": "2.0+cpu",
        "vision": "2.0+cpu",
        "vision\ntorch>=1": "2.0+cpu",
    }
    for number, (text, version) in enumerate(cases.items()):
        workspace.write(f"{number}.in", f"--extra-index-url {later.url}\n{text}\n")
        online = workspace.run("lock", f"{number}.in", "-o", f"pylock.{number}.toml")
        assert online.code == 0, online.err
        assert workspace.pins(f"pylock.{number}.toml") == {"torch": version} | (
            {"vision": "1.0"} if "vision" in text else {}
        )
        lock = workspace.read(f"pylock.{number}.toml")
        assert f'index = "{later.url.rstrip("/")}"'.encode() in lock

        offline = workspace.run("lock", f"{number}.in", "-o", f"pylock.{number}.toml", "-U", "--offline")

        assert (offline.code, workspace.read(f"pylock.{number}.toml")) == (0, lock), offline.err


@pytest.mark.parametrize("text", ["torch", "torch>=2", "torch<2.1", "torch~=2.0"])
def test_without_a_pin_the_first_index_answers(workspace: Workspace, later: LoopbackIndex, text: str) -> None:
    """Neither higher releases nor local builds of a later index are taken, and what they need says nothing of the first's."""
    ran = workspace.lock(text, flags=["--extra-index-url", later.url])

    assert ran.code == 0, ran.err
    pins = workspace.pins()
    assert pins["torch"] in {"2.0", "3.0"}
    assert pins["base"] == "1.0"


def test_a_pin_changes_nothing_for_other_releases(workspace: Workspace, later: LoopbackIndex) -> None:
    """What the later index says of a release that the first has too is not believed, in this run and in the next."""
    assert workspace.lock("vision", flags=["--extra-index-url", later.url]).code == 0

    assert workspace.lock("torch===2.0").code == 0

    assert workspace.pins() == {"base": "1.0", "torch": "2.0"}


def test_the_pin_of_a_lock_is_kept(workspace: Workspace, later: LoopbackIndex) -> None:
    """A lock that holds a local build is not moved to the plain one; an upgrade takes what the first index has."""
    flags = ["--extra-index-url", later.url]
    assert workspace.lock("torch==2.0+cpu", flags=flags).code == 0

    workspace.write("r.txt", "torch\n")
    assert workspace.run("lock", "r.txt", "-o", "pylock.toml", *flags).code == 0
    assert workspace.pins() == {"torch": "2.0+cpu"}
    assert workspace.run("lock", "r.txt", "-o", "pylock.toml", "-U", *flags).code == 0
    assert workspace.pins() == {"base": "1.0", "torch": "3.0"}


def test_an_error_names_the_indexes_and_the_strategy(
    workspace: Workspace, index: LoopbackIndex, later: LoopbackIndex
) -> None:
    """What each has of the project that is asked for, and the option that decides."""
    ran = workspace.lock("torch>=3.5", flags=["--extra-index-url", later.url])
    none = workspace.lock("torch==9", flags=["--extra-index-url", later.url])

    assert (ran.code, none.code) == (1, 1)
    for error in (ran.err, none.err):
        assert index.url.rstrip("/") in error
        assert later.url.rstrip("/") in error
        assert "--index-strategy" in error
    assert "has 4.0" in ran.err
    assert "has none" in none.err
