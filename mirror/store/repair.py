"""Check and repair the embedded store's folder, database and foreign rows. Nothing is ever unpickled."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing

from mirror.errors import StoreError
from mirror.store.disk import FOREIGN, is_damage

_LITTLE = 100 * 1000 * 1000  # bytes; with less free space a warm may fail
# "IS NOT 1" and not "NOT": the first is also true if a column is NULL.
_FOREIGN = "(raw = 1 AND mode = 1 AND filename IS NULL AND typeof(value) = 'blob' AND typeof(key) = 'text') IS NOT 1"


def warnings(folder: str) -> list[str]:
    """Return what else may keep a store from being written, with its remedy: no command of this program can change it."""
    texts = []
    if not os.access(folder, os.W_OK):
        texts.append(f"{folder} cannot be written: change its permissions, or name another with --mirror")
    free = shutil.disk_usage(folder).free
    if free < _LITTLE:
        texts.append(
            f"only {free // 1_000_000} MB are free on the disk of the mirror: free more, or name a mirror on another disk "
            "with --mirror"
        )
    return texts


def examine(folder: str, *, repairs: bool = False) -> list[str]:
    """Return the problems of a store's folder and database, one sentence each; with ``repairs`` they are fixed.

    Raises:
        StoreError: The database is damaged and cannot be repaired.
    """
    problems = []
    mode = os.stat(folder).st_mode & 0o777
    if os.name == "posix" and mode & 0o077:
        problems.append(f"{folder} can be read by others (mode {mode:03o})")
        if repairs:
            os.chmod(folder, 0o700)
    path = os.path.join(folder, "cache.db")
    if os.path.lexists(path) and not os.path.isfile(path):
        raise StoreError(f"{path} is not a file; delete the folder and warm the mirror again")
    return problems + (_rows(path, repairs=repairs) if os.path.exists(path) else [])


def _rows(path: str, *, repairs: bool) -> list[str]:
    try:
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as database:
            check = database.execute("PRAGMA integrity_check(5)").fetchall()
            if check != [("ok",)]:
                raise StoreError(f"{path} is damaged ({check[0][0]}); delete the folder and warm the mirror again")
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'Cache'").fetchone():
                return []  # another process is just creating the mirror
            foreign = database.execute(f"SELECT COUNT(*) FROM Cache WHERE {_FOREIGN}").fetchone()[0]  # noqa: S608 - a constant of this file
            if not foreign:
                return []
            if repairs:
                database.execute(f"DELETE FROM Cache WHERE {_FOREIGN}")  # noqa: S608 - a constant
            return [f"{foreign} rows are not plain bytes (pickled?): they are refused unread"]
    except sqlite3.OperationalError as error:
        if is_damage(error, FOREIGN):
            raise StoreError(f"{path} is damaged ({error}); delete the folder and warm the mirror again") from error
        # A full disk, a lock, a missing right: nothing says that the records are damaged.
        raise StoreError(f"{path} cannot be read now ({error}); check space and permissions, then try again") from error
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete the folder and warm the mirror again") from error
