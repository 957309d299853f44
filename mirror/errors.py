"""What can go wrong in the mirror, one class per blame.

MirrorError
 ├── NotFound         the index answered: there is no such project or file
 ├── NoSuchPath       a requirement names a path of this machine that leads to nothing
 ├── Unreachable      the index did not answer, or not in a way that can be used
 │    └── Withdrawn   it does not list any more what it listed before
 ├── Offline          the fact is not in the mirror and the network may not be asked
 ├── Malformed        the index (or a file) answered with something that cannot be read
 ├── Integrity        bytes do not have the hash that was promised
 ├── NeedsBuild       dependencies of this release are known only to its build backend
 ├── BuildFailed      a build backend was run and did not give metadata
 ├── NotInstalled     what was asked for needs a package that is not here
 ├── AddressUnavailable  the server cannot listen at the address
 └── StoreError       the mirror's own storage cannot be read or written
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

from mirror.limits import shortened

# What readers raise for text that its author made to break them: too deep, too large, too many digits, no Unicode.
FOREIGN_TEXT_ERRORS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


class MirrorError(Exception):
    """Root of every error of this package. ``str(error)`` is one sentence fit for a user, of bounded length."""

    def __init__(self, *args: object) -> None:
        """Keep the message; foreign text that it quotes is cut to ``limits.ERROR_CHARACTERS``."""
        super().__init__(*[shortened(arg) if isinstance(arg, str) else arg for arg in args])


class NotFound(MirrorError, LookupError):
    """Every index that was asked answered that it has no such project or file."""


class NoSuchPath(MirrorError, LookupError):
    """A requirement names a local path that leads to nothing."""


class Unreachable(MirrorError, OSError):
    """No usable answer came within the retries allowed."""


class Withdrawn(Unreachable):
    """An index does not list any more what it listed before: by intention or by mistake. The mirror keeps what it holds."""


class Offline(MirrorError, LookupError):
    """The mirror lacks this fact and asking the network is forbidden."""


class AddressUnavailable(MirrorError, OSError):
    """The server cannot listen at the address it was given."""


class Malformed(MirrorError, ValueError):
    """Something read from an index, an archive or a file does not follow its specification."""


class Integrity(MirrorError, ValueError):
    """Bytes differ from the hash that was promised for them."""


class NeedsBuild(MirrorError):
    """The dependencies of a release can be known only by running its build backend.

    ``archive`` holds the source archive where it was read; whoever records the error drops it.
    """

    def __init__(self, message: str, archive: bytes = b"") -> None:
        """Keep the archive beside the message."""
        self.archive = archive
        super().__init__(message)


class BuildProblem(Enum):
    """What of a build failed."""

    BACKEND = "backend"  # the build backend ended in an error, or gave nothing that can be read
    REQUIREMENTS = "requirements"  # what the backend needs cannot be installed
    SOURCE = "source"  # the source cannot be unpacked, or its build-system table is malformed
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"


class BuildFailed(MirrorError):
    """A build did not give metadata.

    ``reason`` is one sentence; ``log`` the end of what the build said, ``path`` where all of it is. ``missing`` is a module of the
    build tools that was not there, if that is why. ``str()`` has all but the last.
    """

    def __init__(
        self,
        reason: str,
        problem: BuildProblem = BuildProblem.BACKEND,
        *,
        log: Sequence[str] = (),
        path: str = "",
        missing: str = "",
    ) -> None:
        """Keep the parts."""
        self.reason = reason
        self.problem = problem
        self.log = tuple(log)
        self.path = path
        self.missing = missing
        super().__init__("\n".join([f"{reason}{self.where}", *[f"    {line}" for line in self.log]]))

    @property
    def where(self) -> str:
        """Return in parentheses where the whole log is; nothing where none was written."""
        return f" (the whole log: {self.path})" if self.path else ""


class NotInstalled(MirrorError):
    """Something that was asked for by name needs a package that is not installed, or that cannot be loaded."""


class StoreError(MirrorError, OSError):
    """The mirror's storage cannot be opened, read or written."""


def error_of_foreign_text(what: str, error: Exception) -> MirrorError:
    """Return the typed error for what a reader of foreign text raised; ``what`` names the text.

    This is the boundary of a project: an error of this package stays as it is, what foreign text can provoke becomes
    ``Malformed``, and anything else, being a bug, is raised again.
    """
    if isinstance(error, MirrorError):
        return error
    if isinstance(error, FOREIGN_TEXT_ERRORS):
        malformed = Malformed(f"{what} cannot be read: {type(error).__name__}: {error}")
        malformed.__cause__ = error
        return malformed
    raise error
