"""Writes what the emitters rendered: every file whole, all of them or none, standard output last.

The only file that writes outputs.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, BinaryIO

from mirror.atomic import AtomicWriteError, Batch
from pipx_parallel.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.emitters.interface import Artifact

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


def write(artifacts: Sequence[Artifact], stdout: BinaryIO) -> None:
    """Write all artifacts or none. The one called "-" goes to ``stdout``, once all files are staged.

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


def _print(artifact: Artifact, stdout: BinaryIO) -> None:
    try:
        stdout.write(_encoded(artifact))
        stdout.flush()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"cannot write to standard output: {reason}{_remedy(error)}; nothing was changed") from error


def _encoded(artifact: Artifact) -> bytes:
    """Return UTF-8 with line feeds on every platform: the same lock has the same bytes everywhere."""
    return artifact.text.encode("utf-8", "replace")


def _remedy(error: OSError) -> str:
    remedy = _REMEDIES.get(error.errno or 0)
    return f"; {remedy}" if remedy else ""


def _refuse_duplicates(artifacts: Sequence[Artifact]) -> None:
    seen: set[str] = set()
    for artifact in artifacts:
        if artifact.name in seen and artifact.name != "-":
            raise UsageError(f"two outputs are called {artifact.name!r}; give each its own name with -o")
        seen.add(artifact.name)
