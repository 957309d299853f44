"""Project pages are asked for once: also where a cutoff or an old pin needs releases far from the newest."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace, locked

COUNT = 400  # releases: more than any part of a page that is kept by default
START = datetime(2015, 1, 1, tzinfo=UTC)


def uploaded(number: int) -> str:
    """Return when a release was uploaded: one every ten days."""
    return (START + timedelta(days=10 * number)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def long_index(index: LoopbackIndex) -> LoopbackIndex:
    """Serve two projects with a long history, the one needing the other at the same release."""
    for number in range(COUNT):
        version = f"1.{number}"
        index.publish("upper", wheel("upper", version, [f"lower=={version}"], upload_time=uploaded(number)))
        index.publish("lower", wheel("lower", version, upload_time=uploaded(number)))
    return index


def pages(index: LoopbackIndex) -> Counter[str]:
    """Return how often each project page was asked for."""
    return Counter(index.paths("/simple/*"))


def test_a_cutoff_fetches_no_page_twice(workspace: Workspace, long_index: LoopbackIndex) -> None:
    """Everything that a cutoff needs is kept when the page comes."""
    pins = locked(workspace, "upper", flags=["--uploaded-prior-to", uploaded(100)])

    assert pins == {"lower": "1.99", "upper": "1.99"}
    assert max(pages(long_index).values()) == 1


def test_an_old_release_that_came_after_the_cutoff_is_refused(workspace: Workspace, index: LoopbackIndex) -> None:
    """Only the newest before the cutoff are checked before the search: a late fix of an old series is checked in it."""
    for number in range(40):
        late = number in {5, 20}
        index.publish("upper", wheel("upper", f"1.{number}", upload_time=uploaded(200 if late else number)))
    flags = ["--uploaded-prior-to", uploaded(100)]

    assert locked(workspace, "upper<1.6", flags=flags) == {"upper": "1.4"}
    assert locked(workspace, "upper<1.6", flags=[*flags, "--offline"]) == {"upper": "1.4"}
    workspace.write("r.txt", "upper==1.5\n")
    refused = workspace.run("lock", "r.txt", "-o", "pylock.toml", *flags)
    assert refused.code == 1
    assert "upper 1.5" in refused.err
    assert "uploaded" in refused.err
    assert max(pages(index).values()) == 1


def test_a_conflict_at_an_old_pin_fetches_no_page_twice(workspace: Workspace, long_index: LoopbackIndex) -> None:
    """A search weighs releases that are older still, by when they were uploaded."""
    long_index.publish("other", *[wheel("other", f"2.{number}", ["lower<1.90"]) for number in range(3)])

    assert locked(workspace, "upper<1.101", "other")["upper"] == "1.89"
    assert max(pages(long_index).values()) == 1


@pytest.mark.parametrize("line", ["upper==1.100", "upper<1.101", "upper~=1.100,<1.101"])
def test_an_old_pin_fetches_no_page_twice(workspace: Workspace, long_index: LoopbackIndex, line: str) -> None:
    """What the user pins, and what that pins."""
    assert locked(workspace, line) == {"lower": "1.100", "upper": "1.100"}
    assert max(pages(long_index).values()) == 1


def test_a_lock_that_is_kept_fetches_no_page_twice(workspace: Workspace, long_index: LoopbackIndex) -> None:
    """The pins of an existing lock are old pins too."""
    assert locked(workspace, "upper==1.100") == {"lower": "1.100", "upper": "1.100"}
    workspace.write("r.txt", "upper\n")
    workspace.environment["PIPX_PARALLEL_MIRROR"] = str(workspace.mirror) + "-new"
    before = pages(long_index)

    ran = workspace.run("lock", "r.txt", "-o", "pylock.toml")

    assert ran.code == 0, ran.err
    assert workspace.pins() == {"lower": "1.100", "upper": "1.100"}
    assert max((pages(long_index) - before).values()) == 1


def test_the_project_of_a_constraint_is_asked_for_only_if_something_requires_it(
    workspace: Workspace, index: LoopbackIndex
) -> None:
    """A constraints file may have a thousand lines; those that concern the lock apply, wherever their project is met."""
    index.publish("heavy", wheel("heavy", "1.0", ["heavier"]))
    index.publish("heavier", wheel("heavier", "1.0"))
    index.publish("leaf", wheel("leaf", "1.0"), wheel("leaf", "2.0", ["heavy"]))
    index.publish("middle", wheel("middle", "1.0", ["leaf"]))
    workspace.write("limits.txt", "heavy<2\nheavier\nleaf<2\nno-such-project==1\n")

    assert locked(workspace, "middle", flags=["-c", "limits.txt"]) == {"leaf": "1.0", "middle": "1.0"}
    assert not index.paths("/simple/heavy*")
    assert not index.paths("/simple/no-such-project*")
    assert not index.paths("/files/leaf/leaf-2.0*")
