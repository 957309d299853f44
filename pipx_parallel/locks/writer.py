"""Write the rendered artifacts: all files or none, standard output last. The only module that writes outputs."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, BinaryIO

from mirror.store.atomic import AtomicWriteError, Batch, check_target
from pipx_parallel.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.model import Artifact

_REMEDIES = {
    errno.ENOENT: "make the folder first, or choose another with -o",
    errno.ENOTDIR: "choose another path with -o",
    errno.EISDIR: "give the name of a file inside it with -o",
    errno.EACCES: "choose a folder with write permission with -o",
    errno.EPERM: "choose a folder with write permission with -o",
    errno.EROFS: "choose a folder with write permission with -o",
    errno.ENOSPC: "free some space, or choose another disk with -o",
    errno.ENAMETOOLONG: "choose a shorter name with -o",
    errno.EPIPE: "the reader has closed it",
}


def write(artifacts: Sequence[Artifact], stdout: BinaryIO | None) -> None:
    """Write all artifacts or none.

    Args:
        artifacts: What to write; the one called "-" is written to ``stdout`` after all files are staged.
        stdout: Standard output; None if it is closed.

    Raises:
        OutputError: An artifact cannot be written; the message has path, cause and remedy.
        UsageError: Two artifacts have one name.
    """
    _refuse_duplicates(artifacts)
    try:
        with Batch() as batch:
            for artifact in artifacts:
                if artifact.name != "-":
                    batch.stage(artifact.name, _encoded(artifact), artifact.mode)
            for artifact in artifacts:
                if artifact.name == "-":
                    write_stream(_encoded(artifact), stdout)
            batch.commit()
    except AtomicWriteError as error:
        raise OutputError(f"{error}; nothing was changed", _remedy(error)) from error


def check(names: Sequence[str]) -> None:
    """Raise ``OutputError`` if an output obviously cannot be written; called before any work."""
    try:
        for name in names:
            if name != "-":
                check_target(name)
    except AtomicWriteError as error:
        raise OutputError(f"{error}; nothing was changed", _remedy(error)) from error


def write_stream(data: bytes, stdout: BinaryIO | None) -> None:
    """Write bytes to standard output, None if it is closed. Raises ``OutputError``."""
    if stdout is None:
        raise OutputError("cannot write to standard output: it is closed; nothing was changed", "give a file with -o")
    remaining = memoryview(data)
    try:
        while remaining:  # an unbuffered stream (PYTHONUNBUFFERED) may write only a part
            written = stdout.write(remaining)
            if not written:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            remaining = remaining[written:]
        stdout.flush()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"cannot write to standard output: {reason}; nothing was changed", _remedy(error)) from error


def _encoded(artifact: Artifact) -> bytes:
    """Return UTF-8 with LF line ends, so that a lock has the same bytes on every platform."""
    return artifact.text.encode("utf-8", "replace")


def _remedy(error: OSError) -> str:
    return _REMEDIES.get(error.errno or 0, "")


def _refuse_duplicates(artifacts: Sequence[Artifact]) -> None:
    names: set[str] = set()
    for artifact in artifacts:
        if artifact.name in names and artifact.name != "-":
            raise UsageError(f"two outputs are called {artifact.name!r}", "give each its own name with -o")
        names.add(artifact.name)
