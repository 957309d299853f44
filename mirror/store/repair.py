"""The embedded store from below: its folder, its database, and rows that are none of ours. Nothing is ever unpickled."""

# As in disk_store: pathlib costs 8 ms.
from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing

from mirror.errors import StoreError

_LITTLE = 100 * 1000 * 1000  # bytes free below which a warm may fail
_PLAIN = "raw = 1 AND mode = 1 AND filename IS NULL AND typeof(value) = 'blob' AND typeof(key) = 'text'"


def examine(folder: str, *, repairs: bool = False) -> list[str]:
    """Return what is wrong with a store's folder and database, a sentence each; with ``repairs`` it is put right.

    Raises ``StoreError`` where the database is damaged beyond that: then the folder is to be deleted, and filled again.
    """
    found = []
    mode = os.stat(folder).st_mode & 0o777
    if os.name == "posix" and mode & 0o077:
        found.append(f"{folder} can be read by others (mode {mode:03o})")
        if repairs:
            os.chmod(folder, 0o700)
    if not os.access(folder, os.W_OK):
        found.append(f"{folder} cannot be written")
    free = shutil.disk_usage(folder).free
    if free < _LITTLE:
        found.append(f"only {free // 1_000_000} MB are free where the mirror is")
    path = os.path.join(folder, "cache.db")
    return found + (_rows(path, repairs=repairs) if os.path.exists(path) else [])


def _rows(path: str, *, repairs: bool) -> list[str]:
    try:
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as database:
            trouble = database.execute("PRAGMA quick_check(5)").fetchall()
            if trouble != [("ok",)]:
                raise StoreError(f"{path} is damaged ({trouble[0][0]}); delete the folder and warm the mirror again")
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'Cache'").fetchone():
                return []  # another process is just making the mirror
            foreign = database.execute(f"SELECT COUNT(*) FROM Cache WHERE NOT ({_PLAIN})").fetchone()[0]  # noqa: S608 - a constant of this file
            if not foreign:
                return []
            if repairs:
                database.execute(f"DELETE FROM Cache WHERE NOT ({_PLAIN})")  # noqa: S608 - a constant
            return [f"{foreign} rows are not plain bytes (pickled?): they are refused unread"]
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete the folder and warm the mirror again") from error
