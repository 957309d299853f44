"""What a release view is made of: the keywords of its constructor, for type checkers alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirror.records.dependency_sets import DependencySet
    from mirror.records.freshness import FreshnessRecord
    from mirror.records.model import FileKind, FileSighting, Withdrawal
    from mirror.urls import PublicUrl


class ReleaseParts(TypedDict):
    """The parts of a release view."""

    name: str
    digest: NotRequired[str]  # of its file view; "" until that is packed
    freshness: FreshnessRecord
    versions: Sequence[str]
    keys: Sequence[str]
    prereleases: int
    classified: int
    file_kinds: NotRequired[list[FileKind]]
    kind_sets: NotRequired[dict[tuple[int, ...], int]]
    uploads_text: NotRequired[list[str]]
    skipped: NotRequired[int]
    status: NotRequired[str | None]
    status_reason: NotRequired[str | None]
    attested: NotRequired[str]
    history: NotRequired[tuple[FileSighting, ...]]
    page_url: NotRequired[PublicUrl | None]  # the base of relative file URLs, if not the project's URL in its index
    dependency_sets: NotRequired[list[DependencySet]]
    dependency_rows: NotRequired[dict[int, list[tuple[int, int]]]]  # file kind -> (dependency set, releases)
    withdrawn: NotRequired[Withdrawal | None]  # its index no longer lists it; the other parts are the last listing
