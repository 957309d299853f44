"""Writes what the emitters rendered: every file whole, all of them or none, standard output last.

The only file that writes outputs.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, BinaryIO, Protocol

from mirror.store.atomic import AtomicWriteError, Batch, check_target
from pipx_parallel.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_REMEDIES = {
    errno.ENOENT: "make the folder first, or choose another with -o",
    errno.ENOTDIR: "choose another path with -o",
    errno.EISDIR: "give the name of a file inside it with -o",
    errno.EACCES: "choose a place where you may write with -o",
    errno.EPERM: "choose a place where you may write with -o",
    errno.EROFS: "choose a place where you may write with -o",
    errno.ENOSPC: "free some space, or choose another place with -o",
    errno.ENAMETOOLONG: "choose a shorter name with -o",
    errno.EPIPE: "whatever read it has stopped reading",
}


class Written(Protocol):
    """What can be written: an ``emitters.interface.Artifact``."""

    @property
    def name(self) -> str:
        """Return where to, "-" for standard output."""
        ...

    @property
    def text(self) -> str:
        """Return the whole text."""
        ...

    @property
    def mode(self) -> int:
        """Return the permissions of a new file."""
        ...


def write(artifacts: Sequence[Written], stdout: BinaryIO | None) -> None:
    """Write all artifacts or none. The one called "-" goes to ``stdout`` (None: it is closed), once all files are staged.

    Raises ``OutputError`` with the path, what is wrong and what to do; ``UsageError`` where two artifacts have one name.
    """
    _refuse_duplicates(artifacts)
    try:
        with Batch() as batch:
            for artifact in artifacts:
                if artifact.name != "-":
                    batch.stage(artifact.name, _encoded(artifact), artifact.mode)
            for artifact in artifacts:
                if artifact.name == "-":
                    _print(artifact, stdout)
            batch.commit()
    except AtomicWriteError as error:
        raise OutputError(f"{error}{_remedy(error)}; nothing was changed") from error


def check(names: Sequence[str]) -> None:
    """Raise ``OutputError`` where it is plain before any work that an output cannot be written."""
    try:
        for name in names:
            if name != "-":
                check_target(name)
    except AtomicWriteError as error:
        raise OutputError(f"{error}{_remedy(error)}; nothing was changed") from error


def _print(artifact: Written, stdout: BinaryIO | None) -> None:
    if stdout is None:
        raise OutputError("cannot write to standard output: it is closed; give a file with -o; nothing was changed")
    rest = memoryview(_encoded(artifact))
    try:
        while rest:  # an unbuffered stream (PYTHONUNBUFFERED) may take a part only, and says so
            taken = stdout.write(rest)
            if not taken:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            rest = rest[taken:]
        stdout.flush()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"cannot write to standard output: {reason}{_remedy(error)}; nothing was changed") from error


def _encoded(artifact: Written) -> bytes:
    """Return UTF-8 with line feeds on every platform: the same lock has the same bytes everywhere."""
    return artifact.text.encode("utf-8", "replace")


def _remedy(error: OSError) -> str:
    remedy = _REMEDIES.get(error.errno or 0)
    return f"; {remedy}" if remedy else ""


def _refuse_duplicates(artifacts: Sequence[Written]) -> None:
    seen: set[str] = set()
    for artifact in artifacts:
        if artifact.name in seen and artifact.name != "-":
            raise UsageError(f"two outputs are called {artifact.name!r}; give each its own name with -o")
        seen.add(artifact.name)
