"""What a store knows of releases beyond their index's page: advisories, and licences from METADATA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import Malformed
from mirror.keys import ADVISORIES, simple_index, texts_key
from mirror.policy.page_filter import Knowledge
from mirror.records.advisories import Affected, decode
from mirror.records.version_keys import version_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mirror.policy.upload_times import KnownTime, UploadTimes
    from mirror.ports import Store
    from mirror.records.advisories import Advisory


class StoredKnowledge(Knowledge):
    """Knowledge from the records of a store; each project is read once."""

    def __init__(self, read: Callable[[str], bytes | None], times: UploadTimes | None = None) -> None:
        """``read`` returns the record of a key, or None; ``times`` are those of files whose index states none."""
        self._read = read
        self._times = times
        self.knows_times = times is not None
        self._affected: dict[str, Affected | None] = {}
        self._licences: dict[tuple[str, str], dict[str, str]] = {}

    @classmethod
    def of_store(cls, store: Store) -> StoredKnowledge:
        """Return the knowledge of a store that is open for as long as it is used."""
        return cls(lambda key: store.get_many((key,)).get(key))

    def advisories(self, name: str, version: str, ignored: frozenset[str] = frozenset()) -> Sequence[str] | None:
        """Return the ids of the advisories of a release, without ``ignored`` ids and aliases; None: there are none here."""
        affected = self._affected_of(name)
        if affected is None:
            return None
        return [row.id for row in affected.of(version) if ignored.isdisjoint((row.id, *row.aliases))]

    def licence(self, name: str, index_url: str, version: str) -> str | None:
        """Return the licence of a release of an index, "" if it states none; None: its METADATA is not here."""
        rows = self._licences.get((name, index_url))
        if rows is None:
            from mirror.records.licences import licences_of  # few policies check licences

            data = self._read(texts_key(simple_index(index_url).id, name))
            rows = self._licences[name, index_url] = {} if data is None else licences_of(data, name)
        return rows.get(version_key(version) or version)

    def upload_time(self, name: str, version: str, sha256: str) -> KnownTime | None:
        """Return when a file was uploaded of which its index does not say it; None if nobody knows it."""
        return None if self._times is None else self._times.of(name, version, sha256)

    def refresh(self, name: str) -> None:
        """Read the records of a project again."""
        if self._times is not None:
            self._times.refresh(name)
        self._affected.pop(name, None)
        for key in [key for key in self._licences if key[0] == name]:
            del self._licences[key]

    def of_project(self, name: str) -> Sequence[Advisory] | None:
        """Return the advisories of a project; None: there are no advisories here, or they cannot be read."""
        affected = self._affected_of(name)
        return None if affected is None else affected.rows

    def _affected_of(self, name: str) -> Affected | None:
        if name not in self._affected:
            self._affected[name] = self._load(name)
        return self._affected[name]

    def _load(self, name: str) -> Affected | None:
        data = self._read(ADVISORIES.key(name))
        if data is None:
            return None if self._read(ADVISORIES.key("")) is None else Affected(())
        try:
            return Affected(decode(data))
        except Malformed:
            return None
