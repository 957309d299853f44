"""The exceptions of the mirror, one class per cause.

MirrorError
 ├── NotFound         the index answered that there is no such project or file
 ├── NoSuchPath       a requirement names a local path that does not exist
 ├── Unreachable      the index did not answer, or its answer cannot be used
 │    └── Withdrawn   the index no longer lists what it listed before
 ├── Offline          the fact is not in the mirror and network access is not allowed
 ├── Malformed        a page or file does not follow its specification
 ├── Integrity        bytes do not have the expected hash
 ├── NeedsBuild       only the build backend can give the dependencies of this release
 ├── BuildFailed      a build backend was run and did not give metadata
 ├── NotInstalled     a requested feature needs a package that is not installed
 ├── AddressUnavailable  the server cannot listen at the address
 └── StoreError       the mirror's storage cannot be read or written
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

from mirror.limits import shortened

# What parsers raise for hostile text: nested too deeply, too large, too many digits, not Unicode.
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
    """Root of every error of this package. ``str(error)`` is one sentence for the user, of bounded length."""

    def __init__(self, *args: object) -> None:
        """Store the message, shortened to ``limits.ERROR_CHARACTERS``: it may quote untrusted text."""
        super().__init__(*[shortened(arg) if isinstance(arg, str) else arg for arg in args])


class NotFound(MirrorError, LookupError):
    """Every requested index answered that it has no such project or file."""


class NoSuchPath(MirrorError, LookupError):
    """A requirement names a local path that does not exist."""


class Unreachable(MirrorError, OSError):
    """No usable response came within the allowed retries."""


class Withdrawn(Unreachable):
    """An index no longer lists what it listed before, on purpose or by mistake. The mirror keeps its records."""


class Offline(MirrorError, LookupError):
    """The mirror does not have this fact and network access is not allowed. ``remedy`` is what to do (may be empty)."""

    def __init__(self, problem: str, *, remedy: str = "") -> None:
        """Take both; the message is the problem alone."""
        self.remedy = remedy
        super().__init__(problem)


class AddressUnavailable(MirrorError, OSError):
    """The server cannot listen at the given address."""


class Malformed(MirrorError, ValueError):
    """Something read from an index, an archive or a file does not follow its specification."""


class OtherSchema(Malformed):
    """A stored record was written by another version of this program."""


class Integrity(MirrorError, ValueError):
    """Bytes do not have the expected hash."""


class NeedsBuild(MirrorError):
    """The dependencies of a release are available only by running its build backend.

    ``archive`` holds the source archive if it was read. Code that records the error drops it.
    """

    def __init__(self, message: str, archive: BinaryIO | None = None) -> None:
        """Store the message and the archive."""
        self.archive = archive
        super().__init__(message)


class BuildProblem(Enum):
    """Which part of a build failed."""

    BACKEND = "backend"  # the build backend failed, or its output cannot be read
    REQUIREMENTS = "requirements"  # the build requirements cannot be installed
    SOURCE = "source"  # the source cannot be unpacked, or its build-system table is malformed
    POLICY = "policy"  # the policy refuses what the build needs, or it cannot be checked
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"


class BuildFailed(MirrorError):
    """A build did not give metadata.

    ``reason`` is one sentence. ``log`` has the last lines of the build log, ``path`` is the file with all of it. ``missing`` is
    the module of the build tools whose absence is the cause, if any. ``str()`` has all of these but ``missing``.
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
        """Store the parts; the message is made of them."""
        self.reason = reason
        self.problem = problem
        self.log = tuple(log)
        self.path = path
        self.missing = missing
        super().__init__("\n".join([f"{reason}{self.where}", *[f"    {line}" for line in self.log]]))

    @property
    def where(self) -> str:
        """Return the path of the whole log in parentheses, or "" if no log was written."""
        return f" (the whole log: {self.path})" if self.path else ""


class NotInstalled(MirrorError):
    """A feature requested by name needs a package that is not installed or cannot be imported."""


class StoreError(MirrorError, OSError):
    """The mirror's storage cannot be opened, read or written."""


def error_of_foreign_text(what: str, error: Exception) -> MirrorError:
    """Return the typed error for an exception that a parser of untrusted text raised.

    Args:
        what: The name of the text, for the message.
        error: The exception. A ``MirrorError`` is returned as it is; one of ``FOREIGN_TEXT_ERRORS`` becomes ``Malformed``.

    Raises:
        Exception: ``error`` itself if it is anything else, because it is then a bug.
    """
    if isinstance(error, MirrorError):
        return error
    if isinstance(error, FOREIGN_TEXT_ERRORS):
        malformed = Malformed(f"{what} cannot be read: {type(error).__name__}: {error}")
        malformed.__cause__ = error
        return malformed
    raise error


def parse_toml(text: str) -> dict[str, Any]:
    """Return a TOML document. Raises ``tomllib.TOMLDecodeError``, also for what nests too deeply or has too many digits."""
    import tomllib  # 8 ms to load; not for requirements files

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except FOREIGN_TEXT_ERRORS as error:
        raise tomllib.TOMLDecodeError(str(error).partition(";")[0]) from error


def archive_errors() -> tuple[type[Exception], ...]:
    """Return what tarfile and zipfile raise for an archive that is damaged, encrypted, or compressed in an unknown way."""
    import lzma  # here and below: 15 ms to load, and few runs read an archive
    import struct
    import tarfile
    import zipfile
    import zlib

    return (
        tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError,
        OverflowError, MemoryError, NotImplementedError, RuntimeError,
    )  # fmt: skip
