"""An index in trouble: waited for where that helps, named where it does not, replaced by the mirror where that is filled."""

from __future__ import annotations

import time

import pytest

from tests.support.desk import Desk, check_refused, locked
from tests.support.dists import wheel
from tests.support.index_pages import MODERN
from tests.support.index_server import LoopbackIndex

CHAIN = {"app": "2.0", "base": "1.0", "lib": "2.0"}
BOTH = pytest.mark.parametrize("transport", ["curl", "requests"])


@pytest.mark.parametrize(("status", "transport"), [(503, "curl"), (429, "requests"), (500, "curl"), (503, "requests")])
def test_trouble_that_passes_is_waited_for(desk: Desk, index: LoopbackIndex, status: int, transport: str) -> None:
    """Twice "come back later", then the answer; nobody is asked before the time the index names."""
    index.fail("/simple/lib/", times=2, status=status, retry_after="1" if status != 500 else None)
    began = time.monotonic()

    pins = locked(desk, "app", flags=["--transport", transport])

    assert pins == CHAIN
    assert [seen.status for seen in index.requests_seen if seen.path == "/simple/lib/"] == [status, status, 200]
    assert status == 500 or time.monotonic() - began >= 2


@BOTH
def test_a_reset_connection_is_tried_again(desk: Desk, index: LoopbackIndex, transport: str) -> None:
    """Load balancers do that."""
    index.fail("/simple/app/", "reset", times=1)

    assert locked(desk, "app", flags=["--transport", transport]) == CHAIN


@BOTH
def test_a_truncated_page_is_fetched_again(desk: Desk, index: LoopbackIndex, transport: str) -> None:
    """Half a page is no page."""
    index.fail("/simple/app/", "truncate", times=1)

    assert locked(desk, "app", flags=["--transport", transport]) == CHAIN


@BOTH
def test_a_page_that_is_always_truncated_is_one_clear_error(desk: Desk, index: LoopbackIndex, transport: str) -> None:
    """Half a page would be a smaller project."""
    index.fail("/simple/app/", "truncate", times=99)

    ran = desk.lock("app", flags=["--retries", "1", "--transport", transport])

    check_refused(desk, ran, 5, "app", "cut short")


@BOTH
def test_a_truncated_wheel_is_fetched_again(desk: Desk, index: LoopbackIndex, transport: str) -> None:
    """A wheel that is read whole, and its tail."""
    index.flavour = MODERN._replace(sidecars="none")
    index.fail("/files/*", "truncate", times=3)

    assert locked(desk, "app", flags=["--transport", transport]) == CHAIN


@BOTH
def test_a_slow_body_within_the_patience_is_read(desk: Desk, index: LoopbackIndex, transport: str) -> None:
    """Patience counts from one byte to the next, not for the whole answer."""
    index.fail("/simple/app/", "drip", times=1, seconds=3)

    assert locked(desk, "app", flags=["--timeout", "2", "--retries", "0", "--transport", transport]) == CHAIN


@BOTH
def test_a_body_slower_than_the_patience_is_one_clear_error(desk: Desk, index: LoopbackIndex, transport: str) -> None:
    """Each part comes later than --timeout allows."""
    index.fail("/simple/app/", "drip", times=9, seconds=40)

    ran = desk.lock("app", flags=["--timeout", "1", "--retries", "0", "--transport", transport])

    check_refused(desk, ran, 5, "app", "timed out")


@BOTH
def test_an_index_that_never_answers_is_one_clear_error(desk: Desk, index: LoopbackIndex, transport: str) -> None:
    """It takes the connection and is silent."""
    index.fail("/simple/app/", "hang", times=9, seconds=20)

    ran = desk.lock("app", flags=["--timeout", "1", "--retries", "0", "--transport", transport])

    check_refused(desk, ran, 5, "app", "timed out")


@BOTH
def test_a_loop_of_redirects_is_one_clear_error(desk: Desk, index: LoopbackIndex, transport: str) -> None:
    """And it is not tried six times."""
    index.flavour = MODERN._replace(redirect=True, redirect_root="/loop")

    ran = desk.lock("app", flags=["--transport", transport])

    check_refused(desk, ran, 5, "app", "redirects")
    assert len(index.requests_seen) < 100


@BOTH
def test_unreachable_and_not_filled_is_5(desk: Desk, transport: str) -> None:
    """Every project is named, with the line that asks for it."""
    flags = ["--index-url", "http://127.0.0.1:9/simple/", "--retries", "0", "--transport", transport]

    check_refused(desk, desk.lock("app", "lib", flags=flags), 5, "app", "lib", "r.txt:1", "r.txt:2")


@pytest.mark.parametrize("trouble", ["status", "reset", "hang", "truncate", "gone"])
def test_unreachable_with_a_filled_mirror_uses_it_and_says_so(desk: Desk, index: LoopbackIndex, trouble: str) -> None:
    """The same bytes, exit code 0, one warning with the mirror's age."""
    index.flavour = MODERN._replace(cache_control="no-cache", etag=trouble != "truncate")
    locked(desk, "app")
    before = desk.read("pylock.toml")
    if trouble == "gone":
        index._server.shutdown()
        index._server.server_close()
        index._server.drop_connections()
    else:
        index.fail("*", trouble, times=99, seconds=5)

    ran = desk.lock("app", flags=["--retries", "0", "--timeout", "1"])

    assert ran.code == 0, ran.err
    assert desk.read("pylock.toml") == before
    warnings = [line for line in ran.err.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 1, ran.err
    assert "answering from the mirror, under a minute old" in warnings[0]


def test_an_index_that_goes_away_in_the_middle(desk: Desk, index: LoopbackIndex) -> None:
    """What was had is kept: when the index is back, only the rest is asked for."""
    index.fail("/simple/base/", "reset", times=99)
    ran = desk.lock("app", flags=["--retries", "0"])
    check_refused(desk, ran, 5, "base")
    index._faults.clear()
    index.requests_seen.clear()

    assert locked(desk, "app") == CHAIN
    assert index.paths() == ["/simple/base/", "/files/base/base-1.0-py3-none-any.whl.metadata"]


@pytest.mark.parametrize(
    "command", [("lock", "r.txt"), ("mirror", "warm", "r.txt"), ("mirror", "warm", "r.txt", "--depth", "closure")]
)
def test_an_index_that_goes_away_in_the_middle_of_a_stale_mirror(
    desk: Desk, index: LoopbackIndex, command: tuple[str, ...]
) -> None:
    """What it still confirmed is taken, the rest is answered from the mirror, and one warning says how old that is."""
    index.flavour = MODERN._replace(cache_control="no-cache", etag=True)
    locked(desk, "app")
    assert desk.run("mirror", "warm", "r.txt", "--depth", "closure").code == 0
    before = desk.read("pylock.toml")
    index.fail("/simple/base/", "reset", times=99)

    ran = desk.run(*command, "--retries", "0")

    assert ran.code == 0, ran.err
    assert [line for line in ran.err.splitlines() if "answering from the mirror, under a minute old" in line], ran.err
    assert desk.run("lock", "r.txt", "--offline").code == 0
    assert desk.read("pylock.toml") == before


def test_no_file_for_an_older_release_is_chosen_because_of_a_fault(desk: Desk, index: LoopbackIndex) -> None:
    """A release whose metadata cannot be had is named; the next older one is not silently taken."""
    index.fail("/files/app/app-2.0*", times=99, status=500)

    ran = desk.lock("app", flags=["--retries", "0"])

    check_refused(desk, ran, 5, "app-2.0", "500")


def test_offline_names_each_missing_project_and_release(desk: Desk, index: LoopbackIndex) -> None:
    """Exit code 4; nobody is asked."""
    locked(desk, "app<2")  # so app 2.0 is listed, but what it needs is not known
    asked = len(index.requests_seen)

    ran = desk.lock("app", "stranger", "other", flags=["--offline"])

    check_refused(desk, ran, 4, "3 projects could not be had", "stranger", "other", "app 2.0", "r.txt:2", "r.txt:3")
    assert len(index.requests_seen) == asked


def test_offline_serves_what_is_long_stale(desk: Desk, index: LoopbackIndex) -> None:
    """A mirror, not a cache."""
    index.flavour = MODERN._replace(cache_control="no-store")
    locked(desk, "app")
    before, asked = desk.read("pylock.toml"), len(index.requests_seen)

    assert locked(desk, "app", flags=["--offline"]) == CHAIN
    assert desk.read("pylock.toml") == before
    assert len(index.requests_seen) == asked


def test_a_project_that_is_not_there_is_known_offline(desk: Desk) -> None:
    """The index said so; that is a fact like any other."""
    desk.lock("ghost")

    check_refused(desk, desk.lock("ghost", flags=["--offline"]), 1, "ghost", "no index has")


def test_a_fresh_mirror_asks_nobody(desk: Desk, index: LoopbackIndex) -> None:
    """Within the lifetime that the index gives."""
    locked(desk, "app")
    asked = len(index.requests_seen)

    assert locked(desk, "app") == CHAIN
    assert len(index.requests_seen) == asked


@BOTH
def test_a_stale_mirror_asks_whether_anything_is_new(desk: Desk, index: LoopbackIndex, transport: str) -> None:
    """304 for each project; no file is read again."""
    index.flavour = MODERN._replace(cache_control="no-cache")
    locked(desk, "app")
    index.requests_seen.clear()

    assert locked(desk, "app", flags=["--transport", transport]) == CHAIN
    assert [(seen.path, seen.status) for seen in sorted(index.requests_seen, key=lambda seen: seen.path)] == [
        ("/simple/app/", 304), ("/simple/base/", 304), ("/simple/lib/", 304),
    ]  # fmt: skip


def test_what_is_new_is_found(desk: Desk, index: LoopbackIndex) -> None:
    """--refresh distrusts freshness; what the mirror knows of old releases stays."""
    locked(desk, "app")
    index.publish("app", wheel("app", "3.0", ["lib<2"]))
    index.requests_seen.clear()

    assert locked(desk, "app", flags=["--refresh"]) == {"app": "3.0", "lib": "1.0"}
    assert index.paths("/files/*") == [
        "/files/app/app-3.0-py3-none-any.whl.metadata", "/files/lib/lib-1.0-py3-none-any.whl.metadata",
    ]  # fmt: skip
