"""One project as several places have it together: releases united, files side by side, nothing stored under a name of its own.

What is learned of dependencies goes back to the places it came from, so that it is kept whatever strategy the next run uses.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from typing import TYPE_CHECKING

from mirror.records.model import FileKind
from mirror.records.project import Project
from mirror.records.release_view import HEAD, ReleaseView, prerelease_mask
from mirror.records.simple_file import FileList

if TYPE_CHECKING:
    from collections.abc import Sequence

_STRETCH = 48  # older releases classified together, as for a project of one index


class MergedProject(Project):
    """Several projects of one name seen as one; in whatever they agree on, the first has the say."""

    __slots__ = ("_parts", "_places", "later_keys")
    of_index = False

    def __init__(
        self, parts: Sequence[Project], later: Sequence[Project] = (), later_keys: frozenset[str] = frozenset()
    ) -> None:
        """``parts`` come in order of preference; at least one.

        ``later`` are the project as later indexes have it: of each of ``later_keys`` the first that has it counts, of all other
        releases none (``Project.later_keys``).
        """
        first = parts[0]
        places = [{key: at for at, key in enumerate(part.view.keys)} for part in parts]
        left = set(later_keys)
        for part in later:
            places.append({key: at for at, key in enumerate(part.view.keys) if key in left})
            left.difference_update(places[-1])
        parts = (*parts, *later)
        versions = {
            key: part.view.versions[at]
            for part, own in reversed(list(zip(parts, places, strict=True)))
            for key, at in own.items()
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
        self._places = places
        self._classify_from(max(0, len(keys) - HEAD))

    def parts(self) -> tuple[Project, ...]:
        """Return what is to be stored, after it has been told what was learned here."""
        if self.changed:
            for part, places in zip(self._parts, self._places, strict=True):
                part.view.absorb(self.view, places)
                part.changed = True
            self.changed = False
        return tuple([one for part in self._parts for one in part.parts()])

    def sources(self) -> tuple[Project, ...]:
        """Return the project as each place has it."""
        return self._parts

    def index_of(self, release: int) -> str:
        """Return the URL of the first place that has the release."""
        key = self.view.keys[release]
        return next(part.index_url for part, places in zip(self._parts, self._places, strict=True) if key in places)

    def add_text(self, release: int, filename: str, text: bytes) -> None:
        """Take METADATA of a wheel for the first place that lists the wheel: of two with one name it is that one's."""
        key = self.view.keys[release]
        for part, places in zip(self._parts, self._places, strict=True):
            entries = part.file_slice(places[key]) if key in places else None
            if entries is not None and filename in FileList(entries, part.page_url).names():
                part.add_text(places[key], filename, text)
                return

    def lacking(self, release: int) -> tuple[Project, ...]:
        """Return the parts that must be fetched again: also those that are looked at on the way to this release."""
        found: list[Project] = []
        for part in self._parts:
            at = bisect_left(part.view.keys, self.view.keys[release])
            found += part.lacking(at) if at < len(part.view.keys) else ()
        return tuple(found)

    def file_slice(self, release: int) -> bytes | None:
        """Return the files of a release from all places; one that two places have alike is there once."""
        from urllib.parse import urljoin  # 8 ms; only where places are merged

        key = self.view.keys[release]
        found: dict[tuple[str, str], object] = {}
        for part, places in zip(self._parts, self._places, strict=True):
            data = part.file_slice(places[key]) if key in places else b"[]"
            if data is None and not part.refetched:
                return None
            for entry in json.loads(data or b"[]"):
                entry["url"] = urljoin(part.page_url, str(entry.get("url")))
                found.setdefault((str(entry.get("filename")), json.dumps(entry.get("hashes"), sort_keys=True)), entry)
        return json.dumps(list(found.values())).encode()

    def classify(self, release: int) -> None:
        """Classify a release, and some older ones with it. Raises ``NotFound`` if its files are missing."""
        if release < self.view.classified:
            self._classify_from(max(0, release - _STRETCH))

    def _classify_from(self, start: int) -> None:
        view = self.view
        numbers = {file_kind: at for at, file_kind in enumerate(view.file_kinds)}
        uploads: list[str] = []
        for release in range(start, view.classified):
            kind_set: set[int] = set()
            times: list[int] = []
            for part, places in zip(self._parts, self._places, strict=True):
                at = places.get(view.keys[release])
                if at is not None:
                    part.classify(at)
                    times += [time for time in part.view.uploads(at) if time]
                    kind_set.update(
                        self._number(part.view.file_kinds[one], numbers) for one in part.view.kind_set_of(at)
                    )
            view.add_kind_set(tuple(sorted(kind_set)), release)
            uploads.append(f"{min(times)}+{max(times) - min(times)}" if times else "0")
        view.uploads_text[:0] = uploads
        view.classified = start
        for part, places in zip(self._parts, self._places, strict=True):
            view.absorb(part.view, places)

    def _number(self, file_kind: FileKind, numbers: dict[FileKind, int]) -> int:
        number = numbers.get(file_kind)
        if number is None:
            number = numbers[file_kind] = len(self.view.file_kinds)
            self.view.file_kinds.append(file_kind)
        return number
