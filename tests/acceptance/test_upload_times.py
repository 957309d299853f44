"""Upload times where an index states none: joined by hash with another index, else when the mirror first saw the file."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.test_policy import ago, day
from tests.support.dists import Dist, wheel
from tests.support.index_server import LoopbackIndex
from tests.support.served import Served
from tests.support.workspace import Workspace

JSON = "application/vnd.pypi.simple.v1+json"
COOLDOWN = ("--uploaded-prior-to", "P7D")
FIRST_SEEN = "--first-seen-as-upload-time"


def undated(name: str, version: str, padding: int = 0) -> Dist:
    """Return a wheel without upload time."""
    return wheel(name, version, padding=padding)._replace(upload_time=None)


@pytest.fixture
def indexes() -> Iterator[tuple[LoopbackIndex, LoopbackIndex]]:
    """Serve a private index without upload times, and a public index with them: of app 2.0 it has another file."""
    private = {
        "app": [undated("app", "1.0"), undated("app", "2.0"), undated("app", "3.0")],
        "own": [undated("own", "1.0")],
    }
    public = {
        "app": [
            wheel("app", "1.0")._replace(upload_time=ago(30)),
            wheel("app", "2.0", padding=9)._replace(upload_time=ago(400)),
            wheel("app", "3.0")._replace(upload_time=ago(3)),
        ]
    }
    with LoopbackIndex(private) as first, LoopbackIndex(public) as second:
        yield first, second


@pytest.fixture
def workspace(tmp_path: Path, indexes: tuple[LoopbackIndex, LoopbackIndex]) -> Workspace:
    """Make a workspace whose environment names both."""
    workspace = Workspace(tmp_path, indexes[0].url)
    workspace.environment["PIPX_PARALLEL_EXTRA_INDEX_URL"] = indexes[1].url
    return workspace


def age_sightings(workspace: Workspace, days: float) -> None:
    """Have the mirror have seen everything so many days earlier."""
    from mirror.keys import FIRST_SEEN as KIND
    from mirror.session.open_store import open_store
    from mirror.settings import MirrorSettings

    store = open_store(str(workspace.mirror), MirrorSettings(str(workspace.mirror), ()))
    for key, _ in list(store.scan(KIND.prefix)):
        rows = json.loads(store.get_many((key,))[key])
        store.put_many(
            {key: json.dumps({str(int(when) - int(days * 86400)): row for when, row in rows.items()}).encode()}
        )
    store.close()


@pytest.mark.parametrize("strategy", ["first-index", "best-match"])
def test_the_same_file_on_another_index_has_the_time(workspace: Workspace, strategy: str) -> None:
    """By SHA-256: another file of the same name says nothing. The lock, the report and policy explain say whose time it is."""
    flags = (*COOLDOWN, "--index-strategy", strategy)
    locked = workspace.lock("app==1.0", flags=flags)
    assert (locked.code, workspace.pins()) == (0, {"app": "1.0"}), locked.err
    assert (
        f"app 1.0 has no upload time on its index; {workspace.environment['PIPX_PARALLEL_EXTRA_INDEX_URL'].rstrip('/')} states"
        in locked.err
    )
    young = workspace.lock("app==3.0", flags=flags)
    assert (young.code, "after the cutoff" in young.err) == (1, True), young.err
    assert ("of the same file), after" in young.err) == (
        strategy == "first-index"
    )  # merged, a release has the times of both
    report = json.loads(workspace.run("lock", "--packages", "app==1.0", "--format", "json", *flags).out)
    assert [row["kind"] for row in report["targets"][0]["pins"][0]["conditions"]] == ["joined-upload-time"]
    if strategy == "first-index":
        rows = json.loads(workspace.run("policy", "explain", "app", "--format", "json", *COOLDOWN).out)["releases"]
        assert [(row["version"], row["admitted"]) for row in rows] == [("3.0", False), ("2.0", False), ("1.0", True)]
        assert "states of the same file" in rows[2]["upload-time-source"]
        assert "--first-seen-as-upload-time" in rows[1]["reason"]


def test_first_sightings_count_only_if_asked_for(
    workspace: Workspace, indexes: tuple[LoopbackIndex, LoopbackIndex]
) -> None:
    """A file that was seen long enough ago is admitted; one that came later counts from then, also under its old name."""
    refused = workspace.lock("own", flags=COOLDOWN)
    assert (refused.code, "no upload time on its index" in refused.err) == (1, True)
    refused = workspace.lock("own", flags=(*COOLDOWN, FIRST_SEEN))
    assert refused.code == 1
    assert "was first seen by this mirror on" in refused.err
    age_sightings(workspace, 30)
    assert workspace.lock("own", flags=COOLDOWN).code == 1

    locked = workspace.lock("own", flags=(*COOLDOWN, FIRST_SEEN))
    assert (locked.code, workspace.pins()) == (0, {"own": "1.0"}), locked.err
    assert (
        f"own 1.0 has no upload time on its index; this mirror first saw it on {day(-30)}, which counts instead"
        in locked.err
    )
    checked = workspace.run("lock", "r.txt", "-o", "pylock.toml", "--check", *COOLDOWN, FIRST_SEEN)
    assert (checked.code, "first saw it on" in checked.err) == (0, True), checked.err
    explained = workspace.run("policy", "explain", "own", *COOLDOWN, FIRST_SEEN).out
    assert (
        explained
        == f"1.0  admitted; it was first seen by this mirror on {day(-30)}, and its index states no upload time\n"
    )

    indexes[0].publish_page("own", [undated("own", "1.0", padding=5), undated("own", "2.0")])
    changed = workspace.lock("own", flags=(*COOLDOWN, FIRST_SEEN, "--refresh"))
    assert (changed.code, "first seen" in changed.err) == (1, True)
    assert workspace.lock("own", flags=("--minimum-project-age", "P7D", FIRST_SEEN)).code == 1


def test_pages_files_and_publications_hold_to_it(tmp_path: Path, indexes: tuple[LoopbackIndex, LoopbackIndex]) -> None:
    """What a server and a published folder show is what a lock may take."""
    pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")
    server = Served(tmp_path, indexes[0], *COOLDOWN, "--extra-index-url", indexes[1].url, warm=())
    try:
        listed: list[str] = []
        while not listed:  # the public index is asked beside the first answer
            page = json.loads(server.get("/simple/app/", Accept=JSON)[2])
            listed = [file["filename"] for file in page["files"]]
            time.sleep(0 if listed else 0.5)
        assert listed == ["app-1.0-py3-none-any.whl"]
        assert server.get("/files/app/app-1.0-py3-none-any.whl")[0] == 302
        status, _, body = server.get("/files/app/app-3.0-py3-none-any.whl")
        assert (status, b"states of the same file" in body) == (403, True)
        status, lock = server.lock(b"app==1.0\n", "?format=requirements")
        assert (status, "app==1.0" in lock) == (200, True)
    finally:
        server.stop()
    extra = ("--extra-index-url", indexes[1].url)
    assert server.run("mirror", "warm", "--packages", "app", *extra).returncode == 0
    assert server.run("mirror", "publish", str(tmp_path / "pub"), *COOLDOWN, *extra).returncode == 0
    page = json.loads((tmp_path / "pub" / "simple" / "app" / "index.json").read_text(encoding="utf-8"))
    published = {file["filename"] for file in page["files"]}  # of either index
    assert "app-1.0-py3-none-any.whl" in published
    assert "app-3.0-py3-none-any.whl" not in published
