"""Random damages of a mirror: of single records, whatever the store, and of the files of the embedded store."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

DATABASE = "cache.db"


class Records(Protocol):
    """The stored values of a mirror by key, as they are, checksums included."""

    def read(self) -> dict[str, bytes]:
        """Return every value."""
        ...

    def write(self, key: str, value: bytes) -> None:
        """Replace or add a value."""
        ...

    def delete(self, key: str) -> None:
        """Remove a value."""
        ...


class DiskRecords:
    """``Records`` of a mirror's folder."""

    def __init__(self, folder: Path) -> None:
        """Name the database; nothing is opened yet."""
        self._path = folder / DATABASE

    def read(self) -> dict[str, bytes]:
        """Return every value."""
        with closing(sqlite3.connect(self._path)) as database:
            return {key: bytes(value) for key, value in database.execute("SELECT key, value FROM Cache")}

    def write(self, key: str, value: bytes) -> None:
        """Replace a value, or add a row."""
        with closing(sqlite3.connect(self._path)) as database, database:
            if not database.execute("UPDATE Cache SET value = ? WHERE key = ?", (value, key)).rowcount:
                row = (key, 1, 0.0, 0.0, 0, 0, 1, value)
                database.execute(
                    "INSERT INTO Cache (key, raw, store_time, access_time, access_count, size, mode, value) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    row,
                )

    def delete(self, key: str) -> None:
        """Remove a row."""
        with closing(sqlite3.connect(self._path)) as database, database:
            database.execute("DELETE FROM Cache WHERE key = ?", (key,))


class RedisRecords:
    """``Records`` of a mirror in Redis."""

    _PREFIX = b"pipx-parallel:"

    def __init__(self, client: Any) -> None:
        """Take a client, which the caller closes."""
        self._client = client

    def read(self) -> dict[str, bytes]:
        """Return every value."""
        names = [name for name in self._client.scan_iter(self._PREFIX + b"*") if self._client.type(name) == b"string"]
        values = {name.removeprefix(self._PREFIX).decode("utf-8", "replace"): self._client.get(name) for name in names}
        values.pop("v/\ufffd\ufffd", None)  # of ``add_bytes``
        return {key: value for key, value in values.items() if value}

    def write(self, key: str, value: bytes) -> None:
        """Replace or add a value."""
        self._client.set(self._PREFIX + key.encode(), value)

    def delete(self, key: str) -> None:
        """Remove a value."""
        self._client.delete(self._PREFIX + key.encode())

    def replace_by_list(self, key: str) -> None:
        """Put a list where a value is."""
        self.delete(key)
        self._client.rpush(self._PREFIX + key.encode(), "x")

    def add_bytes(self, key: bytes) -> None:
        """Add a key that may be no text."""
        self._client.set(self._PREFIX + key, b"x")


# --- one value ------------------------------------------------------------------------------------------------------------


def flip(chance: random.Random, value: bytes) -> bytes:
    """Change one byte."""
    offset = chance.randrange(len(value))
    return value[:offset] + bytes([value[offset] ^ chance.randrange(1, 256)]) + value[offset + 1 :]


def bit(chance: random.Random, value: bytes) -> bytes:
    """Change one bit of the second half: of a block, if the value has any."""
    offset = chance.randrange(len(value) // 2, len(value))
    return value[:offset] + bytes([value[offset] ^ 1 << chance.randrange(8)]) + value[offset + 1 :]


def blank(chance: random.Random, value: bytes) -> bytes:
    """Overwrite a span with zeros."""
    offset = chance.randrange(len(value))
    size = min(chance.randrange(1, 64), len(value) - offset)
    return value[:offset] + bytes(size) + value[offset + size :]


def digit(chance: random.Random, value: bytes) -> bytes:
    """Change one digit into another: what still reads as what it was."""
    offsets = [offset for offset, byte in enumerate(value) if 48 <= byte <= 57] or [0]
    offset = chance.choice(offsets)
    return value[:offset] + str(chance.randrange(10)).encode() + value[offset + 1 :]


def cut(chance: random.Random, value: bytes) -> bytes:
    """Cut the end off."""
    return value[: chance.randrange(len(value))]


def longer(chance: random.Random, value: bytes) -> bytes:
    """Append bytes, or the value itself."""
    return value + chance.choice([b"\0", b"\n", chance.randbytes(30), value])


def empty(_: random.Random, __: bytes) -> bytes:
    """Return no bytes."""
    return b""


VALUE_DAMAGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    flip, digit, blank, cut, bit, flip, digit, longer, empty,
)  # fmt: skip


# --- one record, or two -----------------------------------------------------------------------------------------------------

Damage = Callable[[random.Random, Records, Mapping[str, bytes]], None]  # of records; and their older values


def changed(chance: random.Random, records: Records, _: Mapping[str, bytes]) -> None:
    """Change one value."""
    key, value = chance.choice(sorted(records.read().items()))
    records.write(key, chance.choice(VALUE_DAMAGES)(chance, value))


def swapped(chance: random.Random, records: Records, _: Mapping[str, bytes]) -> None:
    """Exchange the values of two records, mostly of one kind."""
    rows = records.read()
    first = chance.choice(sorted(rows))
    alike = [key for key in sorted(rows) if key[0] == first[0] or chance.random() < 0.1]
    second = chance.choice(alike)
    records.write(first, rows[second])
    records.write(second, rows[first])


def copied(chance: random.Random, records: Records, _: Mapping[str, bytes]) -> None:
    """Put the valid record of a key under another key of its kind."""
    rows = records.read()
    first = chance.choice(sorted(rows))
    records.write(first, rows[chance.choice([key for key in sorted(rows) if key[0] == first[0]])])


def lost(chance: random.Random, records: Records, _: Mapping[str, bytes]) -> None:
    """Delete a record."""
    records.delete(chance.choice(sorted(records.read())))


def outdated(chance: random.Random, records: Records, older: Mapping[str, bytes]) -> None:
    """Replace a value by the one that it had earlier."""
    rows = records.read()
    changes = [key for key in sorted(older) if older[key] != rows.get(key) and key[0] in "vft"]
    key = chance.choice(changes)
    records.write(key, older[key])


def foreign(chance: random.Random, records: Records, _: Mapping[str, bytes]) -> None:
    """Add a record that this program does not write."""
    records.write(chance.choice(["zz/1", "v/0/..", "V/x", "f//", "v/000000000000/nobody"]), chance.randbytes(20))


def sealed_view(value: dict[str, object]) -> bytes:
    """Return a release view with a digest that is right, whatever the view holds."""
    rest = json.dumps({key: item for key, item in value.items() if key != "sum"}, separators=(",", ":")).encode()[1:]
    return b'{"sum":"' + blake2b(rest, digest_size=8).hexdigest().encode() + b'",' + rest


def of_another_schema(chance: random.Random, records: Records, _: Mapping[str, bytes]) -> None:
    """Let one release view be of a schema that this program does not read."""
    rows = records.read()
    key = chance.choice([key for key in sorted(rows) if key.startswith("v/")])
    records.write(key, sealed_view({**json.loads(rows[key]), "schema": chance.choice([3, 6, "5", None])}))


def absent(chance: random.Random, records: Records, _: Mapping[str, bytes]) -> None:
    """Put the record of a project that its index does not have in the place of another project's."""
    rows = records.read()
    absences = [key for key in sorted(rows) if key.startswith("v/") and b'"absent":true' in rows[key]]
    others = [key for key in sorted(rows) if key.startswith("v/") and key not in absences]
    if absences and others:  # a repair may have deleted them
        records.write(chance.choice(others), rows[chance.choice(absences)])


RECORD_DAMAGES: tuple[Damage, ...] = (
    changed, changed, swapped, changed, copied, lost, outdated, changed, of_another_schema, absent, foreign,
)  # fmt: skip


# --- one file of several ------------------------------------------------------------------------------------------------------


def damaged_file(chance: random.Random, path: Path, others: Sequence[Path]) -> None:
    """Change a file, remove it, or put another file, a folder or a link in its place."""
    data = path.read_bytes()
    kind = chance.randrange(14)
    if kind < 9:
        path.write_bytes(VALUE_DAMAGES[kind](chance, data))
        return
    path.unlink()
    if kind == 9:
        path.mkdir()
    elif kind == 10:
        path.symlink_to("nowhere")
    elif kind < 13:
        path.write_bytes(chance.choice(others).read_bytes() if others else b"x")


# --- the files of the embedded store --------------------------------------------------------------------------------------------


def raw(chance: random.Random, folder: Path) -> None:
    """Change bytes of the database's file, wherever they are."""
    path = folder / DATABASE
    data = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 4, 64))):
        data[chance.randrange(len(data))] ^= chance.randrange(1, 256)
    path.write_bytes(data)


def header(chance: random.Random, folder: Path) -> None:
    """Change a byte of the database's header or schema."""
    path = folder / DATABASE
    data = bytearray(path.read_bytes())
    data[chance.randrange(chance.choice((100, 4096)))] ^= chance.randrange(1, 256)
    path.write_bytes(data)


def truncated(chance: random.Random, folder: Path) -> None:
    """Cut the database off: between two pages, within one, or all of it."""
    path = folder / DATABASE
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(chance.choice([0, 4096 * chance.randrange(size // 4096), chance.randrange(size), size - 1]))


def pages_exchanged(chance: random.Random, folder: Path) -> None:
    """Exchange two pages of the database, or empty one."""
    path = folder / DATABASE
    data = path.read_bytes()
    pages = [data[start : start + 4096] for start in range(0, len(data), 4096)]
    first, second = chance.randrange(len(pages)), chance.randrange(len(pages))
    pages[first], pages[second] = (
        (pages[second], pages[first]) if chance.random() < 0.5 else (bytes(4096), pages[second])
    )
    path.write_bytes(b"".join(pages))


def log_lost(chance: random.Random, folder: Path) -> None:
    """Write and remove the write-ahead log before it is copied into the database, or let it be noise."""
    path, log = folder / DATABASE, folder / f"{DATABASE}-wal"
    before = path.read_bytes()
    database = sqlite3.connect(path)
    database.execute("PRAGMA wal_autocheckpoint=0")
    keys = [row[0] for row in database.execute("SELECT key FROM Cache")]
    with database:
        for key in chance.sample(keys, 5):
            database.execute("DELETE FROM Cache WHERE key = ?", (key,))
    written = log.read_bytes()
    database.close()
    path.write_bytes(before)
    (folder / f"{DATABASE}-shm").unlink(missing_ok=True)
    log.write_bytes(
        chance.choice([b"", written[: chance.randrange(len(written))], flip(chance, written), chance.randbytes(9999)])
    )


def journal(chance: random.Random, folder: Path) -> None:
    """Leave a rollback journal, a log or an index of it that is noise."""
    suffix = chance.choice(["-journal", "-shm", "-wal"])
    (folder / f"{DATABASE}{suffix}").write_bytes(chance.choice([b"", chance.randbytes(40_000), bytes(32_768)]))


def in_its_place(chance: random.Random, folder: Path) -> None:
    """Put something else where the database is."""
    path = folder / DATABASE
    path.unlink()
    kind = chance.randrange(5)
    if kind == 0:
        path.write_text("this is no database\n" * 900)
    elif kind == 1:
        path.mkdir()
    elif kind == 2:
        path.symlink_to("nowhere/cache.db")
    elif kind == 3:
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("CREATE TABLE Cache (id INTEGER, text TEXT)")
            database.execute("CREATE TABLE Settings (key TEXT, value)")


def schema_changed(chance: random.Random, folder: Path) -> None:
    """Remove a table, an index, a column or the settings of the database."""
    with closing(sqlite3.connect(folder / DATABASE)) as database, database:
        kinds = [f"DROP {kind} {name}" for kind, name in database.execute(
            "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'index') AND name NOT LIKE 'sqlite%'"
        )]  # fmt: skip
        changes = [*kinds, "DELETE FROM Settings", "UPDATE Settings SET value = NULL", "UPDATE Settings SET value = 'x'",
                   "ALTER TABLE Cache RENAME COLUMN mode TO mood", "ALTER TABLE Cache RENAME COLUMN filename TO f"]  # fmt: skip
        database.execute(chance.choice(changes))


def row_changed(chance: random.Random, folder: Path) -> None:
    """Let a row hold what this program never writes: text, a number, a pickle, a file name, a key that is no text."""
    with closing(sqlite3.connect(folder / DATABASE)) as database, database:
        row = chance.choice([row for (row,) in database.execute("SELECT rowid FROM Cache")])
        change = chance.choice([
            "value = 'text'", "value = NULL", "value = 7", "mode = 4", "mode = NULL", "filename = '../../x'", "raw = 0",
            "key = 5", "key = x'FF00'", "key = CAST(x'FFFE76' AS TEXT)", "key = NULL", "key = ''", "size = -1",
            "expire_time = 1.0", "tag = 'x'",
        ])  # fmt: skip
        database.execute(f"UPDATE Cache SET {change} WHERE rowid = ?", (row,))  # noqa: S608 - a constant of this file


FILE_DAMAGES: tuple[Callable[[random.Random, Path], None], ...] = (
    raw, header, truncated, pages_exchanged, log_lost, journal, in_its_place, schema_changed, row_changed, raw, row_changed,
)  # fmt: skip


def settled_copy(folder: Path, target: Path) -> None:
    """Copy a mirror's folder with everything in its database, and no log."""
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target)
