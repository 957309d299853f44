"""Advisories offline: taken in from an export, compared with locks, avoided by locks."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.folder_server import served_folder
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace


def osv(identity: str, name: str, introduced: str, fixed: str, **more: object) -> dict[str, object]:
    """Return an OSV document."""
    events = [{"introduced": introduced}, *([{"fixed": fixed}] if fixed else [])]
    affected = {"package": {"ecosystem": "PyPI", "name": name}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}
    return {"id": identity, "summary": f"A hole in {name}", "affected": [affected], **more}


def take_in(workspace: Workspace, *documents: dict[str, object], flags: tuple[str, ...] = ()) -> None:
    """Store advisories in the mirror, from an export."""
    export = f"{documents[0]['id']}.zip"
    with zipfile.ZipFile(workspace.folder / export, "w") as archive:
        for document in documents:
            archive.writestr(f"{document['id']}.json", json.dumps(document))
    assert workspace.run("mirror", "advisories", "update", export, *flags).code == 0


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


def test_a_fix_moves_the_fewest_pins(workspace: Workspace) -> None:
    """To the nearest releases that no advisory concerns, shown as a difference and written only to -o; without a network."""
    assert workspace.run("mirror", "advisories", "update", "all.zip").code == 0
    assert workspace.run("lock", "r.in", "-o", "pylock.toml").code == 0  # keeps the pins of old.in
    assert workspace.run("mirror", "warm", "--packages", "app==1.2,lib==2.1").code == 0
    before = workspace.read("pylock.toml")
    fix = ("audit", "--fix", "--offline")

    shown = workspace.run(*fix, before=("unshare", "-rn"))
    assert shown.code == 0, shown.err
    assert [line.split()[:4] for line in shown.out.splitlines()[:2]] == [
        ["↑", "app", "1.1", "→"],
        ["↑", "lib", "2.0", "→"],
    ]
    assert workspace.read("pylock.toml") == before
    assert workspace.run(*fix, "-o", "pylock.toml").code == 0
    assert workspace.pins() == {"app": "1.2", "lib": "2.1", "plain": "1.0"}
    assert workspace.run(*fix).out == "no advisories concern these pins\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("locked.txt", "app==1.1\nlib==2.0 ; python_version > '3'\nplain==1.0\n"),
        (
            "uv.lock",
            "version = 1\n"
            + "".join(
                f'\n[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ {source} }}\n'
                for name, version, source in (
                    ("app", "1.1", 'registry = "https://index.example/simple"'),
                    ("lib", "2.0", 'registry = "https://index.example/simple"'),
                    ("mine", "0.1", 'virtual = "."'),
                    ("plain", "1.0", 'registry = "https://index.example/simple"'),
                )
            ),
        ),
    ],
)
def test_locks_of_other_tools_are_fixed_too(workspace: Workspace, name: str, text: str) -> None:
    """Their own pins are what is asked for; the result is written as what its name says."""
    assert workspace.run("mirror", "advisories", "update", "all.zip").code == 0
    workspace.write(name, text)

    ran = workspace.run("audit", name, "--fix", "-o", "fixed.txt", "--format", "json")

    assert ran.code == 0, ran.err
    result = json.loads(ran.out)
    assert [(row["name"], row["version"], row["to"]) for row in result["fixes"]] == [
        ("app", "1.1", "1.2"),
        ("lib", "2.0", "2.1"),
    ]
    assert (result["counts"], result["left"]) == ({"up": 2}, [])
    pins = [line.split(" ")[0] for line in workspace.read("fixed.txt").decode().splitlines() if "==" in line]
    assert pins == ["app==1.2", "lib==2.1", "plain==1.0"]


def test_a_fix_that_the_policy_hides_is_named(tmp_path: Path) -> None:
    """With the exception that admits exactly it; what has no fix at all stays, and the exit code says so."""
    old, new = "2024-01-01T00:00:00Z", "2026-11-01T00:00:00Z"
    projects = {
        "app": [wheel("app", "1.0", upload_time=old), wheel("app", "1.2", upload_time=new)],
        "other": [wheel("other", "1.0", upload_time=old)],
        "lib": [wheel("lib", "2.0", upload_time=old), wheel("lib", "2.1", upload_time=old)],
    }
    with LoopbackIndex(projects) as served:
        workspace = Workspace(tmp_path, served.url)
        take_in(workspace, *DOCUMENTS)
        workspace.write("locked.txt", "app==1.0\nlib==2.0\nother==1.0\n")
        cooldown = ("audit", "locked.txt", "--fix", "-o", "fixed.txt", "--uploaded-prior-to", "2026-01-01")

        ran = workspace.run(*cooldown)
        assert ran.code == 7, ran.err
        assert "left: app 1.0, GHSA-app: 1.2 is free of advisories, but uploaded-prior-to refuses it" in ran.out
        assert 'this admits exactly it: --policy-exception "app==1.2 uploaded-prior-to"' in ran.out
        assert "left: other 1.0, GHSA-other: no release that may be used is free of advisories" in ran.out
        assert "↑ lib  2.0 → 2.1" in ran.out

        ran = workspace.run(*cooldown, "--policy-exception", "app==1.2 uploaded-prior-to")
        assert "↑ app  1.0 → 1.2" in ran.out, ran.err
        assert b"other==1.0" in workspace.read("fixed.txt")


def test_an_audit_as_a_cyclonedx_document(workspace: Workspace) -> None:
    """One component for each pin that is concerned, one entry for each advisory; the same bytes each time."""
    pytest.importorskip("cyclonedx", reason="the extra [sbom] is not installed")
    assert workspace.run("mirror", "advisories", "update", "all.zip").code == 0

    ran = workspace.run("audit", "--format", "cyclonedx")

    assert (ran.code, ran.out) == (7, workspace.run("audit", "--format", "cyclonedx").out), ran.err
    document = json.loads(ran.out)
    assert [row["bom-ref"] for row in document["components"]] == ["pkg:pypi/app@1.1", "pkg:pypi/lib@2.0"]
    first = document["vulnerabilities"][0]
    assert (first["id"], first["ratings"], first["affects"], first["recommendation"]) == (
        "GHSA-app",
        [{"severity": "high"}],
        [{"ref": "pkg:pypi/app@1.1"}],
        "Upgrade to 1.2",
    )


def test_advisories_travel_with_the_mirror(tmp_path: Path, workspace: Workspace) -> None:
    """In a snapshot, a published folder and a server; an import keeps those of a later update."""
    pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")
    assert workspace.run("mirror", "advisories", "update", "all.zip").code == 0
    expected = workspace.run("audit").out
    assert workspace.run("mirror", "export", "m.snap").code == 0
    assert workspace.run("mirror", "publish", "web").code == 0
    assert workspace.run("audit", "--mirror", "m.snap").out == expected

    with served_folder(workspace.folder / "web") as web:
        assert workspace.run("audit", "--mirror", web.url).out == expected
    server = workspace.start("mirror", "serve", "--port", "0", "--offline")
    try:
        assert server.stderr is not None
        address = re.search(r"http://[^/]+", server.stderr.readline())
        assert address is not None
        assert workspace.run("audit", "--mirror", address[0]).out == expected
    finally:
        server.terminate()
        server.communicate(timeout=20)

    other = ("--mirror", str(tmp_path / "other"))
    assert workspace.run("mirror", "import", "m.snap", *other).code == 0
    assert workspace.run("audit", *other).out == expected
    take_in(workspace, osv("GHSA-later", "plain", "0", ""), flags=other)
    assert workspace.run("mirror", "import", "m.snap", *other).code == 0
    assert "GHSA-later" in workspace.run("audit", *other).out


def test_an_export_leaves_out_what_the_policy_refuses(tmp_path: Path, workspace: Workspace) -> None:
    """As a published folder does."""
    words = ("--deny-project", "plain")
    assert workspace.run("mirror", "export", "m.snap", *words).code == 0
    other = ("--mirror", str(tmp_path / "other"), "--offline")
    assert workspace.run("mirror", "import", "m.snap", *other).code == 0

    assert workspace.run("resolve", "--packages", "app", *other).code == 0
    ran = workspace.run("resolve", "--packages", "plain", *other)
    assert (ran.code, "plain has no releases on its index" in ran.err) == (1, True), ran.err


def test_a_fix_among_releases_whose_files_are_not_stored(tmp_path: Path) -> None:
    """A lock keeps the files of the newest releases and of its pins; the fix is none of these, and is found all the same."""
    projects = {"old": [wheel("old", f"{number}.0") for number in range(1, 61)]}
    with LoopbackIndex(projects) as served:
        workspace = Workspace(tmp_path, served.url)
        take_in(workspace, osv("X-1", "old", "0", "3.0"))
        workspace.write("locked.txt", "old==2.0\n")
        assert workspace.run("lock", "--packages", "old==2.0", "-o", "pylock.toml").code == 0

        ran = workspace.run("audit", "locked.txt", "--fix", "-o", "fixed.txt", "--format", "json")

        assert ran.code == 0, ran.err
        assert [row["to"] for row in json.loads(ran.out)["fixes"]] == ["3.0"]
        assert b"old==3.0" in workspace.read("fixed.txt")


def test_a_fix_moves_another_pin_only_if_it_must(tmp_path: Path) -> None:
    """The nearest fix needs two other pins to move, the next one none: it is taken."""
    projects = {
        "app": [
            wheel("app", "1.0", ["lib", "tool"]),
            wheel("app", "1.1", ["lib>=2", "tool>=2"]),
            wheel("app", "1.2", ["lib", "tool"]),
        ],
        "lib": [wheel("lib", "1.0"), wheel("lib", "2.0")],
        "tool": [wheel("tool", "1.0"), wheel("tool", "2.0")],
    }
    with LoopbackIndex(projects) as served:
        workspace = Workspace(tmp_path, served.url)
        take_in(workspace, osv("X-1", "app", "0", "1.1"))
        workspace.write("locked.txt", "app==1.0\nlib==1.0\ntool==1.0\n")

        ran = workspace.run("audit", "locked.txt", "--fix", "-o", "pylock.toml")

        assert (ran.code, workspace.pins()) == (0, {"app": "1.2", "lib": "1.0", "tool": "1.0"}), ran.err


def test_a_line_that_pins_a_vulnerable_release_is_what_must_change(tmp_path: Path) -> None:
    """The line is named, with exit code 1, also offline; without such a line the pin stays, and what is missing is named."""
    with LoopbackIndex({"app": [wheel("app", "1.1"), wheel("app", "1.2")]}) as index:
        workspace = Workspace(tmp_path, index.url)
        take_in(workspace, osv("GHSA-app", "app", "0", "1.2"))
        for line, code, words in (
            ("app==1.1", 1, "r.in:1 asks for app==1.1, but app 1.1 is affected by GHSA-app"),
            ("app", 7, "1.2 is free of advisories, but the mirror lacks its metadata: run it once without --offline"),
        ):
            workspace.write("r.in", f"{line}\n")
            workspace.write("pins.txt", "app==1.1\n")
            locked = workspace.run("lock", "r.in", "-c", "pins.txt", "-o", "pylock.toml")
            assert locked.code == 0, locked.err
            text = workspace.read("pylock.toml").decode().replace(" -c pins.txt", "")
            workspace.write("pylock.toml", text)
            ran = workspace.run("audit", "pylock.toml", "--fix", "--offline")
            assert (ran.code, words in ran.out + ran.err) == (code, True), ran.out + ran.err
