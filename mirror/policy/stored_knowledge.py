"""What a store knows of releases beyond their index's page: advisories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import Malformed
from mirror.keys import ADVISORIES
from mirror.policy.page_filter import Knowledge
from mirror.records.advisories import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mirror.records.advisories import Advisory


class StoredKnowledge(Knowledge):
    """Knowledge from the records of a store; each project is read once."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        """``read`` returns the record of a key, or None."""
        self._read = read
        self._rows: dict[str, list[Advisory] | None] = {}

    def advisories(self, name: str, version: str) -> Sequence[str] | None:
        """Return the ids of the advisories that concern a release; None: there are no advisories here."""
        rows = self.of_project(name)
        return None if rows is None else [row.id for row in rows if row.concerns(version)]

    def of_project(self, name: str) -> list[Advisory] | None:
        """Return the advisories of a project; None: there are no advisories here, or they cannot be read."""
        if name not in self._rows:
            self._rows[name] = self._load(name)
        return self._rows[name]

    def _load(self, name: str) -> list[Advisory] | None:
        data = self._read(ADVISORIES.key(name))
        if data is None:
            return None if self._read(ADVISORIES.key("")) is None else []
        try:
            return decode(data)
        except Malformed:
            return None
