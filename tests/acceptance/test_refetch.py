"""An old release whose files a lock did not keep: its page is fetched once more, and whatever comes of that ends the matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.dists import wheel
from tests.support.index_pages import Page
from tests.support.index_server import LoopbackIndex
from tests.support.request_limit import asked_too_often
from tests.support.served import Served
from tests.support.workspace import Workspace, check_refused, locked

MANY = 220  # releases; a lock keeps the files of the newest 190 or so
PAGE = "/simple/lib/"
Spoil = Callable[[LoopbackIndex], None]


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve one project with many releases, and one that needs an old release of it."""
    projects = {
        "lib": [wheel("lib", f"1.{number}") for number in range(MANY)],
        "app": [wheel("app", "1.0", ["lib"]), wheel("app", "2.0", ["lib<1.2"])],
    }
    with LoopbackIndex(projects) as served:
        yield served


@pytest.fixture
def workspace(tmp_path: Path, index: LoopbackIndex) -> Workspace:
    """Stand where the newest release has been locked, so that the page is in the mirror, fresh, but not whole."""
    workspace = Workspace(tmp_path, index.url)
    assert locked(workspace, "lib") == {"lib": f"1.{MANY - 1}"}
    index.requests_seen.clear()
    return workspace


def _answers(status: int) -> Spoil:
    return lambda index: index.fail(PAGE, times=1000, status=status)


def _page(body: bytes) -> Spoil:
    def spoil(index: LoopbackIndex) -> None:
        index.withdraw("lib")
        index._projects["lib"] = Page(body, "text/html")

    return spoil


FAILURES: dict[str, Spoil] = {
    **{str(status): _answers(status) for status in (401, 403, 404, 410, 429, 500)},
    "reset": lambda index: index.fail(PAGE, "reset", times=1000),
    "truncated": lambda index: index.fail(PAGE, "truncate", times=1000),
    "empty": _page(b""),
    "maintenance": _page(b"<!DOCTYPE html><html><body>We are down for maintenance.</body></html>"),
}


@pytest.mark.parametrize("spoil", FAILURES.values(), ids=FAILURES)
def test_a_page_that_cannot_be_fetched_again_is_one_error(
    workspace: Workspace, index: LoopbackIndex, spoil: Spoil
) -> None:
    """It names project, release and line; the index is asked once, since no retries are allowed."""
    spoil(index)

    ran = workspace.lock("# a comment", "lib==1.3", flags=["--retries", "0"])

    check_refused(workspace, ran, 5, "lib 1.3", "r.txt:2")
    assert index.paths(PAGE) == [PAGE]


@pytest.mark.parametrize("transport", ["curl", "requests"])
def test_retries_are_those_that_were_asked_for(workspace: Workspace, index: LoopbackIndex, transport: str) -> None:
    """One attempt and two retries, whoever waits for the answer."""
    index.fail(PAGE, times=1000, status=500)

    ran = workspace.lock("lib==1.3", flags=["--retries", "2", "--transport", transport])

    check_refused(workspace, ran, 5, "lib 1.3", "r.txt:1")
    assert index.paths(PAGE) == [PAGE] * 3


def test_trouble_that_passes_is_waited_for(workspace: Workspace, index: LoopbackIndex) -> None:
    """The old release is locked as if nothing had been."""
    index.fail(PAGE, times=2, status=503)

    assert locked(workspace, "lib==1.3", flags=["--retries", "2"]) == {"lib": "1.3"}


def test_a_release_that_was_added_meanwhile_does_no_harm(workspace: Workspace, index: LoopbackIndex) -> None:
    """The run goes on with the releases it knew; the new one is met when the page has gone stale."""
    index.publish("lib", wheel("lib", "1.1.5"), wheel("lib", f"1.{MANY}"))

    assert locked(workspace, "lib==1.3", flags=["--retries", "0"]) == {"lib": "1.3"}
    assert locked(workspace, "lib==1.3", flags=["--offline"]) == {"lib": "1.3"}
    assert locked(workspace, "lib", flags=["--refresh"]) == {"lib": f"1.{MANY}"}


def test_a_release_that_is_gone_does_no_harm_to_the_others(workspace: Workspace, index: LoopbackIndex) -> None:
    """Neither one between the newest and the wanted, nor one that is newer."""
    index._projects["lib"] = [wheel("lib", f"1.{number}") for number in range(MANY) if number not in {7, MANY - 2}]

    assert locked(workspace, "lib==1.3", flags=["--retries", "0"]) == {"lib": "1.3"}


def test_the_wanted_release_is_gone(workspace: Workspace, index: LoopbackIndex) -> None:
    """The index was asked and answered, so there is no solution."""
    index._projects["lib"] = [wheel("lib", f"1.{number}") for number in range(MANY) if number != 3]

    ran = workspace.lock("lib==1.3", flags=["--retries", "0"])

    check_refused(workspace, ran, 1, "lib", "1.3", "r.txt:1")
    assert len(index.paths(PAGE)) == 1


COMMANDS: dict[str, Sequence[str]] = {
    "warm": ["mirror", "warm", "--packages", "lib==1.3"],
    "resolve": ["resolve", "--packages", "lib==1.3"],
    "tree": ["tree", "--packages", "lib==1.3"],
    "why-not": ["why-not", "lib>=1.4", "--packages", "lib==1.3"],
    "lowest": ["lock", "--packages", "lib", "--resolution", "lowest"],
    "only-binary": ["lock", "--packages", "lib<1.5", "--only-binary", ":all:"],
    "cutoff": ["lock", "--packages", "lib", "--uploaded-prior-to", "2020-01-01"],
    "transitive": ["lock", "--packages", "app"],
    "window": ["mirror", "warm", "--depth", "window:300", "--packages", "lib"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_command_asks_once_and_ends(workspace: Workspace, index: LoopbackIndex, command: Sequence[str]) -> None:
    """Whatever wants the old files, one failure is all there is."""
    index.fail(PAGE, times=1000, status=500)

    ran = workspace.run(*command, "--retries", "0")

    assert "Traceback" not in ran.err
    assert ran.code in {0, 5}, ran.err
    assert len(index.paths(PAGE)) <= 1


def test_metadata_that_cannot_be_fetched_is_asked_for_once(tmp_path: Path) -> None:
    """A wheel whose METADATA is not available is no reason to ask again for whoever wants to know."""
    with LoopbackIndex(
        {"app": [wheel("app", "1.0", ["lib"])], "lib": [wheel("lib", "1.0"), wheel("lib", "2.0")]}
    ) as index:
        index.fail("/files/lib/lib-2.0*", times=1000, status=500)
        workspace = Workspace(tmp_path, index.url)

        ran = workspace.lock("app", "lib", flags=["--retries", "0"])

        check_refused(workspace, ran, 5, "lib")
        asked = Counter((seen.path, seen.headers.get("range")) for seen in index.requests_seen)
        assert asked.most_common(1)[0][1] == 1


def test_merged_indexes_are_fetched_again_each_by_itself(tmp_path: Path) -> None:
    """With best-match every index that lacks the files is asked, and only once."""
    old = [wheel("lib", f"1.{number}") for number in range(MANY)]
    new = [wheel("lib", f"2.{number}") for number in range(MANY)]
    with LoopbackIndex({"lib": old}) as first, LoopbackIndex({"lib": new}) as second:
        workspace = Workspace(tmp_path, first.url)
        flags = ["--extra-index-url", second.url, "--index-strategy", "best-match", "--retries", "0"]
        assert locked(workspace, "lib", flags=flags) == {"lib": f"2.{MANY - 1}"}
        second.requests_seen.clear()
        second.fail(PAGE, times=1000, status=500)

        ran = workspace.lock("lib==1.3", flags=flags)

        check_refused(workspace, ran, 5, "lib")
        assert len(second.paths(PAGE)) <= 1


def test_offline_names_what_was_asked_for(workspace: Workspace) -> None:
    """The mirror lacks the release of the line, whatever it would have had to look at on the way."""
    ran = workspace.lock("lib==1.3", flags=["--offline"])

    check_refused(workspace, ran, 4, "lib 1.3", "r.txt:1", "mirror warm")


@pytest.mark.parametrize("kind", ["snapshot", "folder"])
def test_a_mirror_that_cannot_be_changed_names_it_too(workspace: Workspace, tmp_path: Path, kind: str) -> None:
    """A snapshot and a published folder hold the newest releases as well."""
    carried = tmp_path / "carried"
    workspace.run("mirror", "export" if kind == "snapshot" else "publish", str(carried))

    ran = workspace.lock(
        "lib==1.3", flags=["--mirror", str(carried), "--offline"] if kind == "snapshot" else ["--offline"]
    )

    check_refused(workspace, ran, 4, "lib 1.3", "r.txt:1")


def test_a_lock_that_fails_gives_its_turn_back(tmp_path: Path, index: LoopbackIndex) -> None:
    """Two questions at once may fail for the same reason; the next one is answered."""
    server = Served(tmp_path, index, "--max-solves", "2", warm=())
    try:
        assert server.run("lock", "--packages", "lib", "-o", "pylock.toml").returncode == 0
        index.fail(PAGE, times=1000, status=500)
        for line in (b"lib==1.3", b"lib==1.4", b"lib<1.5"):
            status, text = server.lock(line)
            assert (status, "lib" in text) == (422, True), text
        assert server.lock(b"lib>1.1")[0] == 200
    finally:
        server.stop()
    assert asked_too_often(index.requests_seen) == {}
