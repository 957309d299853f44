"""A policy holds for what a build installs: it is refused, or another release is taken; pip never decides."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dists import Dist, sdist, wheel
from tests.support.index_pages import MODERN
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace

LOCK = ("lock", "r.in", "-o", "pylock.toml")
GPL = ["License-Expression: GPL-3.0-only"]


def tool(version: str, **more: object) -> Dist:
    """Return a wheel of what the build needs."""
    return wheel("tool", version, headers=GPL if version == "2.0" else ["License-Expression: MIT"])._replace(**more)  # type: ignore[arg-type]  # fields of a Dist


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve app, which must be built with tool; tool 2.0 has every fault that a policy may name."""
    projects = {
        "app": [sdist("app", "1.0", static=False, build_requires=["tool"])],
        "tool": [tool("1.0", provenance="https://index.example/p"), tool("2.0", yanked="bad")],
    }
    with LoopbackIndex(projects, MODERN._replace(statuses={"old": "archived"})) as served:
        yield served


@pytest.fixture
def workspace(tmp_path: Path, index: LoopbackIndex) -> Workspace:
    """Make a workspace with a list that needs a build, and a mirror with an advisory for tool 2.0."""
    workspace = Workspace(tmp_path, index.url)
    workspace.write("r.in", "app\n")
    affected = {
        "package": {"ecosystem": "PyPI", "name": "tool"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2"}]}],
    }
    with zipfile.ZipFile(workspace.folder / "all.zip", "w") as archive:
        archive.writestr("X-1.json", json.dumps({"id": "X-1", "affected": [affected]}))
    assert workspace.run("mirror", "advisories", "update", "all.zip").code == 0
    return workspace


def installed(index: LoopbackIndex) -> list[str]:
    """Return the files of tool that were fetched, METADATA apart."""
    return [path.rpartition("/")[2] for path in index.paths("/files/tool/*") if not path.endswith(".metadata")]


@pytest.mark.parametrize(
    "words",
    [
        ("--yanked", "refuse"),
        ("--provenance", "no-downgrade"),
        ("--advisories", "refuse"),
        ("--uploaded-prior-to", "P7D", "--yanked", "refuse"),
    ],
)
def test_another_release_is_installed(workspace: Workspace, index: LoopbackIndex, words: tuple[str, ...]) -> None:
    """The newest that the policy admits."""
    index.publish_page(
        "tool",
        [
            tool("1.0", provenance="https://index.example/p"),
            tool("2.0", yanked="bad" if "--yanked" in words else False),
        ],
    )

    ran = workspace.run(*LOCK, *words)

    assert ran.code == 0, ran.err
    assert installed(index) == ["tool-1.0-py3-none-any.whl"]


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("--deny-project", "tool"), "deny"),
        (("--deny-licence", "MIT", "--policy-exception", "app licences"), "licences"),
        (("--provenance", "required", "--policy-exception", "app provenance"), "provenance"),
    ],
)
def test_a_refusal_is_an_error_of_the_build(
    workspace: Workspace, index: LoopbackIndex, words: tuple[str, ...], rule: str
) -> None:
    """With the rule; pip is not started in its place, and the failure is not remembered for runs without a policy."""
    if rule == "provenance":
        index.publish_page("tool", [tool("1.0")])

    ran = workspace.run(*LOCK, *words)

    assert ran.code == 1, ran.err
    assert "what the build needs (tool) is refused by the policy" in ran.err
    assert f"policy: {rule}" in ran.err, ran.err
    assert installed(index) == []
    assert workspace.run(*LOCK).code == 0


def test_what_cannot_be_checked_is_refused_with_the_way_out(workspace: Workspace, index: LoopbackIndex) -> None:
    """By options of pip that only pip knows; a cutoff alone is left to pip, and without isolation nothing is installed."""
    environment = {"PIP_PREFER_BINARY": "1"}
    ran = workspace.run(*LOCK, "--yanked", "refuse", environment=environment)
    assert (ran.code, "cannot be checked against the policy here" in ran.err) == (1, True), ran.err
    assert installed(index) == []

    assert workspace.run(*LOCK, "--yanked", "refuse", "--no-build-isolation", environment=environment).code == 0
    assert installed(index) == []
