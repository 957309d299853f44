"""Dependency sets: the distinct Requires-Dist lists of a project, bucketed by extra, each line compiled once.

Bucketing is a search for ``extra == "…"`` in the marker, so that the many lines of extras nobody asked for are never
parsed; a line is compiled when it is first wanted, and stays compiled in the record.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mirror.errors import FOREIGN_TEXT_ERRORS, Malformed, error_of_foreign_text
from mirror.limits import REQUIREMENT_CHARACTERS, REQUIREMENT_EXTRAS
from mirror.names import normalize_name
from mirror.records.model import CompiledSpecifier, Dependency
from mirror.records.version_keys import compile_specifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BASE = ""  # the bucket of what is needed without any extra

# Text, compiled on first use: a warm lock reads no marker.
_EXTRA = r"""\bextra\s*(==|!=|[<>~a-z]+)\s*['"]([^'"]*)['"]|['"]([^'"]*)['"]\s*(==|!=|in|not)\s*\bextra\b"""
_PLAIN_LINE = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([A-Za-z0-9._, -]*)\])?\s*(\(?[^;@()]*\)?)\s*(?:;(.*))?", re.DOTALL
)


class DependencySet:
    """What a release needs: its requirement lines, which lines belong to which extra, and each line compiled on demand."""

    __slots__ = ("_buckets", "_compiled", "lines", "requires_python")

    def __init__(
        self,
        lines: Sequence[str],
        requires_python: str | None = None,
        compiled: dict[int, Dependency] | None = None,
        buckets: dict[str, list[int]] | None = None,
    ) -> None:
        """Keep the lines as the metadata has them (core metadata, Requires-Dist)."""
        self.lines = tuple(lines)
        self.requires_python = requires_python
        self._compiled: dict[int, Dependency] = {} if compiled is None else compiled
        self._buckets = buckets

    def dependencies(self, extra: str = BASE) -> list[Dependency]:
        """Return the dependencies of one bucket, in the order written; markers are not evaluated here.

        Raises ``Malformed`` naming the line where one cannot be parsed.
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
        """Return whether every part is of the type that it should be: a stranger's record may hold anything."""
        buckets = {} if self._buckets is None else self._buckets
        return (
            isinstance(self.requires_python, str | None)
            and all(isinstance(line, str) for line in self.lines)
            and isinstance(buckets, dict)
            and all(type(at) is int and 0 <= at < len(self.lines) for places in buckets.values() for at in places)
        )

    def _compile(self, index: int) -> Dependency:
        known = self._compiled.get(index)
        if known is None:
            known = self._compiled[index] = compile_requirement(self.lines[index])
        return known

    def to_json(self) -> list[Any]:
        """Return the stored form: Requires-Python, lines (compiled where they are), buckets."""
        compiled = self._compiled
        rows: list[Any] = [
            _dependency_to_json(compiled[i], line) if i in compiled else line for i, line in enumerate(self.lines)
        ]
        return [self.requires_python, rows, _bucket(self.lines) if self._buckets is None else self._buckets]

    @classmethod
    def from_json(cls, value: list[Any]) -> DependencySet:
        """Rebuild from the stored form; compiled rows stay raw until they are wanted."""
        requires_python, rows, buckets = value
        return _Stored(rows, requires_python, buckets)


class _Stored(DependencySet):
    """A set read from the store: rows become dependencies when they are first asked for."""

    __slots__ = ("_rows",)

    def __init__(self, rows: list[Any], requires_python: str | None, buckets: dict[str, list[int]]) -> None:
        self._rows = rows
        super().__init__([row if isinstance(row, str) else row[0] for row in rows], requires_python, None, buckets)

    def is_sound(self) -> bool:
        return super().is_sound() and all(isinstance(row, str) or _is_compiled(row) for row in self._rows)

    def _compile(self, index: int) -> Dependency:
        known = self._compiled.get(index)
        if known is None:
            row = self._rows[index]
            known = compile_requirement(row) if isinstance(row, str) else _dependency_from_json(row)
            self._compiled[index] = known
        return known

    def to_json(self) -> list[Any]:
        for index, row in enumerate(self._rows):
            if not isinstance(row, str) and index not in self._compiled:
                self._compiled[index] = _dependency_from_json(row)
        return super().to_json()


def compile_requirement(line: str) -> Dependency:
    """Return one Requires-Dist line ready for a resolver (PEP 508).

    The plain form is read here; anything else, and any plain form that is not quite right, by ``packaging``.
    Raises ``Malformed``, also for a line past the bounds of ``limits``.
    """
    if len(line) > REQUIREMENT_CHARACTERS:
        raise Malformed(f"a requirement has more than {REQUIREMENT_CHARACTERS} characters: {line[:80]!r}…")
    plain = _PLAIN_LINE.fullmatch(line)
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
    """Return the compiled specifier, or None where packaging should see the whole line (and word the error)."""
    text = clauses.replace(" ", "")
    if text and text[-1] == ",":
        return None
    try:
        return compile_specifier(text)
    except ValueError:
        return None


def _compile_with_packaging(line: str) -> Dependency:
    """Return any PEP 508 line as a dependency; ``packaging`` parses it."""
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
    """Return which lines each extra brings in; a line whose marker may hold with no extra is in the base bucket too."""
    buckets: dict[str, list[int]] = {}
    for index, line in enumerate(lines):
        marker = line.partition(";")[2]
        if "extra" not in marker:
            buckets.setdefault(BASE, []).append(index)
            continue
        found = re.findall(_EXTRA, marker)
        names = {normalize_name(ours or theirs) for _, ours, theirs, _ in found}
        plain = all((operator or other) == "==" for operator, _, _, other in found)
        if not names or not plain or " or " in marker:
            buckets.setdefault(BASE, []).append(index)
        for name in sorted(names):
            buckets.setdefault(name, []).append(index)
    return buckets


def _dependency_to_json(dependency: Dependency, line: str) -> list[Any]:
    """Return a compiled line as JSON: the line itself first, then what is needed to skip parsing it."""
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
    """Return whether a row is what ``_dependency_to_json`` makes."""
    if len(row) != 9:  # of its parts
        return False
    line, name, extras, text, intervals, flags, literal, marker, url = row
    ends = [end for low, high in intervals for end in (low, high)]
    return (
        all(isinstance(one, str) for one in (line, name, text, *extras, *ends))
        and type(flags) is int
        and all(one is None or isinstance(one, str) for one in (literal, marker, url))
    )


def _dependency_from_json(row: list[Any]) -> Dependency:
    """Rebuild a compiled line."""
    _, name, extras, text, intervals, flags, literal, marker, url = row
    specifier = CompiledSpecifier(
        text, tuple([(low, high) for low, high in intervals]), bool(flags & 1), bool(flags & 2), literal
    )
    return Dependency(name, tuple(extras), specifier, marker, url)
