"""A valid record under a key that is not its own, a row or a database of another program: as if absent, or one clear remedy."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.damages import DiskRecords, sealed_view
from tests.support.workspace import Workspace


@pytest.fixture
def records(workspace: Workspace) -> DiskRecords:
    """Warm a mirror that also knows that there is no ghost."""
    workspace.write("r.txt", "app\n")
    assert workspace.run("mirror", "warm", "--depth", "closure", "r.txt").code == 0
    assert workspace.run("mirror", "warm", "--packages", "ghost").code == 1
    with closing(sqlite3.connect(workspace.mirror / "cache.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return DiskRecords(workspace.mirror)


def key_of(records: DiskRecords, kind: str, name: str) -> str:
    """Return the key of a project's record."""
    return next(key for key in records.read() if key.startswith(kind) and key.endswith(f"/{name}"))


def test_an_absence_under_the_key_of_another_project(workspace: Workspace, records: DiskRecords) -> None:
    """It does not say that there is no such project: offline the record is missing, online it is fetched again."""
    records.write(key_of(records, "v/", "app"), records.read()[key_of(records, "v/", "ghost")])

    offline = workspace.run("lock", "--offline", "r.txt")
    verified = workspace.run("mirror", "verify", "r.txt")

    assert (offline.code, verified.code) == (4, 6), offline.err + verified.err
    assert "mirror doctor --repair" in verified.err
    assert workspace.run("lock", "r.txt").code == 0
    assert workspace.run("mirror", "verify").code == 0


def test_an_absence_of_an_older_version_is_read(workspace: Workspace, records: DiskRecords) -> None:
    """It does not say whose it is, and is no damage."""
    key = key_of(records, "v/", "ghost")
    value = json.loads(records.read()[key])
    assert value.pop("of") == key.removeprefix("v/")
    records.write(key, sealed_view(value))

    assert workspace.run("mirror", "verify", "r.txt").code == 0
    assert workspace.run("lock", "--offline", "--packages", "ghost").code == 1


def test_a_view_of_another_project_is_not_merged_with_what_is_fetched(
    workspace: Workspace, records: DiskRecords
) -> None:
    """Else the dependencies of that project would become those of this one."""
    app, lib = key_of(records, "v/", "app"), key_of(records, "v/", "lib")
    before = json.loads(records.read()[app])["needs"]
    records.write(app, records.read()[lib])

    assert workspace.run("lock", "r.txt").code == 0

    after = json.loads(records.read()[app])["needs"]
    assert [row for row in after if row not in before] == []
    assert b"lib" in next(workspace.folder.glob("pylock*")).read_bytes()


def test_metadata_of_another_project_is_reported(workspace: Workspace, records: DiskRecords) -> None:
    """As export and import would refuse it."""
    records.write(key_of(records, "t/", "app"), records.read()[key_of(records, "t/", "lib")])

    assert workspace.run("mirror", "doctor").code == 6
    assert workspace.run("mirror", "doctor", "--repair").code == 0
    assert workspace.run("mirror", "doctor").code == 0


@pytest.mark.parametrize(
    "change", ["value = 'text'", "value = NULL", "mode = NULL", "mode = 4", "filename = '../x'", "key = 5", "raw = 0"]
)
def test_a_row_of_another_program(workspace: Workspace, records: DiskRecords, change: str) -> None:
    """Whatever its columns hold, the command that is printed removes it."""
    key = key_of(records, "v/", "app")
    with closing(sqlite3.connect(workspace.mirror / "cache.db")) as database, database:
        database.execute(f"UPDATE Cache SET {change} WHERE key = ?", (key,))  # noqa: S608 - constants

    verified = workspace.run("mirror", "verify", "r.txt")

    assert verified.code in {2, 4, 6}, verified.err
    assert verified.code == 4 or "mirror doctor --repair" in verified.err, verified.err
    assert workspace.run("mirror", "doctor", "--repair").code == 0
    assert workspace.run("mirror", "doctor").code == 0
    assert workspace.run("mirror", "warm", "--depth", "closure", "r.txt").code == 0
    assert workspace.run("mirror", "verify", "r.txt").code == 0


def other_program(path: Path) -> None:
    """Make a database with a table of the same name and other columns."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE Cache (id INTEGER, text TEXT)")


@pytest.mark.parametrize("kind", ["folder", "dangling link", "other program", "no column", "text"])
def test_something_else_in_the_place_of_the_database(workspace: Workspace, records: DiskRecords, kind: str) -> None:
    """Every command says to delete the folder; then a lock is right."""
    assert records.read()
    path = workspace.mirror / "cache.db"
    if kind == "no column":
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("ALTER TABLE Cache RENAME COLUMN tag TO gat")
    else:
        path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "dangling link":
        os.symlink("nowhere", path)
    elif kind == "other program":
        other_program(path)
    elif kind == "text":
        path.write_text("no database\n" * 1000)

    for command in (["lock", "r.txt"], ["mirror", "verify", "r.txt"], ["mirror", "doctor", "--repair"]):
        ran = workspace.run(*command)
        assert ran.code in {2, 6}, ran.err
        assert "delete the folder" in ran.err
