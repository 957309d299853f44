"""Evaluate tags, Requires-Python and markers for one target, each only once.

The results depend only on the target and the text, so they are stored from run to run (``dump``, and ``stored`` of the
constructor): a warm lock then evaluates no marker and does not load ``packaging`` (45 ms).
"""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import blake2s
from typing import TYPE_CHECKING, Any

from mirror.equality import NamedTuple
from mirror.errors import FOREIGN_TEXT_ERRORS, Malformed, error_of_foreign_text
from mirror.records.version_keys import compile_specifier, version_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from packaging.markers import Marker

    from mirror.records.model import FileKind
    from pipx_parallel.model import Target

SDIST = "sdist"
_SYSTEMS = ("linux", "macosx", "win")


def _system(platform: str) -> str:
    """Return the operating system of a platform tag, or the tag itself if it names none of ``_SYSTEMS``."""
    return next((system for system in _SYSTEMS if system in platform), platform)


class Distance(NamedTuple):
    """How far a wheel is from what the target can install; the smallest is the nearest."""

    yanked: bool
    other_python: bool
    other_system: bool
    tags: str

    @property
    def is_near(self) -> bool:
        """Return whether the wheel is for the target's system."""
        return not self.yanked and not self.other_system


class _Ranks(dict[str, "int | None"]):
    """How good tag sets are, by compressed tag set, each worked out on first use."""

    def __init__(self, work_out: Callable[[str], int | None]) -> None:
        super().__init__()
        self._work_out = work_out

    def __missing__(self, tags: str) -> int | None:
        rank = self[tags] = self._work_out(tags)
        return rank


class TargetRules:
    """Evaluates files and requirements for one target."""

    __slots__ = (
        "_markers",
        "_patches",
        "_platforms",
        "_python",
        "_pythons",
        "_ranks",
        "_stored_size",
        "_tags",
        "key",
        "target",
    )

    def __init__(self, target: Target, stored: bytes | None = None) -> None:
        """Take the target, and in ``stored`` what ``dump`` returned for it in an earlier run."""
        self.target = target
        self._tags: dict[str, int] = {}  # with the first file that was not met in an earlier run
        self._platforms: set[str] = set()
        self._python = version_key(target.python_full_version.removesuffix("+")) or ""
        self._ranks = _Ranks(self._rank)
        self._pythons: dict[str, bool] = {}
        self._markers: dict[str, bool] = {}
        self._patches: dict[str, dict[str, bool]] = {}  # the markers of other patch releases of the series
        self._stored_size = 0
        self.key = ""  # of the results in the mirror; "" if they are not stored
        if stored is not None:
            self._load(stored)

    @classmethod
    def stored(cls, target: Target, read: Callable[[str], bytes | None]) -> TargetRules:
        """Return the rules of a target with the results of earlier runs; ``read`` returns what is stored under ``key``."""
        text = repr((target.python_full_version, sorted(target.markers.items()), target.tags))
        key = "rules/" + blake2s(text.encode(), digest_size=12).hexdigest()
        rules = cls(target, read(key))
        rules.key = key
        return rules

    def for_patch(self, target: Target) -> TargetRules:
        """Return the rules of the same target with another patch release; results of its markers are stored with these."""
        rules = TargetRules(target)
        rules._markers = self._patches.setdefault(target.python_full_version, {})
        return rules

    @property
    def python(self) -> tuple[str, str]:
        """Return the version and the implementation of Python."""
        return self.target.python_full_version, self.target.markers.get("implementation_name", "")

    def ranks_of_tags(self, tags: Iterable[str]) -> list[int | None]:
        """Return how good each compressed tag set is for the target, 0 best, None if it cannot be installed (PEP 425)."""
        return list(map(self._ranks.__getitem__, tags))

    def ranks_of(self, file_kinds: Sequence[FileKind], sdist: int | None, *, wheels: bool) -> list[int | None]:
        """Return how good each file kind is, 0 best, None if the target or the caller's policy excludes it.

        A lock of 171 packages has 17,000 file kinds, few of which the target can install: only these are looked at one by one.
        """
        tags = [row[0] for row in file_kinds]
        ranks: list[int | None] = self.ranks_of_tags(tags) if wheels else [None] * len(tags)
        if SDIST in tags:
            ranks = [sdist if tag == SDIST else rank for tag, rank in zip(tags, ranks, strict=True)]
        for number in [number for number, rank in enumerate(ranks) if rank is not None]:
            if not self.python_allowed(file_kinds[number].requires_python):
                ranks[number] = None
        return ranks

    def _rank(self, tags: str) -> int | None:
        if not self._tags:
            self._tags = {tag: rank for rank, tag in enumerate(self.target.tags)}
            self._platforms = {tag.rpartition("-")[2] for tag in self.target.tags}
        target_tags = self._tags
        if tags in target_tags:
            return target_tags[tags]
        if "." not in tags:
            return None  # one tag, not one of the target's
        pythons, abis, platforms = [part.split(".") for part in tags.split("-", 2)]
        if self._platforms.isdisjoint(platforms):
            return None
        matching = [
            target_tags[tag]
            for python in pythons
            for abi in abis
            for platform in platforms
            if (tag := f"{python}-{abi}-{platform}") in target_tags
        ]
        return min(matching) if matching else None

    def distance(self, kind: FileKind) -> Distance | None:
        """Return the distance between the target's tags and those of a wheel that the target cannot install.

        The dependencies of the wheel with the smallest distance most likely hold for the target too. None if the wheel's
        Requires-Python excludes the target: its dependencies may then differ.
        """
        if not self.python_allowed(kind.requires_python):
            return None
        pythons, _, platforms = kind.tags.split("-", 2)
        own = self.target.tags[0].split("-", 2) if self.target.tags else ["", "", ""]
        system = _system(own[2])
        return Distance(
            kind.yanked,
            own[0] not in pythons.split("."),
            all(_system(platform) != system for platform in platforms.split(".")),
            kind.tags,
        )

    def python_allowed(self, requires_python: str | None) -> bool:
        """Return whether the target's Python satisfies Requires-Python; an invalid value excludes nothing (as in pip)."""
        if not requires_python:
            return True
        allowed = self._pythons.get(requires_python)
        if allowed is None:
            try:
                intervals = compile_specifier(requires_python.replace(" ", "")).intervals
            except ValueError:
                allowed = True
            else:
                allowed = any(low <= self._python < high for low, high in intervals)
            self._pythons[requires_python] = allowed
        return allowed

    def marker_holds(self, marker: str | None, extra: str = "") -> bool:
        """Return whether a marker is true in the target with that extra (PEP 508). Raises ``Malformed``."""
        if marker is None:
            return True
        key = f"{extra}\n{marker}"
        holds = self._markers.get(key)
        if holds is None:
            # 50 ms; a warm run has every result stored.
            from packaging.markers import InvalidMarker, UndefinedEnvironmentName

            try:
                holds = _parsed(marker).evaluate({**self.target.markers, "extra": extra})
            except UndefinedEnvironmentName:
                holds = False
            except InvalidMarker as error:
                raise Malformed(f"invalid marker {marker!r}: {str(error).splitlines()[0]}") from error
            except FOREIGN_TEXT_ERRORS as error:  # endless digits, endless parentheses
                raise error_of_foreign_text(f"the marker {marker!r}", error) from error
            self._markers[key] = holds
        return holds

    def dump(self) -> bytes | None:
        """Return the results to store for the next run; None if nothing is new."""
        if self._size() == self._stored_size:
            return None
        return json.dumps([self._pythons, self._markers, self._ranks, self._patches], sort_keys=True).encode()

    def _size(self) -> int:
        return len(self._markers) + len(self._pythons) + len(self._ranks) + sum(map(len, self._patches.values()))

    def _load(self, stored: bytes) -> None:
        try:
            value: Any = json.loads(stored)
            pythons, markers, ranks, patches = value
            self._pythons = _truths(pythons)
            self._markers = _truths(markers)
            self._ranks.update((str(key), None if rank is None else int(rank)) for key, rank in ranks.items())
            self._patches = {str(version): _truths(markers) for version, markers in patches.items()}
        except (ValueError, TypeError, AttributeError):  # derived data: if it is damaged, it is computed again
            self._pythons, self._markers, self._patches = {}, {}, {}
            self._ranks.clear()
        self._stored_size = self._size()


@lru_cache(maxsize=1024)  # parsing takes four times as long as evaluating: every target evaluates the same markers
def _parsed(marker: str) -> Marker:
    from packaging.markers import Marker  # as above

    return Marker(marker)


def _truths(stored: Any) -> dict[str, bool]:
    return {str(key): bool(value) for key, value in stored.items()}
