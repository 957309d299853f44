"""Licences of a lock: shown, in reports and bills of materials, and checked by a policy wherever it holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dists import sdist, wheel
from tests.support.index_server import LoopbackIndex
from tests.support.served import Served
from tests.support.workspace import Workspace

GPL = "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)"


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve app, which needs lib and, by an extra, source; silent states no licence."""
    projects = {
        "app": [
            wheel(
                "app", "1.0", ["lib"], {"more": ["source", "built"]}, headers=["License-Expression: mit OR apache-2.0"]
            )
        ],
        "lib": [wheel("lib", "1.0", headers=["License: MIT"]), wheel("lib", "2.0", headers=[GPL])],
        "source": [sdist("source", "1.0", headers=["License: Apache 2.0"])],
        "built": [sdist("built", "1.0", static=False, headers=["License: BSD"])],
        "silent": [wheel("silent", "1.0")],
    }
    with LoopbackIndex(projects) as served:
        yield served


@pytest.fixture
def workspace(tmp_path: Path, index: LoopbackIndex) -> Workspace:
    """Make a workspace with one list that needs everything."""
    workspace = Workspace(tmp_path, index.url)
    workspace.write("r.in", "app[more]\nsilent\n")
    return workspace


EXPECTED = {
    "app": "MIT OR Apache-2.0",
    "built": "LicenseRef-BSD",
    "lib": "LicenseRef-GPL-3.0",
    "silent": "",
    "source": "Apache-2.0",
}


def test_they_are_shown_and_reported(workspace: Workspace) -> None:
    """In the tree, in its table, in the JSON report and in the bill of materials; offline they are the same."""
    pytest.importorskip("cyclonedx", reason="the extra [sbom] is not installed")
    shown = workspace.run("tree", "r.in", "--licences")
    assert "app[more] 1.0 [MIT OR Apache-2.0] (app[more]" in shown.out, shown.err
    assert "lib 2.0 [LicenseRef-GPL-3.0] (lib)" in shown.out
    assert "silent 1.0 [no licence stated]" in shown.out
    assert shown.out.splitlines()[-1].split() == ["none", "stated", "1", "silent"]

    assert workspace.run("lock", "r.in", "--offline", "-o", "report.json", "-o", "bill.cdx.json").code == 0
    pins = json.loads(workspace.read("report.json"))["targets"][0]["pins"]
    assert {pin["name"]: pin["licence"] for pin in pins} == EXPECTED
    components = json.loads(workspace.read("bill.cdx.json"))["components"]
    licences = {row["name"]: row.get("licenses") for row in components}
    assert licences["app"] == [{"expression": "MIT OR Apache-2.0"}]
    assert licences["lib"] == [{"license": {"name": "LicenseRef-GPL-3.0"}}]
    assert licences["built"] == [{"license": {"name": "LicenseRef-BSD"}}]
    assert licences["silent"] is None


def test_a_policy_refuses_with_the_path(workspace: Workspace) -> None:
    """Exit code 1 and every path to what is refused; an exception for the release admits it."""
    words = ("lock", "r.in", "-o", "pylock.toml", "--deny-licence", "GPL-*")
    ran = workspace.run(*words, "--unknown-licence", "allow")
    assert ran.code == 1, ran.err
    assert (
        "lib 2.0 has the licence LicenseRef-GPL-3.0, which the policy denies (any of GPL-3.0-only, GPL-3.0-or-later)"
        in ran.err
    )
    assert "r.in:1: app[more] → app 1.0: lib" in ran.err

    exception = ("--policy-exception", "lib==2.0 licences")
    ran = workspace.run(*words, *exception)
    assert (ran.code, "silent 1.0 states no licence (policy: licences)" in ran.err) == (1, True), ran.err
    assert workspace.run(*words, *exception, "--unknown-licence", "allow").code == 0
    allowed = [word for name in ("MIT", "Apache-2.0", "LicenseRef-BSD") for word in ("--allow-licence", name)]
    ran = workspace.run("lock", "--packages", "app[more],lib<2", "-o", "pylock.toml", *allowed)
    assert ran.code == 0, ran.err


def test_pages_show_what_the_policy_admits(tmp_path: Path, workspace: Workspace, index: LoopbackIndex) -> None:
    """Of releases whose METADATA is in the mirror; the others cannot be checked, and are refused with the way out."""
    pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")
    assert workspace.run("mirror", "warm", "r.in").code == 0
    explained = workspace.run("policy", "explain", "lib", "--deny-licence", "GPL-*").out
    assert explained.splitlines()[0] == (
        "2.0  refused by licences: it has the licence LicenseRef-GPL-3.0, which the policy denies "
        "(any of GPL-3.0-only, GPL-3.0-or-later)"
    )
    server = Served(tmp_path, index, "--deny-licence", "GPL-*", warm=("lib<2",))
    try:
        server.run("mirror", "warm", "--packages", "lib")
        _, _, body = server.get("/simple/lib/", Accept="application/vnd.pypi.simple.v1+json")
        assert [row["filename"] for row in json.loads(body)["files"]] == ["lib-1.0-py3-none-any.whl"]
        status, _, body = server.get("/files/silent/silent-1.0-py3-none-any.whl")
        assert (status, b"cannot be checked against licences" in body) == (403, True), body
    finally:
        server.stop()
