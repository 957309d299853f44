"""The lines in which two texts of one lock differ, each with the package that it belongs to. Pure."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WIDTH, _BEFORE = 100, 40  # characters of a changed line in a message, and how many of them are before the difference
_PACKAGE = re.compile(r' *"?name"?(?: =|:) "([^"\\]+)",?$|([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?(?:==| @ )')


def changed_lines(old: str, new: str) -> Iterator[str]:
    """Yield each line that differs, with its number and its package, if any."""
    from difflib import SequenceMatcher  # only for a lock that would change

    left, right = old.splitlines(), new.splitlines()
    for tag, begin, end, new_begin, new_end in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag != "equal":
            for offset, (was, would) in enumerate(zip_longest(left[begin:end], right[new_begin:new_end])):
                package = _package(left, begin + offset) if was is not None else _package(right, new_begin + offset)
                yield f"line {min(begin + offset, end) + 1}{package} {_change(was, would)}"


def _change(was: str | None, would: str | None) -> str:
    if was is None or would is None:
        text = (was or would or "").strip()
        return f"would be {'removed' if was is not None else 'added'}: {_window(text, 0)!r}"
    was, would = was.strip(), would.strip()
    pairs = zip_longest(was, would)
    first = next((offset for offset, pair in enumerate(pairs) if pair[0] != pair[1]), 0)
    return f"is {_window(was, first)!r}, would be {_window(would, first)!r}"


def _window(text: str, offset: int) -> str:
    begin = max(0, offset - _BEFORE) if len(text) > _WIDTH else 0
    return ("…" if begin else "") + text[begin : begin + _WIDTH]


def _package(lines: Sequence[str], number: int) -> str:
    """Return the package that a line belongs to, in brackets: the last one named above it, if no section came between."""
    for line in reversed(lines[: number + 1]):
        if match := _PACKAGE.match(line):
            return f" ({match[1] or match[2]})"
        if line.startswith("["):
            break
    return ""
