"""The folder that a run builds in, below the system's temporary folder; what a killed run left of its own is removed.

A run holds a lock on a file in its folder as long as it lives. The system releases the lock however the run ends, so a folder
whose lock is free belongs to nobody (on Windows there are no such locks, and nothing is removed).
"""

# Paths go to other programs as text, and come back from them so.
from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress

_PREFIX = "pipx-parallel-"
_LOCK = "lock"


class Scratch:
    """A folder of this run."""

    def __init__(self) -> None:
        """Make the folder, after those of runs that were killed are removed."""
        _remove_abandoned(tempfile.gettempdir())
        self.path = tempfile.mkdtemp(prefix=_PREFIX)
        self._lock = _locked(self.path)

    def remove(self) -> None:
        """Remove the folder and all in it; safe to call twice."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _locked(folder: str) -> int | None:
    """Return the descriptor that holds the lock of a folder; the file has its name only when it is locked."""
    if sys.platform == "win32":
        return None
    import fcntl  # POSIX only

    new = os.path.join(folder, f"{_LOCK}.new")
    descriptor = os.open(new, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    with suppress(OSError):  # a file system without locks: then nobody can take it either
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(new, os.path.join(folder, _LOCK))
    return descriptor


def _remove_abandoned(parent: str) -> None:
    """Remove this user's folders whose lock nobody holds."""
    if sys.platform == "win32":
        return
    import fcntl  # POSIX only

    try:
        names = [name for name in os.listdir(parent) if name.startswith(_PREFIX)]
    except OSError:
        return
    for name in names:
        folder = os.path.join(parent, name)
        with suppress(OSError):  # no lock, not ours, in use, or removed by another run
            if os.lstat(folder).st_uid != os.getuid():
                continue
            descriptor = os.open(os.path.join(folder, _LOCK), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)
