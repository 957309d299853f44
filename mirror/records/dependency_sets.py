"""Dependency sets: the distinct Requires-Dist lists of a project, grouped by extra, each line compiled once.

Grouping searches the marker for ``extra == "…"``, so that the lines of unused extras are never parsed. A line is compiled
on first use, and the record stores the compiled form.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mirror.errors import FOREIGN_TEXT_ERRORS, Malformed, error_of_foreign_text
from mirror.limits import REQUIREMENT_CHARACTERS, REQUIREMENT_EXTRAS
from mirror.names import normalize_name
from mirror.records.model import CompiledSpecifier, Dependency
from mirror.records.version_keys import compile_specifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BASE = ""  # the bucket of lines that apply without any extra

# Texts, compiled by ``re`` on first use: a warm lock reads neither.
_EXTRA = r"""\bextra\s*(==|!=|[<>~a-z]+)\s*['"]([^'"]*)['"]|['"]([^'"]*)['"]\s*(==|!=|in|not)\s*\bextra\b"""
_PLAIN_LINE = r"(?s)([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([A-Za-z0-9._, -]*)\])?\s*(\(?[^;@()]*\)?)\s*(?:;(.*))?"


class DependencySet:
    """The requirement lines of a release, grouped by extra, and compiled on demand."""

    __slots__ = ("_buckets", "_compiled", "lines", "requires_python")

    def __init__(
        self,
        lines: Sequence[str],
        requires_python: str | None = None,
        compiled: dict[int, Dependency] | None = None,
        buckets: dict[str, list[int]] | None = None,
    ) -> None:
        """Store the lines as the core metadata has them (Requires-Dist)."""
        self.lines = tuple(lines)
        self.requires_python = requires_python
        self._compiled: dict[int, Dependency] = {} if compiled is None else compiled
        self._buckets = buckets

    def dependencies(self, extra: str = BASE) -> list[Dependency]:
        """Return the dependencies of one bucket, in the order of the lines; markers are not evaluated here.

        Raises:
            Malformed: A line cannot be parsed; the message has the line.
        """
        if self._buckets is None:
            self._buckets = _bucket(self.lines)
        return [self._compile(index) for index in self._buckets.get(extra, ())]

    def extras(self) -> list[str]:
        """Return the extras that add at least one line, sorted."""
        if self._buckets is None:
            self._buckets = _bucket(self.lines)
        return sorted(extra for extra in self._buckets if extra != BASE)

    def is_sound(self) -> bool:
        """Return whether every part has the expected type: an untrusted record may hold anything."""
        buckets = {} if self._buckets is None else self._buckets
        return (
            isinstance(self.requires_python, str | None)
            and all(isinstance(line, str) for line in self.lines)
            and isinstance(buckets, dict)
            and all(
                type(index) is int and 0 <= index < len(self.lines) for indexes in buckets.values() for index in indexes
            )
        )

    def _compile(self, index: int) -> Dependency:
        dependency = self._compiled.get(index)
        if dependency is None:
            dependency = self._compiled[index] = compile_requirement(self.lines[index])
        return dependency

    def to_json(self) -> list[Any]:
        """Return the stored form: Requires-Python, lines (in compiled form if compiled), buckets."""
        compiled = self._compiled
        rows: list[Any] = [
            _dependency_to_json(compiled[i], line) if i in compiled else line for i, line in enumerate(self.lines)
        ]
        return [self.requires_python, rows, _bucket(self.lines) if self._buckets is None else self._buckets]

    @classmethod
    def from_json(cls, value: list[Any]) -> DependencySet:
        """Rebuild a set from the stored form; compiled rows are decoded on first use."""
        requires_python, rows, buckets = value
        return _Stored(rows, requires_python, buckets)


class _Stored(DependencySet):
    """A set read from the store: a row is decoded on first use."""

    __slots__ = ("_rows",)

    def __init__(self, rows: list[Any], requires_python: str | None, buckets: dict[str, list[int]]) -> None:
        self._rows = rows
        super().__init__([row if isinstance(row, str) else row[0] for row in rows], requires_python, None, buckets)

    def is_sound(self) -> bool:
        return super().is_sound() and all(isinstance(row, str) or _is_compiled(row) for row in self._rows)

    def _compile(self, index: int) -> Dependency:
        dependency = self._compiled.get(index)
        if dependency is None:
            row = self._rows[index]
            dependency = compile_requirement(row) if isinstance(row, str) else _dependency_from_json(row)
            self._compiled[index] = dependency
        return dependency

    def to_json(self) -> list[Any]:
        for index, row in enumerate(self._rows):
            if not isinstance(row, str) and index not in self._compiled:
                self._compiled[index] = _dependency_from_json(row)
        return super().to_json()


def compile_requirement(line: str) -> Dependency:
    """Return one Requires-Dist line (PEP 508) as a dependency.

    The plain form is read here. ``packaging`` reads every other line, also a plain one with an error.

    Raises:
        Malformed: The line is invalid, or exceeds ``limits``.
    """
    if len(line) > REQUIREMENT_CHARACTERS:
        raise Malformed(f"a requirement has more than {REQUIREMENT_CHARACTERS} characters: {line[:80]!r}…")
    plain = re.fullmatch(_PLAIN_LINE, line)
    if plain is not None:
        name, extras, specifier, marker = plain.groups()
        if marker is not None and not marker.strip():
            return _compile_with_packaging(line)
        if not (extras or "").strip(", ") and (extras is None or not extras.strip()):
            extras = None
        clauses = specifier.strip()
        if clauses.startswith("(") == clauses.endswith(")"):
            clauses = clauses[1:-1] if clauses.startswith("(") else clauses
            compiled = _try_compile(clauses)
            if compiled is not None and not name.endswith(("-", "_", ".")):
                names = tuple(sorted({normalize_name(e.strip()) for e in extras.split(",")})) if extras else ()
                if "" not in names:
                    _check_extras(line, names)
                    return Dependency(normalize_name(name), names, compiled, marker.strip() if marker else None)
    return _compile_with_packaging(line)


def _try_compile(clauses: str) -> CompiledSpecifier | None:
    """Return the compiled specifier, or None if packaging must read the whole line (and raise the error)."""
    text = clauses.replace(" ", "")
    if text and text[-1] == ",":
        return None
    try:
        return compile_specifier(text)
    except ValueError:
        return None


def _compile_with_packaging(line: str) -> Dependency:
    """Return any PEP 508 line as a dependency, parsed by ``packaging``."""
    from packaging.requirements import InvalidRequirement, Requirement  # 50 ms, and only unusual lines need it

    try:
        parsed = Requirement(line)
        extras = tuple(sorted({normalize_name(extra) for extra in parsed.extras}))
        marker = None if parsed.marker is None else str(parsed.marker)
        specifier = compile_specifier(str(parsed.specifier))
    except InvalidRequirement as error:
        raise Malformed(f"invalid requirement {line!r}: {str(error).splitlines()[0]}") from error
    except FOREIGN_TEXT_ERRORS as error:  # `packaging` recurses with the marker's parentheses, and reads numbers as int
        raise error_of_foreign_text(f"the requirement {line!r}", error) from error
    _check_extras(line, extras)
    return Dependency(normalize_name(parsed.name), extras, specifier, marker, parsed.url)


def _check_extras(line: str, extras: Sequence[str]) -> None:
    if len(extras) > REQUIREMENT_EXTRAS:
        raise Malformed(f"a requirement names more than {REQUIREMENT_EXTRAS} extras: {line[:80]!r}…")


def _bucket(lines: Iterable[str]) -> dict[str, list[int]]:
    """Return the line numbers by extra; a line whose marker may hold without an extra is in the base bucket too."""
    buckets: dict[str, list[int]] = {}
    for index, line in enumerate(lines):
        marker = line.partition(";")[2]
        if "extra" not in marker:
            buckets.setdefault(BASE, []).append(index)
            continue
        for name in _buckets_of(marker):
            buckets.setdefault(name, []).append(index)
    return buckets


@lru_cache(maxsize=4096)  # a project with thousands of lines has them under some dozens of markers
def _buckets_of(marker: str) -> tuple[str, ...]:
    """Return the buckets of a line whose marker has the word "extra"."""
    comparisons = re.findall(_EXTRA, marker)
    names = {normalize_name(ours or theirs) for _, ours, theirs, _ in comparisons}
    plain = all((operator or other) == "==" for operator, _, _, other in comparisons)
    base = (BASE,) if not names or not plain or " or " in marker else ()
    return (*base, *sorted(names))


def _dependency_to_json(dependency: Dependency, line: str) -> list[Any]:
    """Return a compiled line as JSON: the line itself, then its parsed parts."""
    name, extras, specifier, marker, url = dependency
    return [
        line,
        name,
        extras,
        specifier.text,
        specifier.intervals,
        int(specifier.prereleases) + 2 * specifier.pins,
        specifier.literal,
        marker,
        url,
    ]


def _is_compiled(row: list[Any]) -> bool:
    """Return whether a row has the form that ``_dependency_to_json`` writes."""
    if len(row) != 9:
        return False
    line, name, extras, text, intervals, flags, literal, marker, url = row
    ends = [end for low, high in intervals for end in (low, high)]
    return (
        all(isinstance(part, str) for part in (line, name, text, *extras, *ends))
        and type(flags) is int
        and all(part is None or isinstance(part, str) for part in (literal, marker, url))
    )


def _dependency_from_json(row: list[Any]) -> Dependency:
    """Rebuild a compiled line."""
    _, name, extras, text, intervals, flags, literal, marker, url = row
    specifier = CompiledSpecifier(
        text, tuple([(low, high) for low, high in intervals]), bool(flags & 1), bool(flags & 2), literal
    )
    return Dependency(name, tuple(extras), specifier, marker, url)
