"""Join physical lines to logical lines: continuations joined, comments removed, variables replaced, as in pip."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from mirror.equality import equal_by_type
from pipx_parallel.requirements.refusal import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipx_parallel.model import Origin

# Compiled on first use: most files have neither.
_COMMENT = r"(?:^|\s+)#.*$"
_VARIABLE = r"\$\{([A-Z0-9_]+)\}"


@equal_by_type
class LogicalLine(NamedTuple):
    """One line for the grammar."""

    origin: Origin  # of its first physical line
    written: str  # before variables are replaced: safe to show in a message
    text: str  # after variables are replaced


def logical_lines(text: str, origin: Origin, environ: Mapping[str, str]) -> Iterator[LogicalLine]:
    """Yield the lines that are not empty.

    Only ``${UPPER_CASE}`` is a variable. Raises ``RequirementsError`` if a variable is not set or empty: pip would keep the
    text ``${NAME}`` and request it from an index.
    """
    for number, joined in _join(text.splitlines()):
        written = (re.sub(_COMMENT, "", joined) if "#" in joined else joined).strip()
        if written:
            line_origin = origin._replace(line=number)
            text = _expand(written, line_origin, environ) if "${" in written else written
            yield LogicalLine(line_origin, written, text)


def _join(lines: list[str]) -> Iterator[tuple[int, str]]:
    pieces: list[str] = []
    first = 0
    for number, line in enumerate(lines, start=1):
        is_comment = "#" in line and line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            first = first or number
            pieces.append(line.rstrip("\\"))
            continue
        # A comment ends a continuation; the blank makes it a comment after joining.
        pieces.append(f" {line}" if is_comment else line)
        yield first or number, "".join(pieces)
        pieces, first = [], 0
    if pieces:
        yield first, "".join(pieces)


def _expand(written: str, origin: Origin, environ: Mapping[str, str]) -> str:
    def expanded(match: re.Match[str]) -> str:
        value = environ.get(match[1])
        if not value:
            state = "empty" if value == "" else "not set"
            raise refusal(origin, f"the variable ${{{match[1]}}} is {state}", f"set {match[1]} in the environment")
        return value

    return re.sub(_VARIABLE, expanded, written)
