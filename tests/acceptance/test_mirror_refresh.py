"""``mirror refresh``: many projects revalidated in one command, continued after a kill, with a report of what changed."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.dists import wheel
from tests.support.index_pages import HTML_ONLY, MODERN, Flavour
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace

MANY = 900
STORED = 800  # requests after which some must have been stored: 512 are, before 256 more are under way


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve projects with three releases each."""
    with LoopbackIndex({name: [wheel(name, f"{n}.0") for n in (1, 2, 3)] for name in ("a", "b", "c", "d")}) as served:
        yield served


@pytest.fixture
def workspace(tmp_path: Path, index: LoopbackIndex) -> Workspace:
    """Return a workspace with a list of the projects, all of them in its mirror."""
    user = Workspace(tmp_path, index.url)
    user.write("names.txt", "a\nB  # in any spelling\n\nc\nd\n")
    assert user.run("mirror", "refresh", "--packages-file", "names.txt").code == 0
    return user


def refreshed(workspace: Workspace, *flags: str) -> dict[str, Any]:
    """Refresh, and return the report."""
    ran = workspace.run("mirror", "refresh", "--packages-file", "names.txt", "--format", "json", *flags)
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert isinstance(report, dict)
    return report


def kinds(report: dict[str, Any]) -> dict[str, str]:
    """Return the kind of change by project."""
    return {change["name"]: change["kind"] for change in report["changes"]}


@pytest.mark.parametrize("flavour", [MODERN, HTML_ONLY])
def test_the_report_has_new_releases_yanks_and_projects_that_are_gone(
    workspace: Workspace, index: LoopbackIndex, flavour: Flavour
) -> None:
    """With validators and without; the second report is empty, and what is undone is reported too."""
    index.flavour = flavour
    index.publish("a", wheel("a", "4.0"))
    index.publish_page("b", (wheel("b", "1.0")._replace(yanked="bad"), wheel("b", "2.0"), wheel("b", "3.0")))
    index.withdraw("c")

    first = {change["name"]: change for change in refreshed(workspace)["changes"]}
    again = refreshed(workspace)["changes"]
    index.publish_page("b", (wheel("b", "1.0"), wheel("b", "3.0")))
    index.publish("c", wheel("c", "1.0"), wheel("c", "5.0"))
    undone = {change["name"]: change for change in refreshed(workspace)["changes"]}

    assert {name: change["kind"] for name, change in first.items()} == {
        "a": "changed",
        "b": "changed",
        "c": "withdrawn",
    }
    assert (first["a"]["added"], first["b"]["yanked"]) == (["4.0"], ["1.0"])
    assert again == []
    assert {name: change["kind"] for name, change in undone.items()} == {"b": "changed", "c": "returned"}
    assert (undone["b"]["restored"], undone["b"]["removed"], undone["c"]["added"]) == (["1.0"], ["2.0"], ["5.0"])


def test_the_text_names_every_change(workspace: Workspace, index: LoopbackIndex) -> None:
    """One block for each project, and the counts in the last line."""
    index.publish("a", wheel("a", "4.0"))
    index.withdraw("c")

    ran = workspace.run("mirror", "refresh")

    assert ran.out == "~ a\n    added: 4.0\n! c (its index does not list it any more)\n"
    assert "refreshed 4 projects: 1 changed, 1 withdrawn; 4 requests, 2 unchanged by their validators" in ran.err


def test_old_yanks_of_releases_that_a_lock_did_not_keep_are_no_change(tmp_path: Path) -> None:
    """A lock keeps the files of the newest releases alone; the first refresh reads all, and later yanks are changes."""
    releases = [wheel("long", f"{number}.0")._replace(yanked="bad" if number < 3 else False) for number in range(400)]
    with LoopbackIndex({"long": releases}, MODERN._replace(cache_control="max-age=0")) as index:
        user = Workspace(tmp_path, index.url)
        user.write("r.in", "long\n")
        user.write("names.txt", "long\n")
        assert user.run("lock", "r.in", "-o", "r.txt").code == 0

        releases.append(wheel("long", "400.0"))
        index.publish_page("long", releases)
        (first,) = refreshed(user)["changes"]
        index.publish_page(
            "long", [row._replace(yanked="bad") if row.version in {"5.0", "398.0"} else row for row in releases]
        )
        (change,) = refreshed(user)["changes"]

    assert (first["added"], first["yanked"]) == (["400.0"], [])
    assert change["yanked"] == ["5.0", "398.0"]


def test_an_unchanged_project_takes_one_conditional_request(workspace: Workspace, index: LoopbackIndex) -> None:
    """Even if its page is still fresh; a name that nobody has is a warning."""
    workspace.write("names.txt", "a\nb\nnobody\n")
    before = len(index.requests_seen)

    ran = workspace.run("mirror", "refresh", "--packages-file", "names.txt")

    assert (ran.code, ran.out) == (0, "")
    assert "warning: no index has nobody" in ran.err
    assert "refreshed 2 projects: nothing changed; 3 requests" in ran.err
    seen = sorted((request.path, request.status) for request in index.requests_seen[before:])
    assert seen == [("/simple/a/", 304), ("/simple/b/", 304), ("/simple/nobody/", 404)]


def test_requests_are_not_sent_faster_than_asked_for(workspace: Workspace, index: LoopbackIndex) -> None:
    """By the server's own times; pages, answers without a body, and a request that is repeated; slow machines take longer only."""
    names = [f"r{number}" for number in range(20)]
    for name in names:
        index.publish(name, wheel(name, "1.0"))
    workspace.write("names.txt", "\n".join(names))
    index.fail("/simple/r7/", status=503)

    arrived: list[list[float]] = []
    for _ in range(2):
        index.requests_seen.clear()
        refreshed(workspace, "--requests-per-second", "20")
        arrived.append([seen.arrived for seen in index.requests_seen])

    assert [len(times) for times in arrived] == [21, 20]
    # n requests at 20 a second take (n - 1) / 20 seconds; half of it, since the first may arrive late.
    assert all(max(times) - min(times) > (len(times) - 1) / 20 / 2 for times in arrived), arrived


def test_a_refresh_that_its_budget_stopped_is_continued(workspace: Workspace, index: LoopbackIndex) -> None:
    """With the other projects only; its report has the changes of both runs."""
    for name in "abcd":
        index.publish(name, wheel(name, "4.0"))
    before = len(index.requests_seen)
    workspace.write("names.txt", "a\nb\nc\nd\n" + "".join(f"x{number}\n" for number in range(40)))

    first = refreshed(workspace, "--max-requests", "6")
    asked_first = len(index.requests_seen) - before
    second = refreshed(workspace)

    assert (first["finished"], second["finished"], asked_first) == (False, True, 6)
    assert (second["done"], len(second["unknown"])) == (4, 40)
    assert kinds(second) == dict.fromkeys("abcd", "changed")
    asked = Counter(seen.path for seen in index.requests_seen[before:])
    assert (len(asked), set(asked.values())) == (44, {1})


def test_a_killed_refresh_is_continued(tmp_path: Path) -> None:
    """Nothing that changed is missing in the second report, and what was stored is not asked for again."""
    names = [f"p{number}" for number in range(MANY)]
    with LoopbackIndex({name: [wheel(name, "1.0")] for name in names}) as index:
        workspace = Workspace(tmp_path, index.url)
        workspace.write("names.txt", "\n".join(names))
        assert workspace.run("mirror", "refresh", "--packages-file", "names.txt").code == 0
        for name in names[::10]:
            index.publish(name, wheel(name, "2.0"))
        before = len(index.requests_seen)
        running = workspace.start("mirror", "refresh", "--packages-file", "names.txt")
        until = time.monotonic() + 60
        while len(index.requests_seen) < before + STORED and time.monotonic() < until:
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        running.communicate()
        killed = len(index.requests_seen)

        report = refreshed(workspace)

        assert kinds(report) == dict.fromkeys(names[::10], "changed")
        assert (report["done"], report["finished"]) == (MANY, True)
        assert len(index.requests_seen) - killed < MANY
        assert refreshed(workspace)["changes"] == []


def test_an_index_that_is_down_is_not_asked_for_everything(workspace: Workspace) -> None:
    """The run ends after some failures with the code of an unreachable index; the next run asks for all."""
    workspace.write("names.txt", "\n".join(f"x{number}" for number in range(1000)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/simple"

    ran = workspace.run(
        "mirror", "refresh", "--packages-file", "names.txt", "--format", "json", "--index-url", url, "--retries", "1"
    )

    report = json.loads(ran.out)
    assert ran.code == 5
    assert (report["finished"], report["done"]) == (False, 0)
    assert report["requests"] < 100
    assert "Traceback" not in ran.err


def test_one_page_that_fails_does_not_stop_the_others(workspace: Workspace, index: LoopbackIndex) -> None:
    """Its project is named, and the next run asks for it alone."""
    index.publish("a", wheel("a", "4.0"))
    index.fail("/simple/b/")
    failed = workspace.run("mirror", "refresh", "--packages-file", "names.txt", "--retries", "0")
    before = len(index.requests_seen)

    report = refreshed(workspace)

    assert failed.code == 5
    assert "could not ask for b" in failed.err
    assert [seen.path for seen in index.requests_seen[before:]] == ["/simple/b/"]
    assert kinds(report) == {"a": "changed"}


@pytest.mark.parametrize(
    ("line", "flags", "words"),
    [
        ("a>=2", (), ("names.txt:2", "'a>=2'")),
        ("../x", (), ("names.txt:2", "'../x'")),
        ("a", ("--offline",), ("--offline",)),
        ("a", ("--requests-per-second", "0"), ("--requests-per-second", "'0'")),
        ("a", ("--mirror", "https://index.example/mirror"), ("can only be read",)),
    ],
)
def test_what_cannot_be_refreshed_is_refused(
    workspace: Workspace, index: LoopbackIndex, line: str, flags: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """With exit code 2, a line that names the place, at most one hint, and no request."""
    workspace.write("names.txt", f"a\n{line}\n")
    before = len(index.requests_seen)

    ran = workspace.run("mirror", "refresh", "--packages-file", "names.txt", *flags)

    assert (ran.code, ran.out, len(index.requests_seen)) == (2, "", before)
    assert [word for word in words if word not in ran.err] == []
    error, *hints = ran.err.splitlines()
    assert error.startswith("error: ")
    assert [hint[:6] for hint in hints] in ([], ["hint: "])
