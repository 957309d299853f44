"""The examples of the documentation: every fenced block of a page, and how a test runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# +(\S+\.\w+|Dockerfile)\n")
_NOT_RUN = re.compile(r"^ *\*Not run by a test: (.+)\*\n\n?\Z", re.MULTILINE)
_SHOWN = re.compile(r"^\$ cat (\S+)\n((?:[^$\n].*\n)+)", re.MULTILINE)
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_PICTURE = re.compile("[│─▼]")


class Command(NamedTuple):
    """A line after ``$ ``, the exit code that a comment at its end states (``# exit 3``), and the output that is shown."""

    words: str
    code: int
    output: tuple[str, ...]

    def missing(self, printed: str) -> list[str]:
        """Return the lines that the page shows and the command did not print, in this order.

        ``…`` stands for any text, and a date for any date.
        """
        rest = iter([_DATE.sub("DATE", line.strip()) for line in printed.splitlines()])
        patterns = [(line, re.escape(_DATE.sub("DATE", line.strip())).replace("…", ".*")) for line in self.output]
        return [line for line, pattern in patterns if not any(re.fullmatch(pattern, other) for other in rest)]


class Example(NamedTuple):
    """A block. ``not_run`` is the reason that the line above it gives (``*Not run by a test: …*``), or empty."""

    page: Path
    language: str
    text: str
    not_run: str = ""

    @property
    def file(self) -> str:
        """Return the name of the file that the block is, as its first line says in a comment; empty if it is none."""
        named = _FILE.match(self.text) if self.language != "console" else None
        return named[1] if named else ""

    @property
    def is_picture(self) -> bool:
        """Return whether the block is a drawing."""
        return self.language == "text" and bool(_PICTURE.search(self.text))

    def shown_files(self) -> list[tuple[str, str]]:
        """Return the files that ``$ cat FILE`` shows, with their text."""
        return _SHOWN.findall(self.text) if self.language == "console" else []

    def commands(self) -> Iterator[Command]:
        """Yield the commands of a console, continued lines joined."""
        if self.language != "console":
            return
        for part in re.split(r"^\$ ", self.text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            line, *output = part.splitlines()
            expected = re.search(r"#.* exit (\d+)$", line)
            shown = () if line.startswith("cat ") else tuple(text for text in output if text.strip())
            yield Command(line, int(expected[1]) if expected else 0, shown)


def examples(page: Path) -> list[Example]:
    """Return the blocks of a page, from top to bottom."""
    text = page.read_text(encoding="utf-8")
    return [Example(page, block[2], block[3], _reason(text[: block.start()])) for block in _FENCE.finditer(text)]


def _reason(before: str) -> str:
    marker = _NOT_RUN.search(before)
    return marker[1] if marker else ""
