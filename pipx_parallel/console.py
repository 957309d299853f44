"""Print every message to stderr through one printer. stdout is for artifacts only (``pipx_parallel.locks.writer``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.limits import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TextIO

_RED, _GREEN, _YELLOW, _CYAN, _DIM, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m", "\x1b[2m", "\x1b[0m"
# Kinds of parts of an output; all others (branches, notes, origins) are dim.
_STYLES = {
    **dict.fromkeys(("version", "up", "hint"), _CYAN),
    **dict.fromkeys(("down", "moved", "rehashed", "yanked", "warning"), _YELLOW),
    **dict.fromkeys(("added", "restored", "returned"), _GREEN),
    **dict.fromkeys(("removed", "withdrawn"), _RED),
}


class Printer:
    """Prints messages by level. ``verbosity``: -2 errors only, -1 also warnings, 0 normal, 1 details, 2 every step.

    One message is one ``write``, so that threads do not mix their lines.
    """

    def __init__(
        self,
        stream: TextIO | None,
        verbosity: int = 0,
        *,
        colour: bool = False,
        columns: Callable[[], int] = lambda: 80,
    ) -> None:
        """Take the stream (None: print nothing) and the verbosity; ``colour`` enables escape sequences."""
        self.stream = stream
        self.verbosity = verbosity
        self.colour = colour
        self._columns = columns
        self._drawn = 0  # width of the progress line on the terminal

    def error(self, text: str, code: str = "") -> None:
        """Print an error; ``code`` is its name, printed after the first line."""
        headline, *reasons = text.split("\n")
        name = self._styled(f" [{code}]", _DIM) if code else ""
        self._write("\n".join((self._styled("error: ", _RED) + headline + name, *reasons)))

    def plain(self, text: str) -> None:
        """Print a line without a prefix, at every verbosity."""
        self._write(text)

    def warn(self, text: str) -> None:
        """Print a warning."""
        if self.verbosity > -2:
            self._write(self._styled("warning: ", _YELLOW) + text)

    def hint(self, text: str) -> None:
        """Print what would help against an error, at every verbosity."""
        self._write(self._styled("hint: ", _CYAN) + text)

    def say(self, text: str) -> None:
        """Print a normal message."""
        if self.verbosity >= 0:
            self._write(text)

    def detail(self, text: str) -> None:
        """Print a detail, with -v."""
        if self.verbosity >= 1:
            self._write(self._styled(text, _DIM))

    def trace(self, text: str) -> None:
        """Print a step, with -vv."""
        if self.verbosity > 1:
            self._write(self._styled(text, _DIM))

    def draw(self, line: str) -> None:
        """Redraw the progress line; an empty line removes it."""
        line = line[: max(1, self._columns() - 1)]  # a longer line would wrap, and could not be redrawn
        self._send("\r" + line.ljust(self._drawn) + ("" if line else "\r"))
        self._drawn = len(line)

    def _styled(self, text: str, style: str) -> str:
        return f"{style}{text}{_PLAIN}" if self.colour else text

    def _write(self, text: str) -> None:
        wipe = "\r" + " " * self._drawn + "\r" if self._drawn else ""
        self._drawn = 0
        self._send(wipe + "\n".join([shortened(line) for line in text.split("\n")]) + "\n")

    def _send(self, text: str) -> None:
        if self.stream is None:  # the process was started with its stderr closed
            return
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):  # stderr is closed or full: there is no other stream
            return


def painted(kind: str, text: str) -> str:
    """Return a part of an output in the color of its kind."""
    return f"{_STYLES.get(kind, _DIM)}{text}{_PLAIN}" if text.strip() else text


def headed(explanation: Sequence[str]) -> str:
    """Return why there is no solution, indented below its headline."""
    return "\n  ".join(("No solution found", *explanation))


def wants_colour(when: str, environ: Mapping[str, str], *, terminal: bool) -> bool:
    """Return whether to use colour. ``when`` is "auto", "always" or "never".

    For "auto" the environment decides: NO_COLOR, then FORCE_COLOR and CLICOLOR_FORCE, then whether there is a terminal.
    """
    if when != "auto":
        return when == "always"
    forced = any(environ.get(name, "0") not in {"", "0"} for name in ("FORCE_COLOR", "CLICOLOR_FORCE"))
    return (
        (terminal or forced) and not environ.get("NO_COLOR") and (forced or environ.get("TERM", "") not in {"", "dumb"})
    )
