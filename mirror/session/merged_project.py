"""One project of several sources, merged: all releases, all files. The merged project itself is not stored.

Dependencies that are read go back to the sources, so that they are stored whatever index strategy the next run uses.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from typing import TYPE_CHECKING

from mirror.records.listing_views import prerelease_mask
from mirror.records.model import FileKind
from mirror.records.project import Project
from mirror.records.release_view import HEAD, ReleaseView
from mirror.records.simple_file import FileList

if TYPE_CHECKING:
    from collections.abc import Sequence

_STRETCH = 48  # older releases classified together, as for a project of one index


class MergedProject(Project):
    """Several projects of one name as one; if two have the same release, the first one's data comes first."""

    __slots__ = ("_parts", "_releases", "later_keys")
    of_index = False

    def __init__(
        self, parts: Sequence[Project], later: Sequence[Project] = (), later_keys: frozenset[str] = frozenset()
    ) -> None:
        """Merge at least one part; parts come in order of preference.

        ``later`` are the projects of shadowed indexes: only their releases of ``later_keys`` are added, each from the first that
        has it (``Project.later_keys``).
        """
        first = parts[0]
        releases = [{key: release for release, key in enumerate(part.view.keys)} for part in parts]
        left = set(later_keys)
        for part in later:
            releases.append({key: release for release, key in enumerate(part.view.keys) if key in left})
            left.difference_update(releases[-1])
        parts = (*parts, *later)
        versions = {
            key: part.view.versions[release]
            for part, own in reversed(list(zip(parts, releases, strict=True)))
            for key, release in own.items()
        }
        keys = sorted(versions)
        view = ReleaseView(
            name=first.view.name,
            digest="merged",
            freshness=first.view.freshness,
            versions=[versions[key] for key in keys],
            keys=keys,
            prereleases=prerelease_mask(keys),
            classified=len(keys),
            skipped=sum(part.view.skipped for part in parts),
            status=first.view.status,
        )
        super().__init__(view, first.index_id, first.index_url, first.page_url)
        self.later_keys = later_keys
        self._parts = parts
        self._releases = releases
        self._classify_from(max(0, len(keys) - HEAD))

    def parts(self) -> tuple[Project, ...]:
        """Return the projects to store, with the dependencies that were read through this one."""
        if self.changed:
            for part, releases in zip(self._parts, self._releases, strict=True):
                part.view.absorb(self.view, releases)
                part.changed = True
            self.changed = False
        return tuple([stored for part in self._parts for stored in part.parts()])

    def sources(self) -> tuple[Project, ...]:
        """Return the project of each source."""
        return self._parts

    def index_of(self, release: int) -> str:
        """Return the URL of the first source that has the release."""
        key = self.view.keys[release]
        return next(
            part.index_url for part, releases in zip(self._parts, self._releases, strict=True) if key in releases
        )

    def add_text(self, release: int, filename: str, text: bytes) -> None:
        """Add METADATA of a wheel to the first source that lists the wheel."""
        key = self.view.keys[release]
        for part, releases in zip(self._parts, self._releases, strict=True):
            entries = part.file_slice(releases[key]) if key in releases else None
            if entries is not None and filename in FileList(entries, part.page_url).names():
                part.add_text(releases[key], filename, text)
                return

    def lacking(self, release: int) -> tuple[Project, ...]:
        """Return the parts that must be fetched again to read this release and to classify the newer ones."""
        lacking: list[Project] = []
        for part in self._parts:
            part_release = bisect_left(part.view.keys, self.view.keys[release])
            lacking += part.lacking(part_release) if part_release < len(part.view.keys) else ()
        return tuple(lacking)

    def keeps(self, release: int) -> bool:
        """Return whether every source that has the release keeps its files."""
        key = self.view.keys[release]
        held = zip(self._parts, self._releases, strict=True)
        return all(part.keeps(releases[key]) for part, releases in held if key in releases)

    def kept_slices(self) -> list[bytes | None]:
        """Return the file objects of every release that all of its sources keep."""
        numbers = range(len(self.view.versions))
        return [self.file_slice(release) if self.keeps(release) else None for release in numbers]

    def file_slice(self, release: int) -> bytes | None:
        """Return the files of a release from all sources; files with equal name and hashes are listed once."""
        from urllib.parse import urljoin  # 8 ms; only if sources are merged

        key = self.view.keys[release]
        files: dict[tuple[str, str], object] = {}
        for part, releases in zip(self._parts, self._releases, strict=True):
            data = part.file_slice(releases[key]) if key in releases else b"[]"
            if data is None and not part.refetched:
                return None
            for entry in json.loads(data or b"[]"):
                entry["url"] = urljoin(part.page_url, str(entry.get("url")))
                files.setdefault((str(entry.get("filename")), json.dumps(entry.get("hashes"), sort_keys=True)), entry)
        return json.dumps(list(files.values())).encode()

    def classify(self, release: int) -> None:
        """Classify a release and some older ones. Raises ``NotFound`` if its files are missing."""
        if release < self.view.classified:
            self._classify_from(max(0, release - _STRETCH))

    def _classify_from(self, start: int) -> None:
        view = self.view
        numbers = {file_kind: number for number, file_kind in enumerate(view.file_kinds)}
        uploads: list[str] = []
        for release in range(start, view.classified):
            kind_set: set[int] = set()
            times: list[int] = []
            for part, releases in zip(self._parts, self._releases, strict=True):
                part_release = releases.get(view.keys[release])
                if part_release is not None:
                    part.classify(part_release)
                    times += [time for time in part.view.uploads(part_release) if time]
                    kind_set.update(
                        self._number(part.view.file_kinds[file_kind], numbers)
                        for file_kind in part.view.kind_set_of(part_release)
                    )
            view.add_kind_set(tuple(sorted(kind_set)), release)
            uploads.append(f"{min(times)}+{max(times) - min(times)}" if times else "0")
        view.uploads_text[:0] = uploads
        view.classified = start
        for part, releases in zip(self._parts, self._releases, strict=True):
            view.absorb(part.view, releases)

    def _number(self, file_kind: FileKind, numbers: dict[FileKind, int]) -> int:
        number = numbers.get(file_kind)
        if number is None:
            number = numbers[file_kind] = len(self.view.file_kinds)
            self.view.file_kinds.append(file_kind)
        return number
