"""Whether an embedded store still holds what it held: a mark in its database that every change moves, whoever makes it.

Triggers move it, inside the transaction of the change. It is read with SQLite alone, so that who finds nothing changed has
loaded no diskcache (10 ms).
"""

# As in disk_store: pathlib costs 8 ms.
from __future__ import annotations

import os
import sqlite3
from contextlib import closing

_MAKE = (
    # The first part tells this database from another that was later made in its place.
    "CREATE TABLE IF NOT EXISTS State (made TEXT NOT NULL, changes INTEGER NOT NULL)",
    "INSERT INTO State SELECT lower(hex(randomblob(12))), 0 WHERE NOT EXISTS (SELECT 1 FROM State)",
    "CREATE TRIGGER IF NOT EXISTS State_INSERT AFTER INSERT ON Cache BEGIN UPDATE State SET changes = changes + 1; END",
    "CREATE TRIGGER IF NOT EXISTS State_UPDATE AFTER UPDATE ON Cache BEGIN UPDATE State SET changes = changes + 1; END",
    "CREATE TRIGGER IF NOT EXISTS State_DELETE AFTER DELETE ON Cache BEGIN UPDATE State SET changes = changes + 1; END",
)


def mark(path: str, patience: float) -> None:
    """Have a database that exists count its changes from now on; ``patience`` is in seconds. Raises ``sqlite3.Error``."""
    with closing(sqlite3.connect(path, timeout=patience, isolation_level=None)) as database:
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'State_DELETE'").fetchone() is None:
            database.execute("BEGIN IMMEDIATE")
            for statement in _MAKE:
                database.execute(statement)
            database.execute("COMMIT")


def state_of(folder: str) -> str | None:
    """Return a text that differs once anything stored in a folder's database has changed; None where that cannot be told."""
    path = os.path.join(folder, "cache.db")
    if not os.path.isfile(path):
        return None
    address = "file:" + path.replace("%", "%25").replace("?", "%3f").replace("#", "%23") + "?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            made, changes = database.execute("SELECT made, changes FROM State").fetchone()
    except (sqlite3.Error, TypeError):  # none of ours yet, busy, damaged: whoever reads it for its content finds out
        return None
    return f"{made}-{changes}"
