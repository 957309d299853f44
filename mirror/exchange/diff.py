"""The differences between two mirrors: projects, releases, yanks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mirror.exchange.record_iterator import classified, readable

if TYPE_CHECKING:
    from mirror.ports import Store
    from mirror.records.release_view import ReleaseView


KINDS = ("added", "removed", "changed", "withdrawn", "returned")  # the last two: of a refresh


class ProjectChange(msgspec.Struct, frozen=True):
    """The change of one project; versions oldest first."""

    name: str
    index_id: str
    kind: str  # one of KINDS
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    yanked: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()  # yanked before, and no longer
    learned: int = 0  # difference in the number of releases with dependency sets

    def to_json(self) -> dict[str, object]:
        """Return the JSON form."""
        return msgspec.structs.asdict(self)

    @classmethod
    def from_json(cls, value: object) -> ProjectChange:
        """Read the JSON form. Raises ``ValueError``."""
        return msgspec.convert(value, cls)

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for another kind of change."""
        if self.kind not in KINDS:
            raise ValueError(f"kind: {self.kind!r} is no kind of change")


def differences(before: Store, after: Store) -> list[ProjectChange]:
    """Return every project that differs between two stores, sorted by name and index."""
    old, new = _views(before), _views(after)
    changes = []
    for key in sorted(old.keys() | new.keys(), key=lambda key: (key[1], key[0])):
        index_id, name = key
        if key not in old:
            changes.append(ProjectChange(name, index_id, "added", added=tuple(new[key].versions)))
        elif key not in new:
            changes.append(ProjectChange(name, index_id, "removed", removed=tuple(old[key].versions)))
        else:
            change = compare(old[key], new[key], index_id)
            if change is not None:
                changes.append(change)
    return changes


def compare(old: ReleaseView, new: ReleaseView, index_id: str) -> ProjectChange | None:
    """Return what changed between two views of a project, or None.

    The older one may have been made of a page of which the old files were not kept: of those releases no yank is known.
    """
    were, are, classified_before = set(old.versions), set(new.versions), set(old.versions[old.classified :])
    yanked_before, yanked_now = _yanked(old), _yanked(new)
    change = ProjectChange(
        new.name,
        index_id,
        "changed",
        added=tuple(version for version in new.versions if version not in were),
        removed=tuple(version for version in old.versions if version not in are),
        yanked=tuple(v for v in new.versions if v in yanked_now and v in classified_before - yanked_before),
        restored=tuple(v for v in new.versions if v in yanked_before and v not in yanked_now),
        learned=new.known_releases().bit_count() - old.known_releases().bit_count(),
    )
    differs = change.added or change.removed or change.yanked or change.restored or change.learned
    return change if differs else None


def _views(store: Store) -> dict[tuple[str, str], ReleaseView]:
    views = {}
    for entry in readable(store):
        view = classified(entry)
        if view is not None:
            views[entry.index_id, entry.name] = view
    return views


def _yanked(view: ReleaseView) -> set[str]:
    mask = 0
    for kind_set, releases in view.kind_sets.items():
        if kind_set and all(view.file_kinds[number].yanked for number in kind_set):
            mask |= releases
    return {version for release, version in enumerate(view.versions) if mask >> release & 1}
