"""An index that fails: requests are tried again if that helps, the failure is named if not, and a filled mirror answers instead."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from tests.support.dists import wheel
from tests.support.index_http import Answer
from tests.support.index_pages import MODERN
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace, check_refused, locked

CHAIN = {"app": "2.0", "base": "1.0", "lib": "2.0"}
BOTH = pytest.mark.parametrize("transport", ["curl", "requests"])


@pytest.mark.parametrize(("status", "transport"), [(503, "curl"), (429, "requests"), (500, "curl"), (503, "requests")])
def test_trouble_that_passes_is_waited_for(
    workspace: Workspace, index: LoopbackIndex, status: int, transport: str
) -> None:
    """Twice "come back later", then the answer; nobody is asked before the time the index names."""
    index.fail("/simple/lib/", times=2, status=status, retry_after="1" if status != 500 else None)
    began = time.monotonic()

    pins = locked(workspace, "app", flags=["--transport", transport])

    assert pins == CHAIN
    assert [seen.status for seen in index.requests_seen if seen.path == "/simple/lib/"] == [status, status, 200]
    assert status == 500 or time.monotonic() - began >= 2


@BOTH
def test_a_reset_connection_is_tried_again(workspace: Workspace, index: LoopbackIndex, transport: str) -> None:
    """Load balancers do that."""
    index.fail("/simple/app/", "reset", times=1)

    assert locked(workspace, "app", flags=["--transport", transport]) == CHAIN


@BOTH
def test_a_truncated_page_is_fetched_again(workspace: Workspace, index: LoopbackIndex, transport: str) -> None:
    """Half a page is no page."""
    index.fail("/simple/app/", "truncate", times=1)

    assert locked(workspace, "app", flags=["--transport", transport]) == CHAIN


@BOTH
def test_a_page_that_is_always_truncated_is_one_clear_error(
    workspace: Workspace, index: LoopbackIndex, transport: str
) -> None:
    """Half a page would be a smaller project."""
    index.fail("/simple/app/", "truncate", times=99)

    ran = workspace.lock("app", flags=["--retries", "1", "--transport", transport])

    check_refused(workspace, ran, 5, "app", "cut short")


@BOTH
def test_a_truncated_wheel_is_fetched_again(workspace: Workspace, index: LoopbackIndex, transport: str) -> None:
    """A wheel that is read whole, and its tail."""
    index.flavour = MODERN._replace(sidecars="none")
    index.fail("/files/*", "truncate", times=3)

    assert locked(workspace, "app", flags=["--transport", transport]) == CHAIN


@BOTH
def test_a_slow_body_within_the_patience_is_read(workspace: Workspace, index: LoopbackIndex, transport: str) -> None:
    """Patience counts from one byte to the next, not for the whole answer."""
    index.fail("/simple/app/", "drip", times=1, seconds=3)

    assert locked(workspace, "app", flags=["--timeout", "2", "--retries", "0", "--transport", transport]) == CHAIN


@BOTH
def test_a_body_slower_than_the_patience_is_one_clear_error(
    workspace: Workspace, index: LoopbackIndex, transport: str
) -> None:
    """Each part comes later than --timeout allows."""
    index.fail("/simple/app/", "drip", times=9, seconds=40)

    ran = workspace.lock("app", flags=["--timeout", "1", "--retries", "0", "--transport", transport])

    check_refused(workspace, ran, 5, "app", "timed out")


@BOTH
def test_an_index_that_never_answers_is_one_clear_error(
    workspace: Workspace, index: LoopbackIndex, transport: str
) -> None:
    """It takes the connection and is silent."""
    index.fail("/simple/app/", "hang", times=9, seconds=20)

    ran = workspace.lock("app", flags=["--timeout", "1", "--retries", "0", "--transport", transport])

    check_refused(workspace, ran, 5, "app", "timed out")


@BOTH
def test_a_loop_of_redirects_is_one_clear_error(workspace: Workspace, index: LoopbackIndex, transport: str) -> None:
    """And it is not tried six times."""
    index.flavour = MODERN._replace(redirect=True, redirect_root="/loop")

    ran = workspace.lock("app", flags=["--transport", transport])

    check_refused(workspace, ran, 5, "app", "redirects")
    assert len(index.requests_seen) < 100


@BOTH
def test_unreachable_and_not_filled_is_5(workspace: Workspace, transport: str) -> None:
    """Every project is named, with the line that asks for it."""
    flags = ["--index-url", "http://127.0.0.1:9/simple/", "--retries", "0", "--transport", transport]

    check_refused(workspace, workspace.lock("app", "lib", flags=flags), 5, "app", "lib", "r.txt:1", "r.txt:2")


@pytest.mark.parametrize("trouble", ["status", "reset", "hang", "truncate", "gone"])
def test_unreachable_with_a_filled_mirror_uses_it_and_says_so(
    workspace: Workspace, index: LoopbackIndex, trouble: str
) -> None:
    """The same bytes, exit code 0, one warning with the mirror's age."""
    index.flavour = MODERN._replace(cache_control="no-cache", etag=trouble != "truncate")
    locked(workspace, "app")
    before = workspace.read("pylock.toml")
    if trouble == "gone":
        index._server.shutdown()
        index._server.server_close()
        index._server.drop_connections()
    else:
        index.fail("*", trouble, times=99, seconds=5)

    ran = workspace.lock("app", flags=["--retries", "0", "--timeout", "1"])

    assert ran.code == 0, ran.err
    assert workspace.read("pylock.toml") == before
    warnings = [line for line in ran.err.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 1, ran.err
    assert "answering from the mirror, under a minute old" in warnings[0]


def test_an_index_that_goes_away_in_the_middle(workspace: Workspace, index: LoopbackIndex) -> None:
    """What was had is kept: when the index is back, only the rest is asked for."""
    index.fail("/simple/base/", "reset", times=99)
    ran = workspace.lock("app", flags=["--retries", "0"])
    check_refused(workspace, ran, 5, "base")
    index._faults.clear()
    index.requests_seen.clear()

    assert locked(workspace, "app") == CHAIN
    assert index.paths() == ["/simple/base/", "/files/base/base-1.0-py3-none-any.whl.metadata"]


@pytest.mark.parametrize(
    "command", [("lock", "r.txt"), ("mirror", "warm", "r.txt"), ("mirror", "warm", "r.txt", "--depth", "closure")]
)
def test_an_index_that_goes_away_in_the_middle_of_a_stale_mirror(
    workspace: Workspace, index: LoopbackIndex, command: tuple[str, ...]
) -> None:
    """What it still confirmed is taken, the rest is answered from the mirror, and one warning says how old that is."""
    index.flavour = MODERN._replace(cache_control="no-cache", etag=True)
    locked(workspace, "app")
    assert workspace.run("mirror", "warm", "r.txt", "--depth", "closure").code == 0
    before = workspace.read("pylock.toml")
    index.fail("/simple/base/", "reset", times=99)

    ran = workspace.run(*command, "--retries", "0")

    assert ran.code == 0, ran.err
    assert [line for line in ran.err.splitlines() if "answering from the mirror, under a minute old" in line], ran.err
    assert workspace.run("lock", "r.txt", "--offline").code == 0
    assert workspace.read("pylock.toml") == before


def test_no_file_for_an_older_release_is_chosen_because_of_a_fault(workspace: Workspace, index: LoopbackIndex) -> None:
    """A release whose metadata is not available is named; the next older one is not silently taken."""
    index.fail("/files/app/app-2.0*", times=99, status=500)

    ran = workspace.lock("app", flags=["--retries", "0"])

    check_refused(workspace, ran, 5, "app-2.0", "500")


def test_offline_names_each_missing_project_and_release(workspace: Workspace, index: LoopbackIndex) -> None:
    """Exit code 4; nobody is asked."""
    locked(workspace, "app<2")  # so app 2.0 is listed, but what it needs is not known
    asked = len(index.requests_seen)

    ran = workspace.lock("app", "stranger", "other", flags=["--offline"])

    check_refused(workspace, ran, 4, "3 projects not available", "stranger", "other", "app 2.0", "r.txt:2", "r.txt:3")
    assert len(index.requests_seen) == asked


def test_offline_serves_what_is_long_stale(workspace: Workspace, index: LoopbackIndex) -> None:
    """A mirror, not a cache."""
    index.flavour = MODERN._replace(cache_control="no-store")
    locked(workspace, "app")
    before, asked = workspace.read("pylock.toml"), len(index.requests_seen)

    assert locked(workspace, "app", flags=["--offline"]) == CHAIN
    assert workspace.read("pylock.toml") == before
    assert len(index.requests_seen) == asked


def test_a_project_that_is_not_there_is_known_offline(workspace: Workspace) -> None:
    """The index said so; that is a fact like any other."""
    workspace.lock("ghost")

    check_refused(workspace, workspace.lock("ghost", flags=["--offline"]), 1, "ghost", "no index has")


def test_a_fresh_mirror_makes_no_request(workspace: Workspace, index: LoopbackIndex) -> None:
    """Within the lifetime that the index gives."""
    locked(workspace, "app")
    asked = len(index.requests_seen)

    assert locked(workspace, "app") == CHAIN
    assert len(index.requests_seen) == asked


@BOTH
def test_a_stale_mirror_asks_whether_anything_is_new(
    workspace: Workspace, index: LoopbackIndex, transport: str
) -> None:
    """304 for each project; no file is read again."""
    index.flavour = MODERN._replace(cache_control="no-cache")
    locked(workspace, "app")
    index.requests_seen.clear()

    assert locked(workspace, "app", flags=["--transport", transport]) == CHAIN
    assert [(seen.path, seen.status) for seen in sorted(index.requests_seen, key=lambda seen: seen.path)] == [
        ("/simple/app/", 304), ("/simple/base/", 304), ("/simple/lib/", 304),
    ]  # fmt: skip


def test_what_is_new_is_found(workspace: Workspace, index: LoopbackIndex) -> None:
    """--refresh distrusts freshness; what the mirror knows of old releases stays."""
    locked(workspace, "app")
    index.publish("app", wheel("app", "3.0", ["lib<2"]))
    index.requests_seen.clear()

    assert locked(workspace, "app", flags=["--refresh"]) == {"app": "3.0", "lib": "1.0"}
    assert index.paths("/files/*") == [
        "/files/app/app-3.0-py3-none-any.whl.metadata", "/files/lib/lib-1.0-py3-none-any.whl.metadata",
    ]  # fmt: skip


@pytest.mark.parametrize("transport", ["curl", "requests", "aiohttp"])
@pytest.mark.parametrize("encoding", ["utf-8", "aws-chunked", "binary"])
def test_an_encoding_that_does_not_exist_is_passed_over(
    workspace: Workspace, index: LoopbackIndex, transport: str, encoding: str
) -> None:
    """Some stores say so of plain files; pip takes the answer as it is."""
    plain = index.answer

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        response = plain(path, headers)
        return response._replace(headers=(*response.headers, ("Content-Encoding", encoding)))

    index.answer = answer  # type: ignore[method-assign]  # an index that no honest flavour describes

    ran = workspace.lock("app", flags=["--transport", transport])

    assert ran.code == 0, ran.err
