"""A mirror in an object store: published to and read from a real server of S3's protocol, by real processes."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror.errors import StoreError
from mirror.exchange.publish import publish
from mirror.exchange.published_index import DELTA, INDEX
from mirror.session.open_store import open_store
from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.minisign_keys import KEY, PUBLIC
from tests.support.s3_server import S3Server
from tests.support.workspace import Workspace

obstore = pytest.importorskip("obstore", reason="the extra [object-store] is not installed")
pytestmark = pytest.mark.skipif(importlib.util.find_spec("moto") is None, reason="moto is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Run one server for all tests: it takes seconds to start."""
    with S3Server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def s3(server: S3Server, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> S3Server:
    """Return the server, with a folder of this test's own and its environment."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    server.url = f"s3://bucket/{abs(hash(request.node.name))}/one"
    server.requests()
    return server


@pytest.fixture
def workspace(tmp_path: Path, index: LoopbackIndex, s3: S3Server) -> Workspace:
    """Return a workspace with a mirror of app and what it needs."""
    user = Workspace(tmp_path, index.url)
    user.environment |= s3.environment
    assert user.run("mirror", "warm", "--packages", "app").code == 0
    return user


def test_a_lock_from_an_object_store_is_the_lock_of_the_mirror(workspace: Workspace, s3: S3Server) -> None:
    """Three requests at most; the next day, what has changed; no secret in any output."""
    first = workspace.run("mirror", "publish", s3.url)
    expected = workspace.run("lock", "--packages", "app", "-o", "-", "--offline")
    s3.requests()

    ran = workspace.run("lock", "--packages", "app", "-o", "-", "--mirror", s3.url)

    assert (first.code, ran.code) == (0, 0), first.err + ran.err
    assert ran.out == expected.out
    assert 2 <= len(s3.requests()) <= 3
    assert "s3krit" not in first.err + ran.err + ran.out
    again = workspace.run("lock", "--packages", "app", "-o", "-", "--mirror", s3.url)
    assert (again.out, [row.rpartition("/")[2] for row in s3.requests()]) == (expected.out, [DELTA])


def test_one_changed_project_uploads_three_files_and_the_delta(
    workspace: Workspace, s3: S3Server, index: LoopbackIndex
) -> None:
    """And nothing is uploaded if nothing has changed."""
    assert workspace.run("mirror", "publish", s3.url).code == 0
    s3.requests()
    assert workspace.run("mirror", "publish", s3.url).code == 0
    assert [row for row in s3.requests() if row.startswith("PUT")] == []
    index.publish("lib", wheel("lib", "9.0"))
    assert workspace.run("mirror", "warm", "--packages", "app", "--refresh").code == 0

    assert workspace.run("mirror", "publish", s3.url).code == 0

    uploads = [row.rpartition("/one/")[2] for row in s3.requests() if row.startswith("PUT")]
    assert sorted(path.partition("/")[0] for path in uploads) == [DELTA, "files", INDEX, "packs"]
    assert uploads[-2:] == [DELTA, INDEX]


def test_caches_may_keep_what_is_named_by_its_digest(workspace: Workspace, s3: S3Server) -> None:
    """For ever; the index and the delta are asked for again."""
    assert workspace.run("mirror", "publish", s3.url).code == 0
    store = obstore.store.from_url(s3.url)
    cached = {
        row["path"].partition("/")[0]: obstore.get(store, row["path"]).attributes["Cache-Control"]
        for page in obstore.list(store)
        for row in page
    }

    immutable = "public, max-age=31536000, immutable"
    assert cached == {"packs": immutable, "files": immutable, DELTA: "no-cache", INDEX: "no-cache"}


def test_two_publications_at_once_do_not_undo_each_other(
    workspace: Workspace, s3: S3Server, index: LoopbackIndex
) -> None:
    """The later one ends with the advice to run again."""
    from mirror.exchange.object_store import ObjectTarget  # behind the extra

    assert workspace.run("mirror", "publish", s3.url).code == 0
    index.publish("lib", wheel("lib", "9.0"))
    slow = ObjectTarget(s3.url)
    assert slow.read(INDEX)
    assert slow.read(DELTA)
    assert workspace.run("mirror", "warm", "--packages", "app", "--refresh").code == 0
    assert workspace.run("mirror", "publish", s3.url).code == 0

    for path in (DELTA, INDEX):
        with pytest.raises(StoreError, match="run the command again"):
            slow.put(path, b"another state")
    fresh = ObjectTarget(s3.url + "/new")
    assert fresh.put(INDEX, b"1")
    with pytest.raises(StoreError, match="run the command again"):
        ObjectTarget(s3.url + "/new").put(INDEX, b"2")


def test_a_publication_that_comes_too_late_leaves_the_signature(
    workspace: Workspace, s3: S3Server, index: LoopbackIndex, tmp_path: Path
) -> None:
    """The signature is written after its file, which an object store refuses if another publication has written it."""
    minisign = pytest.importorskip("mirror.exchange.minisign", reason="the extra [signing] is not installed")
    from mirror.exchange.object_store import ObjectTarget  # behind the extra

    sign = minisign.SecretKey.parse(KEY, "key").sign
    late = tmp_path / "late"
    assert workspace.run("mirror", "warm", "--packages", "base", "--mirror", str(late)).code == 0

    def publication(folder: Path, target: ObjectTarget, moment: float) -> None:
        store = open_store(str(folder))
        try:
            publish(store, target, moment, pages=None, sign=sign)
        finally:
            store.close()

    class Late(ObjectTarget):
        def immutable_paths(self) -> Iterator[str]:
            publication(workspace.mirror, ObjectTarget(s3.url), 5.0)
            return super().immutable_paths()

    publication(workspace.mirror, ObjectTarget(s3.url), 0.0)
    index.publish("lib", wheel("lib", "9.0"))
    assert workspace.run("mirror", "warm", "--packages", "app", "--refresh").code == 0

    with pytest.raises(StoreError, match="run the command again"):
        publication(late, Late(s3.url), 9.0)

    ran = workspace.run("lock", "--packages", "app", "-o", "-", "--mirror", f"{s3.url}#minisign={PUBLIC}")
    assert (ran.code, "lib==9.0" in ran.out) == (0, True), ran.err


def test_a_publication_that_was_killed_goes_on(workspace: Workspace, s3: S3Server) -> None:
    """What was uploaded is not uploaded again."""
    from mirror.exchange.object_store import ObjectTarget  # behind the extra

    class Dying(ObjectTarget):
        def flush(self) -> None:
            super().flush()
            raise KeyboardInterrupt

    store = open_store(str(workspace.mirror))
    with pytest.raises(KeyboardInterrupt):
        publish(store, Dying(s3.url), 0.0, pages=None)
    first = {row for row in s3.requests() if row.startswith("PUT")}

    publish(store, ObjectTarget(s3.url), 0.0, pages=None)

    second = {row for row in s3.requests() if row.startswith("PUT")}
    assert (len(first) > 1, first & second) == (True, set())
    assert {row.rpartition("/")[2] for row in second} == {DELTA, INDEX}
    store.close()


@pytest.mark.parametrize(
    "command",
    [
        ("mirror", "publish", "s3://no-bucket/x"),
        ("lock", "--packages", "app", "-o", "-", "--mirror", "s3://no-bucket/x"),
    ],
)
def test_a_bucket_that_does_not_exist_is_one_clear_error(workspace: Workspace, command: tuple[str, ...]) -> None:
    """Exit code 2, no traceback, no secret."""
    ran = workspace.run(*command)

    assert ran.code == 2
    assert "s3://no-bucket/x" in ran.err
    assert "Traceback" not in ran.err
    assert "s3krit" not in ran.err


def test_an_object_store_cannot_be_changed_but_by_publishing(workspace: Workspace, s3: S3Server) -> None:
    """``mirror warm`` into it is refused, and another scheme is named."""
    ran = workspace.run("mirror", "warm", "--packages", "app", "--mirror", s3.url)
    other = workspace.run("mirror", "publish", "ftp://host/x")

    assert (ran.code, other.code) == (2, 2)
    assert "can only be read" in ran.err
    assert "s3:" in other.err
