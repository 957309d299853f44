"""The release view: all that a resolver reads of a project, in one small record.

Releases are numbered from the oldest. Files with equal tags, Requires-Python and yanked mark are one *file kind*; the file
kinds of a release are its *kind set*, stored as a mask over releases. So what a target can install is decided once per file
kind, not once per file. Releases from number ``classified`` up have a kind set; older ones get theirs from the file view when
a resolver looks at them (``Project.classify``).
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from mirror.errors import Malformed
from mirror.records.dependency_sets import DependencySet
from mirror.records.freshness import FreshnessRecord
from mirror.records.model import FileKind, Withdrawal
from mirror.records.version_keys import is_prerelease_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NotRequired, TypedDict, Unpack

    from mirror.urls import PublicUrl

    class ReleaseParts(TypedDict):
        """What a release view is made of."""

        name: str
        digest: NotRequired[str]  # of the file view it belongs to; "" until that has been packed
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
        page_url: NotRequired[
            PublicUrl | None
        ]  # where relative file URLs count from, if not the project's place in its index
        dependency_sets: NotRequired[list[DependencySet]]
        known: NotRequired[dict[int, list[tuple[int, int]]]]  # file kind -> (dependency set, releases)
        withdrawn: NotRequired[
            Withdrawal | None
        ]  # its index does not list it any more; the rest is what it listed before


HEAD = 10  # newest releases classified when a listing arrives: the same in every run
SCHEMA = 4  # of the stored release view and file view; docs/mirror-format.md


class ReleaseView:
    """One project as its index lists it, with the dependency sets learned so far.

    ``versions`` and ``keys`` are ascending; ``kind_sets`` maps file kind numbers to the mask of releases that have
    exactly these; ``uploads_text`` holds "first+later" upload times per classified release.
    """

    __slots__ = (
        "_known",
        "built",
        "classified",
        "dependency_sets",
        "digest",
        "file_kinds",
        "freshness",
        "keys",
        "kind_sets",
        "name",
        "page_url",
        "prereleases",
        "skipped",
        "status",
        "uploads_text",
        "versions",
        "withdrawn",
    )

    def __init__(self, **parts: Unpack[ReleaseParts]) -> None:
        """Keep the parts; use ``mirror.records.listing_views.build_views`` or ``decode`` to make one."""
        self.name = parts["name"]
        self.digest = parts.get("digest", "")
        self.freshness = parts["freshness"]
        self.versions = parts["versions"]
        self.keys = parts["keys"]
        self.prereleases = parts["prereleases"]
        self.classified = parts["classified"]
        self.file_kinds = parts.get("file_kinds") or []
        self.kind_sets = parts.get("kind_sets") or {}
        self.uploads_text = parts.get("uploads_text") or []
        self.skipped = parts.get("skipped", 0)
        self.status = parts.get("status")
        self.page_url = parts.get("page_url")
        self.dependency_sets = parts.get("dependency_sets") or []
        self._known = parts.get("known") or {}
        self.withdrawn = parts.get("withdrawn")
        self.built: dict[
            tuple[int, int], DependencySet
        ] = {}  # (release, variant): true of this machine, so never stored here

    def uploads(self, release: int) -> tuple[int, int]:
        """Return the first and last upload time of a classified release's files in epoch seconds; zeros if unknown."""
        first, _, later = self.uploads_text[release - self.classified].partition("+")
        return int(first), int(first) + int(later or 0)

    def add_kind_set(self, file_kinds: tuple[int, ...], release: int) -> None:
        """Say which variants a release has."""
        self.kind_sets[file_kinds] = self.kind_sets.get(file_kinds, 0) | 1 << release

    def kind_set_of(self, release: int) -> tuple[int, ...]:
        """Return the file kind numbers of a classified release."""
        for file_kinds, mask in self.kind_sets.items():
            if mask >> release & 1:
                return file_kinds
        return ()

    def index_of(self, key: str) -> int | None:
        """Return the number of the release with that sort key."""
        from bisect import bisect_left  # only a release that is looked up by key needs it

        at = bisect_left(self.keys, key)
        return at if at < len(self.keys) and self.keys[at] == key else None

    def dependency_set(self, release: int, file_kind: int) -> DependencySet | None:
        """Return what that file of the release needs, or None where it is not known yet."""
        for number, mask in self._known.get(file_kind, ()):
            if mask >> release & 1:
                return self.dependency_sets[number]
        return self.built.get((release, file_kind))

    def known_releases(self, file_kind: int) -> int:
        """Return the mask of releases whose dependencies are known for that variant."""
        mask = 0
        for _, releases in self._known.get(file_kind, ()):
            mask |= releases
        return mask

    def known_rows(self) -> list[tuple[int, int, int]]:
        """Return every (variant, dependency set, mask of releases) that is known, in stored order."""
        return [(file_kind, number, mask) for file_kind, rows in self._known.items() for number, mask in rows]

    def learn(self, release: int, file_kind: int, found: DependencySet) -> DependencySet:
        """Add what one file needs; equal sets are kept once. Returns the set that is kept."""
        return self.learn_mask(1 << release, file_kind, found)

    def learn_mask(self, mask: int, file_kind: int, found: DependencySet) -> DependencySet:
        """As ``learn``, for all releases of a mask at once."""
        for number, existing in enumerate(self.dependency_sets):  # noqa: B007 - the number is used below
            if existing.lines == found.lines and existing.requires_python == found.requires_python:
                break
        else:
            number, existing = len(self.dependency_sets), found
            self.dependency_sets.append(found)
        rows = self._known.setdefault(file_kind, [])
        for at, (row, releases) in enumerate(rows):
            if row == number:
                rows[at] = (row, releases | mask)
                return existing
        rows.append((number, mask))
        return existing

    def absorb(self, older: ReleaseView) -> None:
        """Take over what another view of this project knows of dependencies, by release and file kind.

        For releases that are not classified here yet, the file kind is added too; whether they still have it is decided when
        they are classified.
        """
        ours: dict[FileKind, list[int]] = {}  # a yank changes nothing of what a file needs, and may be taken back
        for number, file_kind in enumerate(self.file_kinds):
            ours.setdefault(file_kind._replace(yanked=False), []).append(number)
        same = older.versions == self.versions
        place = {} if same else {key: at for at, key in enumerate(self.keys)}
        for number, dependency_set, mask in older.known_rows():
            moved = mask if same else _moved(mask, older.keys, place)
            file_kind = older.file_kinds[number]
            kinds = ours.setdefault(file_kind._replace(yanked=False), [])
            if not kinds and moved & (1 << self.classified) - 1:
                kinds.append(len(self.file_kinds))
                self.file_kinds.append(file_kind)
            for kind in kinds:
                if news := moved & ~self.known_releases(kind):
                    self.learn_mask(news, kind, older.dependency_sets[dependency_set])


def _moved(mask: int, keys: Sequence[str], place: dict[str, int]) -> int:
    """Return a mask renumbered from one list of sort keys to another."""
    moved = 0
    while mask:
        top = mask.bit_length() - 1
        mask &= ~(1 << top)
        at = place.get(keys[top])
        if at is not None:
            moved |= 1 << at
    return moved


def encode(view: ReleaseView) -> bytes:
    """Return the stored form: one JSON object (docs/mirror-format.md)."""
    value = {
        "schema": SCHEMA,
        "name": view.name,
        "digest": view.digest,
        "fresh": list(view.freshness),
        "versions": " ".join(view.versions),
        "keys": " ".join(view.keys),
        "file_kinds": [[tags, python, int(yanked)] for tags, python, yanked in view.file_kinds],
        "classified": view.classified,
        "kind_sets": [[list(file_kinds), format(mask, "x")] for file_kinds, mask in view.kind_sets.items()],
        "uploads": " ".join(view.uploads_text),
        "pre": format(view.prereleases, "x"),
        "skipped": view.skipped,
        "status": view.status,
        "page": view.page_url,
        "needs": [dependency_set.to_json() for dependency_set in view.dependency_sets],
        "known": [[file_kind, number, format(mask, "x")] for file_kind, number, mask in view.known_rows()],
    }
    if view.withdrawn is not None:
        value["withdrawn"] = list(view.withdrawn)
    return _sealed(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


_SUM = b'{"sum":"'
_SUM_END = len(_SUM) + 16  # where the sixteen digits end


def _sealed(record: bytes) -> bytes:
    """Return a JSON object with the digest of its text as its first member: 171 views are checked in 1.3 ms."""
    rest = record[1:]
    return b"".join((_SUM, blake2b(rest, digest_size=8).hexdigest().encode(), b'",', rest))


def is_sound(data: bytes) -> bool:
    """Return whether a stored release view has the bytes that its digest was made of."""
    digest = blake2b(data[_SUM_END + 2 :], digest_size=8).hexdigest().encode()
    return data.startswith(_SUM) and data[len(_SUM) : _SUM_END + 2] == digest + b'",'


class Absence(NamedTuple):
    """The index answered that it has no such project: stored, so that the result is the same offline."""

    freshness: FreshnessRecord


def encode_absence(absence: Absence) -> bytes:
    """Return the stored form of a project that is not there."""
    value = {"schema": SCHEMA, "absent": True, "fresh": list(absence.freshness)}
    return _sealed(json.dumps(value, separators=(",", ":")).encode())


def decode(data: bytes) -> ReleaseView | Absence:
    """Rebuild a view from its stored form; raises ``Malformed`` where it is not one of this schema."""
    try:
        value: dict[str, Any] = json.loads(data)
        if value["schema"] != SCHEMA:
            raise Malformed(f"release view of schema {value['schema']}, this program reads {SCHEMA}")
        if not is_sound(data):
            raise Malformed("damaged release view: its digest differs")
        if value.get("absent"):
            return Absence(FreshnessRecord(*value["fresh"]))
        known: dict[int, list[tuple[int, int]]] = {}
        for file_kind, number, mask in value["known"]:
            known.setdefault(file_kind, []).append((number, int(mask, 16)))
        return ReleaseView(
            name=value["name"],
            digest=value["digest"],
            freshness=FreshnessRecord(*value["fresh"]),
            versions=value["versions"].split(" ") if value["versions"] else [],
            keys=value["keys"].split(" ") if value["keys"] else [],
            file_kinds=[FileKind(tags, python, bool(yanked)) for tags, python, yanked in value["file_kinds"]],
            classified=value["classified"],
            kind_sets={tuple(file_kinds): int(mask, 16) for file_kinds, mask in value["kind_sets"]},
            uploads_text=value["uploads"].split(" ") if value["uploads"] else [],
            prereleases=int(value["pre"], 16),
            skipped=value["skipped"],
            status=value["status"],
            page_url=value["page"],
            dependency_sets=[DependencySet.from_json(row) for row in value["needs"]],
            known=known,
            withdrawn=Withdrawal(*value["withdrawn"]) if "withdrawn" in value else None,
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, Malformed):
            raise
        raise Malformed(f"damaged release view ({type(error).__name__})") from error


def prerelease_mask(keys: Sequence[str]) -> int:
    """Return the mask of releases that are pre-releases."""
    mask = 0
    for at, key in enumerate(keys):
        if is_prerelease_key(key):
            mask |= 1 << at
    return mask
