"""Which source archives are built: only those of a solution, and none after too many failures of a project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from mirror.errors import BuildFailed, NeedsBuild
from mirror.records.dependency_sets import DependencySet
from mirror.session.mirror import Mirror
from pipx_parallel.resolution.source_archives import (
    MOST_BUILDS_AT_LAST,
    MOST_FAILED,
    STATIC_SINCE,
    ArchiveHistory,
    SourceArchives,
)
from pipx_parallel.resolver.ports import Unavailable

NEEDS_BUILD = NeedsBuild("has no static metadata")


class Records:
    """What builds, and what it was asked to build."""

    def __init__(self) -> None:
        """Build nothing yet."""
        self.can_build = True
        self.built: list[Any] = []
        self.records = self  # the mirror's own name for it

    def build(self, rows: Sequence[Any]) -> None:
        """Note what is built."""
        self.built += rows


def row(bit: int) -> Any:
    """Return what stands for a project's release."""
    return ("a", bit, 0)


def test_releases_that_no_answer_holds_keep_no_other_from_being_built() -> None:
    """However many were looked at: they cost nothing until an answer holds them, and are no reason against an older one."""
    records = Records()
    archives = SourceArchives(cast("Mirror", records), ArchiveHistory(), takes_all=True)

    for bit in range(2 * MOST_BUILDS_AT_LAST, 0, -1):
        assert isinstance(archives.postponed("a", bit, row(bit), NEEDS_BUILD), DependencySet)
    assert archives.build({"a": 1}) == [("a", 1)]
    assert records.built == [row(1)]


def test_builds_on_one_walk_are_bounded() -> None:
    """A history of releases that need a build, each built in vain, is not built to its end."""
    archives = SourceArchives(cast("Mirror", Records()), ArchiveHistory(), takes_all=True)

    for bit in range(MOST_BUILDS_AT_LAST + 1, 1, -1):
        archives.postponed("a", bit, row(bit), NEEDS_BUILD)
        archives.build({"a": bit})
    assert isinstance(archives.postponed("a", 1, row(1), NEEDS_BUILD), Unavailable)
    assert not archives.left_out


def test_after_failures_nothing_of_the_project_is_built_even_if_it_was_to_be() -> None:
    """The search is repeated without what was postponed before the builds failed."""
    records = Records()
    archives = SourceArchives(cast("Mirror", records), ArchiveHistory(), takes_all=True)
    archives.postponed("a", 1, row(1), NEEDS_BUILD)

    for bit in range(MOST_FAILED + 1, 1, -1):
        archives.failed("a", bit, BuildFailed("no compiler"))
    assert archives.build({"a": 1}) == [("a", 1)]
    assert not records.built
    assert isinstance(archives.postponed("a", 1, row(1), NEEDS_BUILD), Unavailable)


def test_an_archive_from_before_static_metadata_is_not_read_if_it_would_not_be_built() -> None:
    """One from later, or of unknown age, may have static metadata; one that waits for its build is read already."""
    archives = SourceArchives(cast("Mirror", Records()), ArchiveHistory(), takes_all=True)
    archives.postponed("a", 1, row(1), NEEDS_BUILD)
    assert archives.refused_unread("a", 2, STATIC_SINCE - 1) is None

    for bit in range(MOST_FAILED + 2, 2, -1):
        archives.failed("a", bit, BuildFailed("no compiler"))
    assert isinstance(archives.refused_unread("a", 2, STATIC_SINCE - 1), Unavailable)
    assert archives.refused_unread("a", 2, STATIC_SINCE) is None
    assert archives.refused_unread("a", 2, 0) is None
    assert archives.refused_unread("a", 1, STATIC_SINCE - 1) is None
    assert archives.refused_unread("b", 2, STATIC_SINCE - 1) is None


def test_where_nothing_is_built_an_old_archive_is_read_only_if_it_is_the_first() -> None:
    """Its failure is then reported; behind another release it is passed over unread."""
    records = Records()
    records.can_build = False
    archives = SourceArchives(cast("Mirror", records), ArchiveHistory())
    assert archives.refused_unread("a", 1, STATIC_SINCE - 1) is None

    archives.note_known("a", 2)
    assert isinstance(archives.refused_unread("a", 1, STATIC_SINCE - 1), Unavailable)
