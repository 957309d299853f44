"""Advisories offline: taken in from an export, compared with locks, avoided by locks."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace


def osv(identity: str, name: str, introduced: str, fixed: str, **more: object) -> dict[str, object]:
    """Return an OSV document."""
    events = [{"introduced": introduced}, *([{"fixed": fixed}] if fixed else [])]
    affected = {"package": {"ecosystem": "PyPI", "name": name}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}
    return {"id": identity, "summary": f"A hole in {name}", "affected": [affected], **more}


DOCUMENTS = [
    osv("GHSA-app", "app", "0", "1.2", aliases=["CVE-2024-1"], database_specific={"severity": "HIGH"}),
    osv("GHSA-lib", "lib", "1.5", "2.1"),
    osv("GHSA-gone", "lib", "0", "9", withdrawn="2024-01-01T00:00:00Z"),
    osv("GHSA-other", "other", "0", ""),
]


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve app, which needs lib, in several releases, and one project that no advisory names."""
    projects = {
        "app": [wheel("app", version, ["lib"]) for version in ("1.0", "1.1", "1.2", "2.0")],
        "lib": [wheel("lib", version) for version in ("1.0", "2.0", "2.1", "3.0")],
        "plain": [wheel("plain", "1.0"), wheel("plain", "2.0")],
    }
    with LoopbackIndex(projects) as served:
        yield served


@pytest.fixture
def workspace(tmp_path: Path, index: LoopbackIndex) -> Workspace:
    """Make a workspace with an old lock and an export of advisories."""
    workspace = Workspace(tmp_path, index.url)
    with zipfile.ZipFile(workspace.folder / "all.zip", "w") as archive:
        for document in DOCUMENTS:
            archive.writestr(f"{document['id']}.json", json.dumps(document))
        archive.writestr("broken.json", "{")
    workspace.write("old.in", "app==1.1\nlib==2.0\nplain==1.0\n")
    workspace.write("r.in", "app\nplain\n")
    assert workspace.run("mirror", "warm", "r.in").code == 0
    assert workspace.run("lock", "old.in", "-o", "pylock.toml").code == 0
    return workspace


def test_audit_lists_what_concerns_a_lock(workspace: Workspace) -> None:
    """With aliases, severity and fixed releases; withdrawn advisories do not count; exit code 7. No network is used."""
    assert workspace.run("audit", "--offline").code == 4
    updated = workspace.run("mirror", "advisories", "update", "all.zip")
    assert (updated.code, "3 advisory entries for 3 projects" in updated.err) == (0, True), updated.err
    assert "1 document of all.zip" in updated.err

    ran = workspace.run("audit", "--offline", before=("unshare", "-rn"))
    assert ran.code == 7, ran.err
    assert "app 1.1  GHSA-app (CVE-2024-1) HIGH: fixed in 1.2" in ran.out
    assert "lib 2.0  GHSA-lib: fixed in 2.1" in ran.out
    assert "GHSA-gone" not in ran.out
    assert ran.out.endswith("2 advisories for 2 packages\n")

    rows = json.loads(workspace.run("audit", "--format", "json").out)["vulnerabilities"]
    assert [(row["name"], row["id"], row["fixed"]) for row in rows] == [
        ("app", "GHSA-app", ["1.2"]),
        ("lib", "GHSA-lib", ["2.1"]),
    ]
    sarif = json.loads(workspace.run("audit", "--format", "sarif").out)
    assert [row["ruleId"] for row in sarif["runs"][0]["results"]] == ["GHSA-app", "GHSA-lib"]
    assert workspace.run("audit", "--ignore-advisory", "CVE-2024-1", "--ignore-advisory", "GHSA-lib").code == 0


def test_a_lock_that_avoids_them_moves_the_fewest_pins(workspace: Workspace) -> None:
    """What no advisory concerns keeps its pin; afterwards the audit is clean; what has no way out is explained."""
    assert workspace.run("mirror", "advisories", "update", "all.zip").code == 0

    shown = workspace.run("lock", "r.in", "-o", "pylock.toml", "--avoid-vulnerable", "--diff", "--diff-format", "json")
    assert sorted(row["name"] for row in json.loads(shown.out)["changes"]) == ["app", "lib"], shown.err
    assert workspace.run("lock", "r.in", "-o", "pylock.toml", "--avoid-vulnerable").code == 0
    assert workspace.run("audit").code == 0
    assert b'name = "plain"\nversion = "1.0"' in workspace.read("pylock.toml")

    refused = workspace.run("lock", "--packages", "app<1.2", "--avoid-vulnerable", "-o", "-")
    assert (refused.code, "is affected by GHSA-app (policy: advisories)" in refused.err) == (1, True), refused.err
    explained = workspace.run("policy", "explain", "app==1.0", "--advisories", "refuse")
    assert explained.out == "1.0  refused by advisories: it is affected by GHSA-app\n"


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_export_is_refused(workspace: Workspace, content: bytes) -> None:
    """With one line, and the advisories stay as they were."""
    assert workspace.run("mirror", "advisories", "update", "all.zip").code == 0
    (workspace.folder / "bad.zip").write_bytes(content)

    ran = workspace.run("mirror", "advisories", "update", "bad.zip")

    assert (ran.code, ran.err.count("\n"), "Traceback" in ran.err) == (5, 1, False), ran.err
    assert workspace.run("audit").code == 7
    assert workspace.run("mirror", "advisories", "update", "missing.zip").code == 2


def test_outdated_shows_what_the_lines_allow_and_what_holds(workspace: Workspace) -> None:
    """Current, wanted and newest, with advisories; what is the newest is left out."""
    assert workspace.run("mirror", "advisories", "update", "all.zip").code == 0
    workspace.write("r.in", "app<2\nlib\n")

    rows = json.loads(workspace.run("outdated", "r.in", "-o", "pylock.toml", "--format", "json").out)
    assert [(row["name"], row["current"], row["wanted"], row["newest"], row["advisories"]) for row in rows] == [
        ("app", "1.1", "1.2", "2.0", ["GHSA-app"]),
        ("lib", "2.0", "3.0", "3.0", ["GHSA-lib"]),
    ]
    table = workspace.run("outdated", "r.in", "-o", "pylock.toml").out
    assert table.splitlines()[0].split() == [
        "package",
        "current",
        "wanted",
        "newest",
        "libyears",
        "status",
        "advisories",
    ]
    assert "app 1.2: " in table

    workspace.write("n.in", "plain\n")
    assert workspace.run("outdated", "n.in").out == "every pin is the newest release that the target can install\n"
