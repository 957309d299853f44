"""Wheel variants (PEP 825) are kept and listed, and a release that exists only as variants is named wherever it matters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dists import Dist, oddity, wheel
from tests.support.index_pages import MODERN
from tests.support.index_server import LoopbackIndex
from tests.support.served import Served
from tests.support.workspace import Workspace

WORDS = "exists only as wheel variants (PEP 825), which neither this tool nor pip installs"
JSON = "application/vnd.pypi.simple.v1+json"


def variant(name: str, version: str, label: str) -> Dist:
    """Return a wheel with a label."""
    return wheel(name, version, tags=f"py3-none-any-{label}")


def description(name: str, version: str, text: str = "{}") -> Dist:
    """Return the file that says what the labels of a release mean."""
    return oddity(name, f"{name}-{version}-variants.json", text.encode())


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve a project whose newest release exists only as variants, and one that has wheels beside its variants."""
    fast = [wheel("fast", "1.0"), variant("fast", "2.0", "x86_64_v3"), variant("fast", "2.0", "null")]
    both = [wheel("both", "1.0"), variant("both", "1.0", "cu12.8"), description("both", "1.0")]
    projects = {"fast": [*fast, description("fast", "2.0")], "both": both}
    with LoopbackIndex(projects, MODERN._replace(cache_control="max-age=0")) as served:
        yield served


@pytest.fixture
def workspace(tmp_path: Path, index: LoopbackIndex) -> Workspace:
    """Make a workspace whose environment names the loopback index."""
    return Workspace(tmp_path, index.url)


def test_a_lock_names_the_newer_release(workspace: Workspace) -> None:
    """By lock, --check, --diff, why and the report; a lock lists no variant and nothing that describes one."""
    locked = workspace.lock("fast", "both")
    assert (locked.code, workspace.pins()) == (0, {"fast": "1.0", "both": "1.0"})
    assert f"fast 1.0 is not the newest: 2.0 {WORDS}" in locked.err
    assert "both" not in locked.err
    assert "cu12.8" not in workspace.read("pylock.toml").decode()
    assert "variants.json" not in workspace.read("pylock.toml").decode()

    assert WORDS in workspace.run("lock", "r.txt", "-o", "pylock.toml", "--check").err
    shown = workspace.run("lock", "r.txt", "-o", "pylock.toml", "--diff", "--diff-format", "json")
    assert [(row["name"], row["kind"]) for row in json.loads(shown.out)["conditions"]] == [("fast", "newer-variants")]
    assert WORDS in workspace.run("why", "fast", "r.txt").out
    report = json.loads(workspace.run("lock", "r.txt", "--format", "json").out)
    kinds = {pin["name"]: [row["kind"] for row in pin["conditions"]] for pin in report["targets"][0]["pins"]}
    assert kinds == {"fast": ["newer-variants"], "both": []}


def test_no_solution_why_not_and_policy_explain_say_so(workspace: Workspace) -> None:
    """The reason is that of the release, not a missing wheel."""
    refused = workspace.lock("fast>=2")
    assert (refused.code, f"fast 2.0 {WORDS}" in refused.err) == (1, True)
    workspace.write("r.txt", "fast\n")
    why_not = workspace.run("why-not", "fast==2.0", "r.txt")
    assert (why_not.code, f"fast 2.0 {WORDS}" in why_not.out) == (1, True)
    explained = workspace.run("policy", "explain", "fast", "--uploaded-prior-to", "P7D")
    assert explained.out.splitlines() == [f"2.0  admitted; it {WORDS}", "1.0  admitted"]
    rows = json.loads(workspace.run("policy", "explain", "fast", "--format", "json").out)["releases"]
    assert [row["only-variants"] for row in rows] == [True, False]
    status = json.loads(workspace.run("mirror", "status", "--format", "json").out)
    assert status["only_as_variants"] == ["fast: 2.0"]


def test_a_description_that_changes_is_no_changed_file(workspace: Workspace, index: LoopbackIndex) -> None:
    """An index may write it again with each variant that is uploaded."""
    workspace.lock("both")
    page = [wheel("both", "1.0"), variant("both", "1.0", "cu12.8"), description("both", "1.0", '{"variants": {}}')]
    index.publish_page("both", page)
    again = workspace.run("lock", "r.txt", "-o", "pylock.toml", "--refresh")
    assert (again.code, "content changed" in again.err) == (0, False)


def test_served_pages_have_variants_and_their_description(tmp_path: Path, index: LoopbackIndex) -> None:
    """JSON, HTML, files and the page for people, with a policy and without; what it refuses has no description either."""
    pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")
    index.publish_page("young", [variant("young", "1.0", "v1")._replace(upload_time=None), description("young", "1.0")])
    for flags in ((), ("--uploaded-prior-to", "P7D", "--provenance", "no-downgrade")):
        folder = tmp_path / str(len(flags))
        folder.mkdir()
        server = Served(folder, index, *flags, warm=("fast",))
        try:
            page = json.loads(server.get("/simple/fast/", Accept=JSON)[2])
            assert page["versions"] == ["1.0", "2.0"]
            names = {file["filename"] for file in page["files"]}
            assert {"fast-2.0-py3-none-any-null.whl", "fast-2.0-variants.json"} < names
            assert b"fast-2.0-variants.json" in server.get("/simple/fast/")[2]
            assert server.get("/files/fast/fast-2.0-variants.json")[0] == 302
            assert b"(variants)" in server.get("/ui/projects/fast/")[2]
            young = json.loads(server.get("/simple/young/", Accept=JSON)[2])
            assert len(young["files"]) == (0 if flags else 2)
        finally:
            server.stop()
