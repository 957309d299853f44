"""From bytes to logical lines, by the rules of pip's documentation ("Requirements File Format").

Bytes are decoded, continuations joined, comments removed, variables replaced.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from pipx_parallel.requirements.refusal import quoted, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipx_parallel.model import Origin

# The four-byte marks come first: the mark of UTF-16 LE is a prefix of that of UTF-32 LE.
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\xff\xfe", "utf-16-le"),
)
_DECLARATION = rb"coding[:=]\s*([-\w.]+)"  # compiled on first use
# Compiled on first use: most files have neither.
_COMMENT = r"(?:^|\s+)#.*$"
_VARIABLE = r"\$\{([A-Z0-9_]+)\}"


class LogicalLine(NamedTuple):
    """One line for the grammar."""

    origin: Origin  # of its first physical line
    written: str  # before variables are replaced: safe to show in a message
    text: str  # after variables are replaced


def decode(data: bytes, origin: Origin) -> str:
    """Return the text: by its byte order mark, else its PEP 263 declaration in the first two lines, else as UTF-8.

    Raises ``RequirementsError`` for an unknown encoding and for bytes that are not valid in it. Unlike in pip there is no
    fallback to the locale's encoding: the text would depend on the machine.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode(data[len(mark) :], encoding, "its byte order mark", origin)
    if data.startswith(b"#") or b"\n#" in data[:400]:
        for number, line in enumerate(data.split(b"\n")[:2], start=1):
            match = re.search(_DECLARATION, line) if line.startswith(b"#") else None
            if match:
                return _decode(data, match[1].decode("ascii", "replace"), f"line {number}", origin)
    return _decode(data, "utf-8", "", origin)


def _decode(data: bytes, encoding: str, source: str, origin: Origin) -> str:
    try:
        return data.decode(encoding)
    except LookupError:
        raise refusal(
            origin, f"unknown encoding {quoted(encoding)} in {source}", "name one that Python supports, such as utf-8"
        ) from None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        stated = f"{encoding}, which {source} declares" if source else "UTF-8"
        raise refusal(
            origin._replace(line=line),
            f"the bytes are not {stated} (byte {error.start + 1})",
            "save the file as UTF-8, or name its encoding in the first line: # -*- coding: latin-1 -*-",
        ) from None
    except UnicodeError as error:
        raise refusal(origin, f"cannot be decoded as {encoding}: {error}", "save the file as UTF-8") from None


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
        is_comment = line.lstrip()[:1] == "#"
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
