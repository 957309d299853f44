"""What one target makes of tags, Requires-Python and markers, each question answered once.

Answers are pure functions of the target and a text, so they may be carried from run to run (``dump`` and the constructor's
``known``): a warm lock then evaluates no marker and does not load ``packaging`` (45 ms).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mirror.errors import FOREIGN_TEXT_ERRORS, Malformed, error_of_foreign_text
from mirror.records.version_keys import compile_specifier, version_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirror.records.model import FileKind
    from pipx_parallel.model import Target

SDIST = "sdist"
_UNKNOWN = -1  # no rank: ranks count from 0, None is an answer


class TargetRules:
    """Judges files and requirements for one target."""

    __slots__ = ("_known", "_markers", "_python", "_pythons", "_ranks", "_tags", "target")

    def __init__(self, target: Target, known: bytes | None = None) -> None:
        """``known`` is what ``dump`` gave in an earlier run for the same target."""
        self.target = target
        self._tags = {tag: rank for rank, tag in enumerate(target.tags)}
        self._python = version_key(target.python_full_version.removesuffix("+")) or ""
        self._ranks: dict[str, int | None] = {}
        self._pythons: dict[str, bool] = {}
        self._markers: dict[str, bool] = {}
        self._known = 0
        if known is not None:
            self._load(known)

    def rank(self, tags: str) -> int | None:
        """Return how good a compressed tag set is for the target, 0 best, or None where it cannot be installed (PEP 425)."""
        rank = self._ranks.get(tags, _UNKNOWN)
        if rank == _UNKNOWN:
            rank = self._ranks[tags] = self._rank(tags)
        return rank

    def ranks_of(self, file_kinds: Sequence[FileKind], sdist: int | None, *, wheels: bool) -> list[int | None]:
        """Return how good each kind of file is, 0 best, None where the target or the caller's policy excludes it.

        One pass over all kinds of a project: 17,000 of them in a lock of 171, so the usual case is two look-ups.
        """
        ranks, pythons = self._ranks, self._pythons
        found: list[int | None] = []
        for tags, python, _ in file_kinds:
            rank = sdist if tags == SDIST else ranks.get(tags, _UNKNOWN) if wheels else None
            if rank == _UNKNOWN:
                rank = self.rank(tags)
            if rank is not None and python is not None and not pythons.get(python, False):
                rank = rank if self.python_allowed(python) else None
            found.append(rank)
        return found

    def _rank(self, tags: str) -> int | None:
        known = self._tags
        if tags in known:
            return known[tags]
        pythons, abis, platforms = (part.split(".") for part in tags.split("-", 2))
        found = [
            known[tag]
            for python in pythons
            for abi in abis
            for platform in platforms
            if (tag := f"{python}-{abi}-{platform}") in known
        ]
        return min(found) if found else None

    def python_allowed(self, requires_python: str | None) -> bool:
        """Return whether the target's Python satisfies Requires-Python; what cannot be read excludes nothing (as pip)."""
        if not requires_python:
            return True
        known = self._pythons.get(requires_python)
        if known is None:
            try:
                intervals = compile_specifier(requires_python.replace(" ", "")).intervals
            except ValueError:
                known = True
            else:
                known = any(low <= self._python < high for low, high in intervals)
            self._pythons[requires_python] = known
        return known

    def marker_holds(self, marker: str | None, extra: str = "") -> bool:
        """Return whether a marker holds in the target with that extra asked for (PEP 508). Raises ``Malformed``."""
        if marker is None:
            return True
        key = f"{extra}\n{marker}"
        known = self._markers.get(key)
        if known is None:
            # 50 ms, and a warm run knows every answer.
            from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

            try:
                known = Marker(marker).evaluate({**self.target.markers, "extra": extra})
            except UndefinedEnvironmentName:
                known = False
            except InvalidMarker as error:
                raise Malformed(f"invalid marker {marker!r}: {str(error).splitlines()[0]}") from error
            except FOREIGN_TEXT_ERRORS as error:  # endless digits, endless parentheses
                raise error_of_foreign_text(f"the marker {marker!r}", error) from error
            self._markers[key] = known
        return known

    def dump(self) -> bytes | None:
        """Return what was found out, to be given to the next run; None where nothing is new."""
        if self._size() == self._known:
            return None
        return json.dumps([self._pythons, self._markers, self._ranks], sort_keys=True).encode()

    def _size(self) -> int:
        return len(self._markers) + len(self._pythons) + len(self._ranks)

    def _load(self, known: bytes) -> None:
        try:
            value: Any = json.loads(known)
            pythons, markers, ranks = value
            self._pythons = {str(key): bool(answer) for key, answer in pythons.items()}
            self._markers = {str(key): bool(answer) for key, answer in markers.items()}
            self._ranks = {str(key): None if rank is None else int(rank) for key, rank in ranks.items()}
        except (ValueError, TypeError, AttributeError):  # derived data: whatever is wrong with it, it is made anew
            self._pythons, self._markers, self._ranks = {}, {}, {}
        self._known = self._size()
