"""Differences between locks, for people, programs and reviewers."""

from __future__ import annotations

import json

from pipx_parallel.locks.lock_diff import (
    Facts,
    PinChange,
    compare,
    counts,
    facts_of,
    render_json,
    render_markdown,
    render_text,
    summary,
)
from pipx_parallel.locks.lock_reader import Lock, LockedPackage
from tests.support.goldens import assert_golden
from tests.support.resolutions import pin, resolution, root, wheel

BEFORE = Lock(
    "pylock",
    (
        LockedPackage("certifi", "2026.1.1", ("sha256:1", "sha256:2")),
        LockedPackage("gone", "1.0"),
        LockedPackage("httpx", "0.27.2"),
        LockedPackage("idna", "3.10"),
        LockedPackage("local", None, (), None, "file:///a"),
        LockedPackage("pinned", "2.0"),
        LockedPackage("same", "1.0", ("sha256:3",)),
    ),
)
AFTER = Lock(
    "pylock",
    (
        LockedPackage("certifi", "2026.1.1", ("sha256:2", "sha256:9")),
        LockedPackage("h_evil|[x](y)@all", "1.0"),
        LockedPackage("httpx", "0.28.1"),
        LockedPackage("idna", "3.9"),
        LockedPackage("local", None, (), None, "file:///b"),
        LockedPackage("pinned", "10.0"),
        LockedPackage("same", "1.0", ("sha256:3", "sha256:4")),
    ),
)
FACTS = {
    "httpx": Facts(("requirements.in:3",), "2026-01-02", libyears=1.25),
    "idna": Facts(("anyio", "httpx"), "2025-01-02", "broken wheel"),
    "pinned": Facts((), None, "", 0.0, "archived"),
}
ROWS = compare(BEFORE, AFTER, FACTS)


def test_every_kind_of_change_is_reported() -> None:
    """Versions are compared by PEP 440; files that were added to a release are no change."""
    assert [(row.name, row.kind) for row in ROWS] == [
        ("h_evil|[x](y)@all", "added"),
        ("gone", "removed"),
        ("httpx", "up"),
        ("pinned", "up"),
        ("idna", "down"),
        ("local", "moved"),
        ("certifi", "rehashed"),
    ]


def test_the_text_looks_as_agreed() -> None:
    """A line a change, then the counts."""
    assert_golden("diff.txt", render_text(ROWS))


def test_the_markdown_looks_as_agreed() -> None:
    """Counts, a table a kind; nothing of a name can leave its cell or call anybody."""
    text = render_markdown(ROWS)

    assert_golden("diff.md", text)
    assert "@all" not in text


def test_the_json_looks_as_agreed() -> None:
    """Counts and changes."""
    assert_golden("diff.json", json.dumps(render_json(ROWS), indent=2) + "\n")


def test_equal_locks_have_no_changes() -> None:
    """And every form says so."""
    assert compare(BEFORE, BEFORE) == ()
    assert render_text(()) == "no changes\n"
    assert "No changes." in render_markdown(())
    assert render_json(()) == {"counts": {}, "changes": [], "conditions": [], "other-changes": []}


def test_hashes_of_locks_of_different_kinds_are_not_compared() -> None:
    """A pylock names fewer files than a requirements file of the same pins."""
    assert compare(BEFORE._replace(kind="requirements"), BEFORE._replace(packages=BEFORE.packages)) == ()
    wide = Lock("requirements", (LockedPackage("a", "1", ("sha256:1", "sha256:2")),))
    assert compare(wide, Lock("pylock", (LockedPackage("a", "1", ("sha256:1",)),))) == ()
    assert compare(wide, Lock("requirements", (LockedPackage("a", "1"),))) == ()


def test_several_versions_of_one_name_are_one_row() -> None:
    """For different targets."""
    before = Lock("pylock", (LockedPackage("a", "1"), LockedPackage("a", "2")))
    after = Lock("pylock", (LockedPackage("a", "1"), LockedPackage("a", "3")))

    assert compare(before, after) == (PinChange("a", "up", "1, 2", "1, 3", Facts()),)


def test_a_version_that_is_not_valid_is_older_than_any() -> None:
    """PEP 440's ``===`` may name anything."""
    (row,) = compare(Lock("x", (LockedPackage("a", "weird text"),)), Lock("x", (LockedPackage("a", "0.1"),)))

    assert row.kind == "up"


def test_the_facts_come_from_the_resolution() -> None:
    """Who asks for it, when its first file came, whether all files are yanked, how old it is, its project's status."""
    old = wheel("a", "1", upload_time="2025-05-05T00:00:00Z", yanked="bad")
    young = wheel("a", "1", "cp311-cp311-any", upload_time="2026-01-01T00:00:00Z", yanked="bad")
    resolved = resolution(
        [pin("a", "1", old, young), pin("b", "1")], [root("a", 7)], [("b", "a", "a"), ("a", "a", "a[x]")]
    )

    aged = resolved._replace(pins=(resolved.pins[0]._replace(libyears=2.5, status="deprecated"), *resolved.pins[1:]))
    assert facts_of(aged) == {
        "a": Facts(("requirements.in:7", "b"), "2025-05-05", "bad", 2.5, "deprecated"),
        "b": Facts((), "2026-01-02"),
    }


def test_counts_and_summary() -> None:
    """Kinds without rows are left out."""
    assert counts(ROWS[:2]) == {"added": 1, "removed": 1}
    assert summary(ROWS[2:5]) == "2 upgraded, 1 downgraded"
