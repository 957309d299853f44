"""Parse TOML with line numbers, which the parser of the standard library does not provide."""

from __future__ import annotations

import re
from typing import Any

from mirror.errors import parse_toml
from pipx_parallel.model import Origin
from pipx_parallel.requirements.lines import decode
from pipx_parallel.requirements.refusal import quoted, refusal

_PLAIN_CLAUSE = r"\s*(?:[<>]=?|==|!=)\s*[0-9]+(?:\.[0-9]+)*\s*"
_PLAIN_SPECIFIER = f"{_PLAIN_CLAUSE}(?:,{_PLAIN_CLAUSE})*"


class TomlText:
    """A parsed TOML text that can locate the line of a string."""

    def __init__(self, text: str, origin: Origin, *, first_line: int = 1) -> None:
        """Parse. Raises ``RequirementsError`` with the line of a syntax error."""
        import tomllib  # not for requirements files

        self.origin = origin
        self._lines = text.splitlines()
        self._first_line = first_line
        self._taken: dict[str, int] = {}
        try:
            self.tables: dict[str, Any] = parse_toml(text)
        except tomllib.TOMLDecodeError as error:
            message, line = _split_position(str(error))
            line_origin = origin._replace(line=line + first_line - 1 if line else None)
            remedy = "correct the syntax of this line" if line else "correct its syntax"
            raise refusal(line_origin, f"this is not valid TOML: {message}", remedy) from None

    @classmethod
    def from_bytes(cls, data: bytes, source: str) -> TomlText:
        """Decode (UTF-8, as TOML requires) and parse."""
        origin = Origin(source)
        return cls(decode(data, origin), origin)

    def origin_of(self, value: str) -> Origin:
        """Return the origin of a string value; a value that occurs several times gets its lines in order."""
        spellings = (f'"{value}"', f"'{value}'", '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"')
        for index in range(self._taken.get(value, 0), len(self._lines)):
            if any(spelling in self._lines[index] for spelling in spellings):
                self._taken[value] = index + 1
                return self.origin._replace(line=index + self._first_line)
        return self.at_key(value) if value in self._taken else self.origin

    def at_key(self, key: str) -> Origin:
        """Return the origin of the first line that begins with this key or is the header of this table."""
        for number, line in enumerate(self._lines, start=self._first_line):
            stripped = line.strip().lstrip("[").replace('"', "").replace("'", "")
            if stripped.startswith(key) and stripped[len(key) :].lstrip()[:1] in ("=", "]", "."):
                return self.origin._replace(line=number)
        return self.origin

    def table(self, name: str, parent: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Return a table, or None if there is none. Raises ``RequirementsError`` if it is something else."""
        value = (self.tables if parent is None else parent).get(name)
        if value is None or isinstance(value, dict):
            return value
        raise refusal(self.at_key(name), f"{quoted(name)} is not a table", f"write it as [{name}]")

    def strings(self, value: object, key: str) -> list[str]:
        """Return the value if it is a list of strings. Raises ``RequirementsError`` for anything else."""
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        raise refusal(
            self.at_key(key), f"{quoted(key)} is not a list of strings", 'write it like: ["name>=1.0", "other"]'
        )

    def string(self, value: object, key: str) -> str | None:
        """Return a string, or None for None. Raises ``RequirementsError`` for anything else."""
        if value is None or isinstance(value, str):
            return value
        raise refusal(self.at_key(key), f"{quoted(key)} is not a string", "put it in quotes")

    def specifier(self, value: object, key: str) -> str | None:
        """Return a version specifier as it is written (PEP 440). Raises ``RequirementsError`` for anything else."""
        text = self.string(value, key)
        if text is None or re.fullmatch(_PLAIN_SPECIFIER, text):
            return text
        from packaging.specifiers import InvalidSpecifier, SpecifierSet  # 45 ms, not for plain specifiers

        try:
            SpecifierSet(text)
        except InvalidSpecifier:
            raise refusal(
                self.at_key(key), f"{key} is not a version specifier: {quoted(text)}", "write it like: >=3.11"
            ) from None
        return text


def _split_position(message: str) -> tuple[str, int | None]:
    """Split "… (at line 3, column 7)" into the message and the line."""
    head, _, tail = message.partition(" (at line ")
    number = tail.partition(",")[0]
    return head, int(number) if number.isdecimal() else None
