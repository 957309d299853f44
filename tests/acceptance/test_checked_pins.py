"""``lock --check`` of a lock whose inputs did not change tells of its pins from the mirror alone, and holds the policy."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.dists import sdist, wheel
from tests.support.index_pages import MODERN
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace

UNTIL = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d")
RECENT = (datetime.now(UTC) - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
NAMES = ("app", "built", "gone", "lib")
GPL = "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)"
CHECK = ("lock", "r.in", "-o", "pylock.toml", "--check")


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve two releases of each project; the newest of lib is GPL and three days old, built has source archives alone."""
    projects = {name: [wheel(name, "1.0"), wheel(name, "2.0")] for name in NAMES if name != "built"}
    projects["lib"][1] = wheel("lib", "2.0", headers=[GPL], upload_time=RECENT)
    projects["built"] = [sdist("built", "1.0")]
    with LoopbackIndex(projects, MODERN._replace(cache_control="max-age=0")) as served:
        yield served


@pytest.fixture
def workspace(tmp_path: Path, index: LoopbackIndex) -> Workspace:
    """Make a workspace with a lock of everything."""
    workspace = Workspace(tmp_path, index.url)
    workspace.write("r.in", "\n".join(NAMES))
    assert workspace.run("mirror", "warm", "r.in").code == 0
    ran = workspace.run("lock", "r.in", "-o", "pylock.toml", "-o", "locked.txt")
    assert ran.code == 0, ran.err
    return workspace


def change(workspace: Workspace, index: LoopbackIndex) -> None:
    """Yank app 2.0, withdraw gone 2.0, and let the mirror see it."""
    index.publish_page("app", [wheel("app", "1.0"), wheel("app", "2.0")._replace(yanked="bad build")])
    index.publish_page("gone", [wheel("gone", "1.0")])
    assert workspace.run("mirror", "warm", "r.in").code == 0


@pytest.mark.parametrize("output", ["pylock.toml", "locked.txt"])
def test_what_became_of_x_without_a_request(workspace: Workspace, index: LoopbackIndex, output: str) -> None:
    """As text and as JSON, exit code 0: nothing of the inputs changed; without a mirror nothing is reported or made."""
    words = ("lock", "r.in", "-o", output, "--check")
    quiet = workspace.run(*words)
    assert (quiet.code, "warning" in quiet.err) == (0, False), quiet.err
    change(workspace, index)
    before = len(index.requests_seen)

    ran = workspace.run(*words)
    as_json = workspace.run(*words, "--diff-format", "json")

    assert len(index.requests_seen) == before
    assert (ran.code, as_json.code, ran.out) == (0, 0, ""), ran.err
    assert "app 2.0 was yanked by its project: bad build" in ran.err
    assert "gone 2.0 is not listed by its index any more (withdrawn)" in ran.err
    answer = json.loads(as_json.out)
    rows = {(row["name"], row["version"], row["kind"]) for row in answer["conditions"]}
    assert rows >= {("app", "2.0", "yanked"), ("gone", "2.0", "withdrawn")}
    assert (answer["changes"], answer["violations"]) == ([], [])

    nowhere = workspace.folder.parent / "nowhere"
    ran = workspace.run(*words, environment={"PIPX_PARALLEL_MIRROR": str(nowhere)})
    assert (ran.code, "yanked" in ran.err, nowhere.exists()) == (0, False, False), ran.err


@pytest.mark.parametrize(
    ("rule", "words", "reason"),
    [
        ("yanked", ("--yanked", "refuse"), "app 2.0 was yanked (bad build)"),
        ("deny", ("--deny-project", "lib"), "lib 2.0 is a project that the policy denies"),
        ("uploaded-prior-to", ("--uploaded-prior-to", "P7D"), "lib 2.0 was uploaded on"),
        ("only-binary", ("--only-binary", ":all:"), "built 1.0 has only a source archive"),
        (
            "licences",
            ("--deny-licence", "GPL-*", "--unknown-licence", "allow"),
            "lib 2.0 has the licence LicenseRef-GPL-3.0",
        ),
        ("advisories", ("--advisories", "refuse"), "app 2.0 cannot be checked against advisories"),
    ],
)
def test_a_lock_that_violates_a_new_policy(
    workspace: Workspace, index: LoopbackIndex, rule: str, words: tuple[str, ...], reason: str
) -> None:
    """Exit code 7 with the pin, the rule and the way out, also if it is out of date; lock warns, and the exception admits it."""
    change(workspace, index)

    ran = workspace.run(*CHECK, *words)
    as_json = json.loads(workspace.run(*CHECK, *words, "--error-format", "json").err.splitlines()[-1])
    locked = workspace.run("lock", "r.in", "-o", "pylock.toml", *words)

    assert ran.code == 7, ran.err
    assert reason in ran.err
    assert rule in ran.err
    assert as_json["code"] == "policy-violated"
    rows = as_json["violations"]
    assert {row["rule"] for row in rows} == {rule}
    assert f"the lock has {reason.partition(' ')[0]}" in locked.err
    assert [row["remedy"] for row in rows if row["remedy"] not in ran.err] == []
    remedies = [word for row in rows for word in shlex.split(row["remedy"])]
    assert workspace.run(*CHECK, *words, *remedies).code != 7


def test_a_fresh_lock_violates_its_policy_later(workspace: Workspace, index: LoopbackIndex) -> None:
    """The digest is the same: a pin was yanked meanwhile; nothing is asked, and JSON has it on standard output."""
    words = ("lock", "r.in", "-o", "pylock.toml", "--yanked", "refuse")
    assert workspace.run(*words).code == 0
    change(workspace, index)
    before = len(index.requests_seen)

    ran = workspace.run(*words, "--check", "--diff-format", "json")

    assert (ran.code, len(index.requests_seen)) == (7, before), ran.err
    assert [(row["name"], row["rule"], row["remedy"]) for row in json.loads(ran.out)["violations"]] == [
        ("app", "yanked", "--policy-exception 'app==2.0 yanked'")
    ]
    assert workspace.run(*words).code == 0
    assert workspace.run(*words, "--check").code == 0


def test_a_policy_is_not_taken_to_hold_where_the_mirror_knows_nothing(workspace: Workspace, tmp_path: Path) -> None:
    """An empty mirror: the index is asked; without the network the exit code is 4, never 0."""
    words = ("lock", "r.in", "-o", "pylock.toml", "--yanked", "refuse")
    assert workspace.run(*words).code == 0
    empty = {"PIPX_PARALLEL_MIRROR": str(tmp_path / "empty")}

    assert workspace.run(*words, "--check", "--offline", environment=empty).code == 4
    ran = workspace.run(*words, "--check", environment=empty)
    assert (ran.code, "fresh" in ran.err) == (0, True), ran.err


def test_a_denied_pin_is_the_only_error_of_a_check(workspace: Workspace) -> None:
    """Also if the lock is checked by resolving: that there is no solution then says less."""
    workspace.write("r.in", "app\n")
    assert workspace.run("lock", "r.in", "-o", "pylock.toml").code == 0
    for flags in ((), ("--refresh",)):
        ran = workspace.run(*CHECK, "--deny-project", "app", *flags)
        assert (ran.code, "No solution found" in ran.err, ran.err.count("error: ")) == (7, False, 1), ran.err
        assert "to admit it: --policy-exception" in ran.err
    workspace.write("r.in", "app==99\n")
    ran = workspace.run(*CHECK)
    assert (ran.code, ran.err.count("No solution found")) == (1, 1), ran.err
