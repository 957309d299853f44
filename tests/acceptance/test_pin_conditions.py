"""What has become of a pin is reported: by lock, --check, --diff, why and mirror status, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.index_pages import MODERN
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve one project for each thing that may become of it."""
    statuses = {"old": "archived", "outworn": "deprecated", "bad": "quarantined"}
    projects = {
        name: [wheel(name, "1.0"), wheel(name, "2.0")]
        for name in (*statuses, "broken", "shrunk", "changed", "late", "plain")
    }
    with LoopbackIndex(projects, MODERN._replace(statuses=statuses, cache_control="max-age=0")) as served:
        yield served


@pytest.fixture
def workspace(tmp_path: Path, index: LoopbackIndex) -> Workspace:
    """Make a workspace whose environment names the loopback index."""
    return Workspace(tmp_path, index.url)


NAMES = ("old", "outworn", "bad", "broken", "shrunk", "changed", "late", "plain")
WORDS = {
    "old": "old 2.0 belongs to a project that is archived (as the test says)",
    "outworn": "outworn 2.0 belongs to a project that is deprecated (as the test says)",
    "bad": "bad 2.0 belongs to a project that is quarantined (as the test says)",
    "broken": "broken 2.0 was yanked by its project: bad build",
    "shrunk": "shrunk 1.0 replaces 2.0, which its index does not list any more (withdrawn)",
    "changed": "changed 2.0 has a file whose content changed: changed-2.0-py3-none-any.whl",
    "late": "late 2.0 has a file that was added to an old release: late-2.0-py2-none-any.whl",
}
KINDS = {
    ("old", "archived"), ("outworn", "deprecated"), ("bad", "quarantined"), ("broken", "yanked"), ("shrunk", "withdrawn"),
    ("changed", "changed-file"), ("late", "late-file"),
}  # fmt: skip


def change(index: LoopbackIndex) -> None:
    """Yank, withdraw, replace and add."""
    index.publish_page("broken", [wheel("broken", "1.0"), wheel("broken", "2.0")._replace(yanked="bad build")])
    index.publish_page("shrunk", [wheel("shrunk", "1.0")])
    index.publish_page("changed", [wheel("changed", "1.0"), wheel("changed", "2.0", padding=10)])
    late = wheel("late", "2.0")
    index.publish("late", late._replace(filename="late-2.0-py2-none-any.whl", body=late.body + b" "))


def test_each_is_reported_in_words_and_in_json(workspace: Workspace, index: LoopbackIndex) -> None:
    """By lock, by --check and --diff, by why and by mirror status; what the policy allows is not."""
    workspace.write("r.in", "\n".join(name if name != "broken" else "broken==2.0" for name in NAMES))
    assert workspace.run("mirror", "warm", "r.in").code == 0
    assert workspace.run("lock", "r.in", "-o", "pylock.toml").code == 0
    change(index)

    checked = workspace.run("lock", "r.in", "-o", "pylock.toml", "--check", "--refresh")
    shown = workspace.run("lock", "r.in", "-o", "pylock.toml", "--diff")
    as_json = workspace.run("lock", "r.in", "-o", "pylock.toml", "--diff", "--diff-format", "json")
    for name, words in WORDS.items():
        assert words in checked.err, (name, checked.err)
        assert f"! {words}" in shown.out, name
    assert checked.code == 3
    rows = json.loads(as_json.out)["conditions"]
    assert {(row["name"], row["kind"]) for row in rows} == KINDS

    why = json.loads(workspace.run("why", "old", "r.in", "--format", "json").out)
    assert [row["kind"] for row in why["conditions"]] == ["archived"]
    assert "archived (as the test says)" in workspace.run("why", "old", "r.in").out
    status = json.loads(workspace.run("mirror", "status", "--format", "json").out)
    assert [row.partition(":")[0] for row in status["not_active"]] == ["bad", "old", "outworn"]
    assert [row.partition(":")[0] for row in status["changed_files"]] == ["changed", "late", "shrunk"]

    locked = workspace.run("lock", "r.in", "-o", "pylock.toml", "--project-status", "archived=allow")
    assert locked.code == 0
    assert WORDS["old"] not in locked.err
    assert WORDS["outworn"] in locked.err
    offline = workspace.run("lock", "r.in", "-o", "pylock.toml", "--offline")
    assert WORDS["changed"] in offline.err
