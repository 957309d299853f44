"""Read requirements files and the files they include as one stream of lines, through a ``Reader``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mirror.equality import NamedTuple
from mirror.errors import MirrorError
from pipx_parallel.model import Origin
from pipx_parallel.requirements.grammar import ParsedLine, parse_line
from pipx_parallel.requirements.lines import decode, logical_lines
from pipx_parallel.requirements.refusal import quoted, refusal
from pipx_parallel.requirements.urls import is_location_url, join_location, mask_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class Reader(Protocol):
    """Reads inputs by location. The command line uses ``pipx_parallel.requirements.files.FileReader``."""

    def read(self, location: str) -> bytes:
        """Return the bytes at a path, an ``http(s):`` or ``file:`` URL, or ``-`` (standard input). Raises ``OSError``."""
        ...

    def kind(self, path: str) -> str:
        """Return "file", "folder", or "" if there is neither. Never raises."""
        ...

    def beside(self, path: str) -> Sequence[str]:
        """Return the paths of all files in the folder of a path, to name one that was meant. Never raises."""
        ...

    def absolute(self, path: str) -> str:
        """Return the absolute path, normalised; relative paths are relative to the current folder."""
        ...


class Include(NamedTuple):
    """A requirements file that is being read, and the chain of lines that include it."""

    location: str  # for messages
    identity: str  # absolute, to detect a loop
    via: tuple[str, ...]
    constraint: bool
    parent: Include | None


class LocatedLine(NamedTuple):
    """A line, and whether it is in a constraints file."""

    line: ParsedLine
    constraint: bool


class TreeReader:
    """Follows ``-r`` and ``-c`` from a file, depth first, in the order written."""

    def __init__(self, reader: Reader, environ: Mapping[str, str], seen: Callable[[str, bytes], None]) -> None:
        """Take the reader, the variables, and the function to call with each text that is read (location, bytes)."""
        self._reader = reader
        self._environ = environ
        self._seen = seen

    def lines(
        self, location: str, *, constraint: bool = False, asked_at: Origin | None = None
    ) -> Iterator[LocatedLine]:
        """Yield every line of the file and of the files it includes, without the ``-r`` and ``-c`` lines.

        ``asked_at`` is the origin that names the file; None for the command line. Raises ``RequirementsError`` with file and
        line if a file cannot be read, is malformed, or includes itself.
        """
        top = Include(location, self._identity(location), (), constraint, None)
        yield from self._follow(top, asked_at or Origin(mask_secrets(location)))

    def _follow(self, include: Include, asked_at: Origin) -> Iterator[LocatedLine]:
        for line in self._parse(include, asked_at):
            name, value = line.options[0] if line.options and not line.requirement else ("", "")
            if name not in ("--requirement", "--constraint"):
                yield LocatedLine(line, include.constraint)
                continue
            location = join_location(include.location, value)
            # As in pip, -r inside a constraints file includes requirements.
            via = (*include.via, str(line.origin))
            child = Include(location, self._identity(location), via, name == "--constraint", include)
            _refuse_loop(child, line.origin)
            yield from self._follow(child, line.origin)

    def _parse(self, include: Include, asked_at: Origin) -> Iterator[ParsedLine]:
        data = self._read(include, asked_at)
        self._seen(include.location, data)
        origin = Origin(mask_secrets(include.location), None, include.via)
        for line in logical_lines(decode(data, origin), origin, self._environ):
            yield parse_line(line)

    def _read(self, include: Include, asked_at: Origin) -> bytes:
        try:
            return self._reader.read(include.location)
        except MirrorError:
            raise  # from a URL: the network's error has its own remedy
        except OSError as error:
            kind = "constraints" if include.constraint else "requirements"
            reason = error.strerror or str(error)
            remedy = self._remedy(include)
            if include.parent or asked_at.line:
                remedy = "paths are relative to the file that names them"
            if is_location_url(include.location):
                remedy = "check the URL, or save the file locally and give its path"
            problem = f"cannot read the {kind} file {quoted(include.location)}: {reason}"
            if isinstance(error, FileNotFoundError) and str(asked_at) == include.location:
                problem = "file not found"
            raise refusal(asked_at, problem, remedy) from error

    def _remedy(self, include: Include) -> str:
        """Return what to write instead of a file that does not exist."""
        from pipx_parallel.requirements.wrong_files import meant  # only on the way to an error

        location = include.location
        may_be_package = not include.constraint and self._reader.kind(location) == ""
        return meant(location, self._reader.beside(location), may_be_package=may_be_package) or "check the path"

    def _identity(self, location: str) -> str:
        return location if location == "-" or is_location_url(location) else self._reader.absolute(location)


def _refuse_loop(child: Include, origin: Origin) -> None:
    """Raise if a file that is being read includes itself; including a file twice, one after the other, is allowed."""
    chain = [child.location]
    above = child.parent
    while above is not None:
        chain.append(above.location)
        if above.identity == child.identity:
            loop = " -> ".join(reversed(chain))
            raise refusal(
                origin, f"{quoted(child.location)} includes itself: {loop}", "remove one of these -r or -c lines"
            )
        above = above.parent
