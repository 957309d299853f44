"""Upload times where an index states none: what another index states of the same file, else when the mirror first saw it.

Two files are the same if their SHA-256 is. Nothing is guessed: a file that nobody knows has no time, and then the rule refuses.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import Malformed
from mirror.keys import FIRST_SEEN, files_key, simple_index, view_key
from mirror.records.file_view import digest_of, read_all
from mirror.records.first_seen import read as first_seen_of
from mirror.records.first_seen import sha256_of
from mirror.records.listing_views import epoch_seconds
from mirror.records.release_view import ReleaseView, decode
from mirror.records.version_keys import version_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class KnownTime(NamedTuple):
    """When a file was uploaded, and which index says so: "" if it is the time at which this mirror first saw the file."""

    seconds: int
    index_url: str = ""

    @property
    def event(self) -> str:
        """Return what happened then, after "it"."""
        return "was uploaded" if self.index_url else "was first seen by this mirror"

    @property
    def source(self) -> str:
        """Return who says so, after the day; "" if the event does."""
        return f" (as {self.index_url} states of the same file)" if self.index_url else ""


class Witness(NamedTuple):
    """An index that lists a project: the sort keys of its releases, and the file objects of a release as JSON, if they are held."""

    url: str
    keys: Sequence[str]
    read: Callable[[int], bytes | None]


class UploadTimes:
    """Times of files by SHA-256; each index of a project and each release is read once."""

    def __init__(
        self, witnesses: Callable[[str], Sequence[Witness]], first_seen: Callable[[str], Mapping[str, int]] | None
    ) -> None:
        """Take what reads the other indexes of a project, in the user's order, and the first sightings; None: they do not count."""
        self._witnesses = witnesses
        self._first_seen = first_seen
        self._known: dict[tuple[str, str], dict[str, KnownTime]] = {}
        self._seen: dict[str, Mapping[str, int]] = {}
        self._listed: dict[str, Sequence[Witness]] = {}

    def of(self, name: str, version: str, sha256: str) -> KnownTime | None:
        """Return the time of a file of a release; None if nobody knows it."""
        if not sha256:
            return None
        key = name, version_key(version) or version
        if key not in self._known:
            self._known[key] = self._stated(*key)
        stated = self._known[key].get(sha256)
        if stated is not None or self._first_seen is None:
            return stated
        if name not in self._seen:
            self._seen[name] = self._first_seen(name)
        seconds = self._seen[name].get(sha256, 0)
        return KnownTime(seconds) if seconds else None

    def refresh(self, name: str) -> None:
        """Read again what is known of a project."""
        self._seen.pop(name, None)
        self._listed.pop(name, None)
        for key in [key for key in self._known if key[0] == name]:
            del self._known[key]

    def _stated(self, name: str, key: str) -> dict[str, KnownTime]:
        """Return the times that other indexes state of the files of a release; the first in the user's order counts."""
        times: dict[str, KnownTime] = {}
        if name not in self._listed:
            self._listed[name] = self._witnesses(name)
        for witness in self._listed[name]:
            number = bisect_left(witness.keys, key)
            held = number < len(witness.keys) and witness.keys[number] == key
            data = witness.read(number) if held else None
            for entry in json.loads(data or b"[]"):
                uploaded, digest = entry.get("upload-time"), sha256_of(entry)
                seconds = epoch_seconds(uploaded) if isinstance(uploaded, str) else 0
                if seconds and digest:
                    times.setdefault(digest, KnownTime(seconds, witness.url))
        return times


def stored_times(
    read: Callable[[str], bytes | None], indexes: Callable[[str], Sequence[str]], *, first_seen: bool
) -> UploadTimes:
    """Return the times that the records of a store know.

    Args:
        read: Returns the record of a key, or None.
        indexes: Returns the URLs of the indexes that the user's settings have for a project.
        first_seen: Whether first sightings count.
    """

    def witnesses(name: str) -> list[Witness]:
        rows = [_witness(url, name, read) for url in indexes(name)]
        return [row for row in rows if row is not None]

    return UploadTimes(witnesses, sightings(read, indexes) if first_seen else None)


def sightings(
    read: Callable[[str], bytes | None], indexes: Callable[[str], Sequence[str]]
) -> Callable[[str], Mapping[str, int]]:
    """Return what reads when the files of a project were first seen on any of its indexes, by SHA-256."""

    def of(name: str) -> dict[str, int]:
        seen: dict[str, int] = {}
        for url in indexes(name):
            for digest, seconds in first_seen_of(read(FIRST_SEEN.key(simple_index(url).id, name))).items():
                seen[digest] = min(seconds, seen.get(digest, seconds))
        return seen

    return of


def _witness(url: str, name: str, read: Callable[[str], bytes | None]) -> Witness | None:
    index_id = simple_index(url).id
    stored, packed = read(view_key(index_id, name)), read(files_key(index_id, name))
    try:
        view = None if stored is None else decode(stored)
        if not isinstance(view, ReleaseView) or packed is None or digest_of(packed) != view.digest:
            return None
        slices = read_all(packed)
    except Malformed:
        return None
    return Witness(url, view.keys, lambda release: b"[" + slices[release] + b"]")
