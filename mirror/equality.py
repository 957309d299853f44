"""Equality by type for named tuples: records of two classes are never equal, even if their fields hold the same values."""

from __future__ import annotations

from typing import TypeVar

_T = TypeVar("_T", bound=tuple[object, ...])


def _equal(self: tuple[object, ...], other: object) -> bool:
    return type(other) is type(self) and tuple.__eq__(self, other)


def _unequal(self: tuple[object, ...], other: object) -> bool:
    return type(other) is not type(self) or tuple.__ne__(self, other)


def equal_by_type(kind: type[_T]) -> type[_T]:
    """Make instances of a named tuple equal only to instances of the same class; the hash stays that of the tuple.

    For records on the path of a warm lock: there a ``msgspec.Struct``, which compares so by itself, would cost its import (28 ms).
    """
    kind.__eq__, kind.__ne__ = _equal, _unequal  # type: ignore[assignment]
    return kind
