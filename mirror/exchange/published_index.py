"""The index of a published mirror and its delta, as values (docs/mirror-format.md, "Published folder"). Both are untrusted input.

The index names one shard for each project: its digest, and where it lies in a pack. Packs have immutable names, so a client
that has an index and shards of yesterday needs the delta and the shards that changed.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from mirror.equality import NamedTuple
from mirror.errors import Malformed
from mirror.records.compression import LEVEL, pack_frame, unpack_frame
from mirror.records.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

INDEX = "index.zst"
DELTA = "delta.zst"
SIGNATURE = ".minisig"  # what the name of a signature ends with, after that of the signed file
FORMAT = 2
LARGEST_INDEX = 256 * 1024 * 1024  # bytes, unpacked
_RATIO = 256  # unpacked to packed, at most: the digests of its rows do not compress. Its values take ten times its size in memory
_ROW = re.compile(r"([01]) ([0-9a-f]{32}) (\d{1,12}) (\d{1,10}) (\d{1,10})((?: \S+)*)")
_SHA256 = re.compile(r"[0-9a-f]{64}")

Projects = dict[str, dict[str, str]]  # index id -> project -> the text of its row


def digest_of(data: bytes | memoryview) -> str:
    """Return the digest of a shard or a file view: the first half of its SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()[:32]


class Row(NamedTuple):
    """Where the shard of a project is, and which projects its dependency sets name."""

    pack: int  # 0: the base pack, 1: the pack of changes
    digest: str
    offset: int
    length: int
    files: int  # bytes of the complete file view; 0: there is none
    requires: tuple[str, ...] = ()  # "name" or "name[extra,extra]"; "[extra]" begins what an extra adds

    def text(self) -> str:
        """Return the row as the index has it."""
        return " ".join(
            (str(self.pack), self.digest, str(self.offset), str(self.length), str(self.files), *self.requires)
        )

    @classmethod
    def parse(cls, text: str) -> Row:
        """Read a row. Raises ``Malformed``."""
        match = _ROW.fullmatch(text)
        if match is None:
            raise Malformed(f"{text[:80]!r} is not a row of a mirror's index")
        pack, digest, offset, length, files, requires = match.groups()
        return cls(int(pack), digest, int(offset), int(length), int(files), tuple(requires.split()))


class Pack(NamedTuple):
    """A file of shards, one after the other. Its name is its SHA-256."""

    sha256: str
    size: int

    @property
    def path(self) -> str:
        """Return its path in the published folder."""
        return f"packs/{self.sha256}.pack"


class PublishedIndex(NamedTuple):
    """The content of ``index.zst``."""

    serial: int  # the number of this publication; it grows by one if anything changes
    schema: int
    indexes: dict[str, str]  # index id -> URL
    facts: dict[str, object]  # index id -> IndexFacts, in stored form
    packs: tuple[Pack, ...]  # the base, and the changes since it
    projects: Projects

    def to_json(self) -> bytes:
        """Return the canonical JSON: the same index gives the same bytes."""
        return _dump({**self.head(), "projects": self.projects})

    def head(self) -> dict[str, Any]:
        """Return all but the rows, which the delta repeats."""
        return {
            "published": FORMAT,
            "serial": self.serial,
            "schema": self.schema,
            "indexes": self.indexes,
            "facts": self.facts,
            "packs": [list(pack) for pack in self.packs],
        }

    def to_bytes(self, level: int = LEVEL) -> bytes:
        """Return the index as it is published; at a low level it is made fast, for a cache."""
        return pack_frame(self.to_json(), level)

    def row(self, index_id: str, name: str) -> Row | None:
        """Return the row of a project, or None. Raises ``Malformed``."""
        text = self.projects.get(index_id, {}).get(name)
        if text is None:
            return None
        row = Row.parse(text)
        if row.pack >= len(self.packs) or row.offset + row.length > self.packs[row.pack].size:
            raise Malformed(f"projects.{index_id}.{name}: its shard is outside of its pack")
        return row

    @classmethod
    def read(cls, data: bytes) -> PublishedIndex:
        """Parse a published index. Raises ``ValueError``, with the path of the wrong value."""
        return cls.of_table(table_of(data))

    @classmethod
    def of_table(cls, table: Table, projects: Projects | None = None) -> PublishedIndex:
        """Return the index in a parsed document; a delta has the projects elsewhere. Raises ``ValueError``."""
        packs = tuple(Pack(sha256, size) for sha256, size in table.rows("packs", str, int))
        if len(packs) > 2 or not all(_SHA256.fullmatch(pack.sha256) and pack.size >= 0 for pack in packs):
            raise Malformed("packs: must be at most two rows of a SHA-256 and a size")
        if projects is None:
            by_index = table.table("projects")
            projects = {index_id: by_index.text_by_name(index_id) for index_id in table.values("projects")}
        return cls(
            table.integer("serial"),
            table.integer("schema"),
            table.text_by_name("indexes"),
            table.values("facts"),
            packs,
            projects,
        )


class Delta(NamedTuple):
    """The content of ``delta.zst``: what leads from any index since ``since`` to the present one."""

    since: int  # the serial number from which on the changes are complete
    index_sha256: str  # of the present index as JSON
    head: dict[str, Any]  # of the present index
    changes: dict[str, dict[str, tuple[int, str]]]  # index id -> project -> (serial, its row now, or "" if it is gone)
    retired: dict[str, int]  # path -> since when (epoch seconds) no index names it: for the publisher

    def to_bytes(self) -> bytes:
        """Return the delta as it is published."""
        changes = {index: {name: list(row) for name, row in rows.items()} for index, rows in self.changes.items()}
        body = {"since": self.since, "index": self.index_sha256, "changes": changes, "retired": self.retired}
        return pack_frame(_dump({**self.head, **body}))

    @classmethod
    def read(cls, data: bytes) -> Delta:
        """Parse a published delta. Raises ``ValueError``."""
        table = table_of(data)
        head = PublishedIndex.of_table(table, {}).head()
        by_index = table.table("changes")
        changes = {}
        for index_id in table.values("changes"):
            rows = by_index.table(index_id)
            changes[index_id] = {
                name: (serial, row) for name in by_index.values(index_id) for serial, row in [_change(rows, name)]
            }
        moments = table.table("retired")
        retired = {path: moments.integer(path) for path in table.values("retired")}
        return cls(table.integer("since"), table.text("index"), head, changes, retired)

    def applied(self, old: PublishedIndex) -> PublishedIndex | None:
        """Return the present index, made of an older one; None if this delta does not lead there."""
        if not self.since <= old.serial <= self.head["serial"]:
            return None
        projects = {index_id: dict(rows) for index_id, rows in old.projects.items()}
        for index_id, changes in self.changes.items():
            rows = projects.setdefault(index_id, {})
            for name, (serial, row) in changes.items():
                if serial <= old.serial:
                    continue
                if row:
                    rows[name] = row
                else:
                    rows.pop(name, None)
        present = {index_id: rows for index_id, rows in projects.items() if rows}
        new = PublishedIndex.of_table(Table(self.head), present)
        return new if hashlib.sha256(new.to_json()).hexdigest() == self.index_sha256 else None


def delta_between(old: PublishedIndex | None, new: PublishedIndex, before: Delta | None) -> Delta:
    """Return the delta that leads to a new index: from the one before it, and from those that its own delta led from.

    A new base pack moves every shard, so the changes begin anew there.
    """
    changes: dict[str, dict[str, tuple[int, str]]] = {}
    since = new.serial
    if old is not None and old.packs[:1] == new.packs[:1]:
        joins = before is not None and before.head["serial"] == old.serial
        since, changes = (before.since, before.changes) if joins and before is not None else (old.serial, {})
        changes = {index_id: dict(rows) for index_id, rows in changes.items()}
        for index_id in sorted(old.projects.keys() | new.projects.keys()):
            now, then = new.projects.get(index_id, {}), old.projects.get(index_id, {})
            changed = {name: (new.serial, row) for name, row in now.items() if then.get(name) != row}
            changed |= {name: (new.serial, "") for name in then if name not in now}
            if changed:
                changes.setdefault(index_id, {}).update(changed)
    return Delta(since, hashlib.sha256(new.to_json()).hexdigest(), new.head(), changes, {})


def table_of(data: bytes) -> Table:
    """Return a published document, parsed. Raises ``ValueError`` if it is damaged or of another format."""
    table = Table(json.loads(unpack_frame(data, LARGEST_INDEX, _RATIO)))
    if (version := table.integer("published")) != FORMAT:
        raise Malformed(f"published: version {version}, this program reads {FORMAT}")
    return table


def needed_names(index: PublishedIndex, roots: Mapping[str, Iterable[str]]) -> list[str]:
    """Return projects, each with the extras that are wanted, and their transitive dependencies by the rows of the index, sorted.

    Markers are not evaluated.
    """
    waiting = [(name, extra) for name, wanted in roots.items() for extra in ("", *wanted)]
    seen = set(waiting)
    required: dict[str, dict[str, list[tuple[str, str]]]] = {}  # of each project by extra
    while waiting:
        name, extra = waiting.pop()
        if name not in required:
            required[name] = _requirements(rows[name] for rows in index.projects.values() if name in rows)
        for needed in required[name].get(extra, ()):
            if needed not in seen:
                seen.add(needed)
                waiting.append(needed)
    return sorted({name for name, _ in seen})


def _requirements(rows: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Return what a project requires by extra, as (project, extra): of the project itself the extra is ""."""
    required: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        needed = required.setdefault("", [])
        for word in Row.parse(row).requires:
            if word.startswith("["):
                needed = required.setdefault(word[1:-1], [])
            else:
                name, _, extras = word.rstrip("]").partition("[")
                needed += [(name, extra) for extra in ("", *extras.split(","))]
    return required


def _change(rows: Table, name: str) -> tuple[int, str]:
    change = rows.items(name)
    if len(change) == 2 and type(change[0]) is int and type(change[1]) is str:
        return change[0], change[1]
    raise Malformed(f"changes: {name[:80]!r} must have a number and a text")


def _dump(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
