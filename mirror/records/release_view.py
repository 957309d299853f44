"""The release view: the data of a project that a resolver reads, in one small record.

Releases are numbered from the oldest. Files with equal tags, Requires-Python and yanked mark are one *file kind*. The file
kinds of a release are its *kind set*, and each kind set is stored with a mask of releases. So compatibility with a target is
decided once per file kind, not once per file. Releases from number ``classified`` up have a kind set. Older ones get it from the
file view when a resolver reads them (``Project.classify``).
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from mirror.equality import NamedTuple
from mirror.errors import Malformed, OtherSchema
from mirror.records.dependency_sets import DependencySet
from mirror.records.freshness import FreshnessRecord
from mirror.records.model import FileKind, FileSighting, Withdrawal, file_kinds_of

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from typing import Unpack

    from mirror.records.release_parts import ReleaseParts


HEAD = 10  # number of newest releases classified when a listing is fetched: the same in every run
SCHEMA = 5  # of the stored release view and file view; docs/mirror-format.md
_MOST_ROWS = 2000  # of a history: an index that changes every file each day must not fill the mirror
READABLE = (4, SCHEMA)  # 4 has neither status reason nor attestations


class ReleaseView:
    """One project as its index lists it, with the dependency sets read so far.

    ``versions`` and ``keys`` are ascending; ``kind_sets`` maps file kind numbers to the mask of releases that have
    exactly these; ``uploads_text`` holds "first+later" upload times per classified release, ``attested`` a digit for each: how
    many of its files have an attestation (PEP 740; 0: none, 1: some, 2: all), "" if that is not known.
    """

    __slots__ = (
        "_known",
        "attested",
        "built",
        "classified",
        "dependency_sets",
        "digest",
        "file_kinds",
        "freshness",
        "history",
        "keys",
        "kind_sets",
        "name",
        "page_url",
        "prereleases",
        "skipped",
        "status",
        "status_reason",
        "uploads_text",
        "versions",
        "withdrawn",
    )

    def __init__(self, **parts: Unpack[ReleaseParts]) -> None:
        """Store the parts; use ``mirror.records.listing_views.build_views`` or ``decode`` to make a view."""
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
        self.status_reason = parts.get("status_reason")
        self.attested = parts.get("attested", "")
        self.history = parts.get("history", ())
        self.page_url = parts.get("page_url")
        self.dependency_sets = parts.get("dependency_sets") or []
        self._known = parts.get("dependency_rows") or {}
        self.withdrawn = parts.get("withdrawn")
        # By (release, file kind), from builds: valid only on this machine, so not part of the record.
        self.built: dict[tuple[int, int], DependencySet] = {}

    def uploads(self, release: int) -> tuple[int, int]:
        """Return the first and last upload time of a classified release's files, in epoch seconds; 0 if unknown."""
        first, _, later = self.uploads_text[release - self.classified].partition("+")
        return int(first), int(first) + int(later or 0)

    def add_history(self, rows: Sequence[FileSighting]) -> None:
        """Append rows to the history of files, each once; past ``_MOST_ROWS`` the first stay."""
        if rows:
            self.history = tuple(dict.fromkeys([*self.history, *rows]))[:_MOST_ROWS]

    @property
    def status_words(self) -> str:
        """Return the status of the project, with the reason if it states one."""
        return f"{self.status} ({self.status_reason})" if self.status_reason else str(self.status)

    def attestation_level(self, release: int) -> int | None:
        """Return how many files of a classified release have attestations (0: none, 1: some, 2: all); None if not known."""
        offset = release - self.classified
        return int(self.attested[offset]) if len(self.attested) == len(self.uploads_text) and offset >= 0 else None

    def add_kind_set(self, file_kinds: tuple[int, ...], release: int) -> None:
        """Set the file kinds of a release."""
        self.kind_sets[file_kinds] = self.kind_sets.get(file_kinds, 0) | 1 << release

    def kind_set_of(self, release: int) -> tuple[int, ...]:
        """Return the file kind numbers of a classified release."""
        for file_kinds, mask in self.kind_sets.items():
            if mask >> release & 1:
                return file_kinds
        return ()

    def index_of(self, key: str) -> int | None:
        """Return the number of the release with a sort key, or None."""
        from bisect import bisect_left  # only a lookup by key needs it

        number = bisect_left(self.keys, key)
        return number if number < len(self.keys) and self.keys[number] == key else None

    def dependency_set(self, release: int, file_kind: int) -> DependencySet | None:
        """Return the dependency set of a file kind of a release, or None if it was not read yet."""
        for number, mask in self._known.get(file_kind, ()):
            if mask >> release & 1:
                return self.dependency_sets[number]
        return self.built.get((release, file_kind))

    def known_releases(self, file_kind: int | None = None) -> int:
        """Return the mask of releases that have a dependency set for the file kind, or for any."""
        mask = 0
        for rows in self._known.values() if file_kind is None else (self._known.get(file_kind, ()),):
            for _, releases in rows:
                mask |= releases
        return mask

    def known_rows(self) -> list[tuple[int, int, int]]:
        """Return every row (file kind, number of a dependency set, mask of releases), in stored order."""
        return [(file_kind, number, mask) for file_kind, rows in self._known.items() for number, mask in rows]

    def learn(self, release: int, file_kind: int, dependency_set: DependencySet) -> DependencySet:
        """Add the dependency set of a file; equal sets are stored once. Return the stored set."""
        return self.learn_mask(1 << release, file_kind, dependency_set)

    def learn_mask(self, mask: int, file_kind: int, dependency_set: DependencySet) -> DependencySet:
        """Add a dependency set as ``learn`` does, for all releases of a mask at once."""
        for number, existing in enumerate(self.dependency_sets):  # noqa: B007 - the number is used below
            if existing.lines == dependency_set.lines and existing.requires_python == dependency_set.requires_python:
                break
        else:
            number, existing = len(self.dependency_sets), dependency_set
            self.dependency_sets.append(dependency_set)
        rows = self._known.setdefault(file_kind, [])
        for index, (row, releases) in enumerate(rows):
            if row == number:
                rows[index] = (row, releases | mask)
                return existing
        rows.append((number, mask))
        return existing

    def absorb(self, older: ReleaseView, keys: Container[str] | None = None) -> None:
        """Add the dependency sets of another view of this project, by release and file kind: all, or those of some releases.

        For releases that are not classified here yet, the file kind is added too. Whether they still have it is decided when
        they are classified. Its file history is added in any case.
        """
        own, self.history = self.history, older.history
        self.add_history(own)
        ours: dict[FileKind, list[int]] = {}  # a yank does not change a file's dependencies, and may be reverted
        for number, file_kind in enumerate(self.file_kinds):
            ours.setdefault(file_kind._replace(yanked=False), []).append(number)
        same = older.versions == self.versions and keys is None
        numbers = {} if same else {key: number for number, key in enumerate(self.keys) if keys is None or key in keys}
        for number, dependency_set, mask in older.known_rows():
            moved = mask if same else _moved(mask, older.keys, numbers)
            file_kind = older.file_kinds[number]
            kinds = ours.setdefault(file_kind._replace(yanked=False), [])
            if not kinds and moved & (1 << self.classified) - 1:
                kinds.append(len(self.file_kinds))
                self.file_kinds.append(file_kind)
            for kind in kinds:
                if news := moved & ~self.known_releases(kind):
                    self.learn_mask(news, kind, older.dependency_sets[dependency_set])


def _moved(mask: int, keys: Sequence[str], numbers: dict[str, int]) -> int:
    """Return a mask renumbered from one list of sort keys to another."""
    moved = 0
    while mask:
        top = mask.bit_length() - 1
        mask &= ~(1 << top)
        number = numbers.get(keys[top])
        if number is not None:
            moved |= 1 << number
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
        "attested": view.attested,
        "pre": format(view.prereleases, "x"),
        "skipped": view.skipped,
        "status": view.status,
        "status_reason": view.status_reason,
        "page": view.page_url,
        "needs": [dependency_set.to_json() for dependency_set in view.dependency_sets],
        "known": [[file_kind, number, format(mask, "x")] for file_kind, number, mask in view.known_rows()],
    }
    if view.history:
        value["history"] = [list(row) for row in view.history]
    if view.withdrawn is not None:
        value["withdrawn"] = list(view.withdrawn)
    return _sealed(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


_SUM = b'{"sum":"'
_SUM_END = len(_SUM) + 16  # the offset after the sixteen digits


def _sealed(record: bytes) -> bytes:
    """Return a JSON object with the digest of its text as its first member: 171 views are verified in 1.3 ms."""
    rest = record[1:]
    return b"".join((_SUM, blake2b(rest, digest_size=8).hexdigest().encode(), b'",', rest))


def is_sound(data: bytes) -> bool:
    """Return whether a stored release view matches its digest."""
    digest = blake2b(data[_SUM_END + 2 :], digest_size=8).hexdigest().encode()
    return data.startswith(_SUM) and data[len(_SUM) : _SUM_END + 2] == digest + b'",'


class Absence(NamedTuple):
    """A project that its index does not have: stored, so that the result is the same offline."""

    freshness: FreshnessRecord
    owner: str = ""  # INDEX/NAME, as in its key; "" in records of older versions


def encode_absence(absence: Absence) -> bytes:
    """Return the stored form of a project that its index does not have."""
    value = {"schema": SCHEMA, "absent": True, "of": absence.owner, "fresh": list(absence.freshness)}
    return _sealed(json.dumps(value, separators=(",", ":")).encode())


def decode(data: bytes) -> ReleaseView | Absence:
    """Rebuild a view from its stored form; raises ``Malformed`` if it is damaged or of another schema."""
    try:
        value: dict[str, Any] = json.loads(data)
        if value["schema"] not in READABLE:
            raise OtherSchema(f"release view of schema {value['schema']}, this program reads {SCHEMA}")
        if not is_sound(data):
            raise Malformed("damaged release view: its digest differs")
        if value.get("absent"):
            return Absence(FreshnessRecord(*value["fresh"]), value.get("of", ""))
        dependency_rows: dict[int, list[tuple[int, int]]] = {}
        for file_kind, number, mask in value["known"]:
            dependency_rows.setdefault(file_kind, []).append((number, int(mask, 16)))
        return ReleaseView(
            name=value["name"],
            digest=value["digest"],
            freshness=FreshnessRecord(*value["fresh"]),
            versions=value["versions"].split(" ") if value["versions"] else [],
            keys=value["keys"].split(" ") if value["keys"] else [],
            file_kinds=file_kinds_of(value["file_kinds"]),
            classified=value["classified"],
            kind_sets={tuple(file_kinds): int(mask, 16) for file_kinds, mask in value["kind_sets"]},
            uploads_text=value["uploads"].split(" ") if value["uploads"] else [],
            prereleases=int(value["pre"], 16),
            skipped=value["skipped"],
            status=value["status"],
            status_reason=value.get("status_reason"),
            attested=value.get("attested", ""),
            history=tuple([FileSighting(*row) for row in value.get("history", ())]),
            page_url=value["page"],
            dependency_sets=[DependencySet.from_json(row) for row in value["needs"]],
            dependency_rows=dependency_rows,
            withdrawn=Withdrawal(*value["withdrawn"]) if "withdrawn" in value else None,
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, Malformed):
            raise
        raise Malformed(f"damaged release view ({type(error).__name__})") from error
