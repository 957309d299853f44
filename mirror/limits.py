"""The limits of untrusted text, and of a whole run. Each limit of a text is far above what any known project needs.

Text above a limit is ``Malformed``, an error of the project that it belongs to. docs/mirror-format.md lists the limits.
The JSON parsers limit the nesting (about 1,000 levels); text that they refuse is ``Malformed`` too.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE_BYTES = 64 * 1024 * 1024  # of a project page, decompressed
PAGE_VALUES = 3_000_000  # commas in a JSON page: an upper bound of its values
PAGE_FILES = 250_000  # links in an HTML page
TAG_CHARACTERS = 64 * 1024  # of the attributes of one HTML tag
METADATA_BYTES = 16 * 1024 * 1024  # of one METADATA or PKG-INFO file
REQUIREMENTS = 10_000  # Requires-Dist lines of one release; the same limit holds for Provides-Extra
REQUIREMENT_CHARACTERS = 32 * 1024  # of one requirement
REQUIREMENT_EXTRAS = 500  # extras that one requirement names
SPECIFIER_CLAUSES = 2_000  # of one specifier set
VERSION_CHARACTERS = 512  # of one version, so also the digits of one number; Python's int() refuses 4,301
# What a source archive unpacks to: at most ARCHIVE_BYTES, and at most ARCHIVE_LEAST and ARCHIVE_RATIO times its size.
ARCHIVE_BYTES = 1024 * 1024 * 1024
ARCHIVE_LEAST = 64 * 1024 * 1024
ARCHIVE_RATIO = 100  # real source archives: below 30
# Its files and folders: at most ARCHIVE_MEMBERS, and at most MEMBERS_LEAST and one for each MEMBER_BYTES of its size.
ARCHIVE_MEMBERS = 100_000
MEMBERS_LEAST = 3_000
MEMBER_BYTES = 200  # real source archives of many files: 290 and more
ZIP_MEMBER_BYTES = 400  # each member is packed for itself, and has two headers
DIRECTORY_BYTES = 16 * 1024 * 1024  # of the directory of a zip archive, a wheel's too
ERROR_CHARACTERS = 4_000  # of one message that quotes untrusted text


def shortened(text: str) -> str:
    """Return a text cut in its middle to ``ERROR_CHARACTERS``, with a note of how many characters are left out."""
    if len(text) <= ERROR_CHARACTERS:
        return text
    tail = ERROR_CHARACTERS // 4
    head = ERROR_CHARACTERS - tail
    return f"{text[:head]} … ({len(text) - ERROR_CHARACTERS:,} characters left out) … {text[-tail:]}"


def unpacked_bytes(size: int) -> int:
    """Return how many bytes a source archive of so many bytes may unpack to."""
    return min(ARCHIVE_BYTES, ARCHIVE_LEAST + ARCHIVE_RATIO * size)


def unpacked_members(size: int, *, zipped: bool = False) -> int:
    """Return how many members a source archive of so many bytes may have."""
    return min(ARCHIVE_MEMBERS, MEMBERS_LEAST + size // (ZIP_MEMBER_BYTES if zipped else MEMBER_BYTES))


def check_members(members: int, most: int) -> None:
    """Raise ``ValueError`` if an archive has more members than ``unpacked_members`` allows."""
    if members > most:
        raise ValueError(f"it has more than {most} members, far more than an archive of its size")


class BudgetSpentError(Exception):
    """The run may make no more requests; what has arrived is stored."""


class DeadlineError(BudgetSpentError):
    """The deadline of the run has passed."""


class RequestBudget:
    """Counts the requests of a run; fetchers of several threads can share it."""

    __slots__ = ("_most", "_numbers", "deadline", "spent")

    def __init__(self, requests: int | None = None, deadline: float | None = None) -> None:
        """Take the number of requests and a time of the monotonic clock; None: no limit."""
        self._most = requests
        self._numbers = count(1)  # two threads never get the same number of it
        self.deadline = deadline
        self.spent = False

    def end_at(self, deadline: float) -> None:
        """Set a deadline, if there is no earlier one."""
        self.deadline = deadline if self.deadline is None else min(self.deadline, deadline)

    def take(self) -> bool:
        """Count one request; return whether it may be started."""
        if self._most is None:
            return True
        number = next(self._numbers)
        self.spent = self.spent or number >= self._most
        return number <= self._most

    def check(self, clock: Callable[[], float], *, under_way: int = 1) -> None:
        """Raise ``DeadlineError`` past the deadline, ``BudgetSpentError`` if no request is left and nothing is under way."""
        if self.deadline is not None and clock() > self.deadline:
            raise DeadlineError("the time for this answer is over")
        if self.spent and not under_way:
            raise BudgetSpentError("the requests of this run are made")
