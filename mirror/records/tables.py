"""Typed access to untrusted JSON and TOML; an error has the path of the value: ``targets[0].pins[3].hashes[1]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from mirror.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

Value = TypeVar("Value")

_NAMES = {str: "text", int: "a whole number", bool: "true or false", list: "a list", dict: "a table", float: "a number"}


class Table:
    """A mapping with its path in the document. Every method that reads raises ``Malformed`` with the path of a wrong value."""

    __slots__ = ("_path", "_value")

    def __init__(self, value: object, path: str = "") -> None:
        """Take a value that must be a mapping; ``path`` is "" for the whole document."""
        self._value: dict[str, object] = _typed(value, dict, path or "the document")
        self._path = path

    def __contains__(self, key: str) -> bool:
        """Return whether there is a value under a key."""
        return self._value.get(key) is not None

    def text(self, key: str) -> str:
        """Return the text under a key."""
        return _typed(self._value.get(key), str, self._path_of(key))

    def optional_text(self, key: str) -> str | None:
        """Return the text under a key, or None."""
        return self.text(key) if key in self else None

    def integer(self, key: str) -> int:
        """Return the whole number under a key."""
        return _typed(self._value.get(key), int, self._path_of(key))

    def flag(self, key: str) -> bool:
        """Return the truth value under a key."""
        return _typed(self._value.get(key), bool, self._path_of(key))

    def table(self, key: str) -> Table:
        """Return the mapping under a key."""
        return Table(self._value.get(key), self._path_of(key))

    def tables(self, key: str) -> Iterator[Table]:
        """Yield the mappings of the list under a key; nothing if there is no such key."""
        for number, value in enumerate(self.items(key)):
            yield Table(value, f"{self._path_of(key)}[{number}]")

    def items(self, key: str) -> list[object]:
        """Return the list under a key; an empty list if there is no such key."""
        return _typed(self._value.get(key, []), list, self._path_of(key))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the list of texts under a key."""
        path = self._path_of(key)
        values: list[object] = _typed(self._value.get(key), list, path)
        return tuple([_typed(value, str, f"{path}[{number}]") for number, value in enumerate(values)])

    def integers(self, key: str, count: int) -> tuple[int, ...]:
        """Return the list under a key, which must have ``count`` whole numbers."""
        path = self._path_of(key)
        values = self.items(key)
        if len(values) != count:
            raise Malformed(f"{path}: must have {count} values, has {len(values)}")
        return tuple([_typed(value, int, f"{path}[{number}]") for number, value in enumerate(values)])

    def rows(self, key: str, *types: type[object]) -> list[tuple[Any, ...]]:
        """Return the list under a key, whose entries must be lists of exactly these types."""
        path = self._path_of(key)
        rows = []
        for number, value in enumerate(self.items(key)):
            row: list[object] = _typed(value, list, f"{path}[{number}]")
            if len(row) != len(types):
                raise Malformed(f"{path}[{number}]: must have {len(types)} values, has {len(row)}")
            pairs = enumerate(zip(row, types, strict=True))
            rows.append(tuple([_typed(item, kind, f"{path}[{number}][{index}]") for index, (item, kind) in pairs]))
        return rows

    def text_by_name(self, key: str) -> dict[str, str]:
        """Return the mapping of names to texts under a key."""
        path = self._path_of(key)
        values: dict[str, Any] = _typed(self._value.get(key), dict, path)
        if {*map(type, values.values())} <= {str}:  # an index of 10,000 projects
            return dict(values)
        return {name: _typed(value, str, f"{path}[{name[:80]!r}]") for name, value in values.items()}

    def all(self) -> dict[str, object]:
        """Return the mapping itself, with values of any type."""
        return self._value

    def values(self, key: str) -> dict[str, object]:
        """Return the mapping under a key, with values of any type."""
        return _typed(self._value.get(key), dict, self._path_of(key))

    def _path_of(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key


def _typed(value: object, kind: type[Value], path: str) -> Value:
    if type(value) is kind:
        return value
    if value is None:
        raise Malformed(f"{path}: missing")
    raise Malformed(f"{path}: must be {_NAMES[kind]}, is {_NAMES.get(type(value), type(value).__name__)}")
