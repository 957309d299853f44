"""Named tuples that cost little to define, and are equal by type.

``typing.NamedTuple`` compiles every annotation, and a constructor for each class: with the 110 records of a warm lock that is 6 %
of its instructions. Here the constructor of a class is compiled when it is called first. Records of two classes are never equal,
even if their fields hold the same values. A ``msgspec.Struct`` would do the same, but costs its import (28 ms).
"""

from __future__ import annotations

from collections import _tuplegetter, namedtuple  # type: ignore[attr-defined]  # the first is the field of the second, in C
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import NamedTuple as NamedTuple  # noqa: PLC0414 - to a type checker it is this one, whose rules it knows


def _equal(self: tuple[object, ...], other: object) -> bool:
    return type(other) is type(self) and tuple.__eq__(self, other)


def _unequal(self: tuple[object, ...], other: object) -> bool:
    return type(other) is not type(self) or tuple.__ne__(self, other)


def _construct(cls: Any, *values: Any, **named: Any) -> Any:
    """Make the constructor of a class, and call it; from then on the class has it."""
    new = namedtuple("_", cls._fields, defaults=cls._field_defaults.values()).__new__  # noqa: PYI024 - its function alone
    cls.__new__ = staticmethod(new)
    return new(cls, *values, **named)


class _Fields(type):
    """Makes fields of the annotations of a class; values in its body are their defaults."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        """Create the class."""
        fields = tuple(namespace.get("__annotations__", ()))
        if fields:
            defaults = {field: namespace.pop(field) for field in fields if field in namespace}
            namespace.update({field: _tuplegetter(number, None) for number, field in enumerate(fields)})
            namespace.update(_fields=fields, _field_defaults=defaults, __match_args__=fields, __new__=_construct)
        return super().__new__(cls, name, bases, {"__slots__": (), **namespace})


if not TYPE_CHECKING:

    class NamedTuple(tuple, metaclass=_Fields):
        """A tuple with named fields: what ``typing.NamedTuple`` makes, equal by type."""

        __slots__ = ()
        _fields = ()
        __eq__, __ne__, __hash__ = _equal, _unequal, tuple.__hash__

        @classmethod
        def _make(cls, values: Iterable[object]) -> Any:
            return cls(*values)

        def _replace(self, **changes: object) -> Any:
            made = tuple.__new__(type(self), map(changes.pop, self._fields, self))
            if changes:
                raise ValueError(f"no such fields: {', '.join(changes)}")
            return made

        def _asdict(self) -> Mapping[str, object]:
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            """Return the class and the fields."""
            return f"{type(self).__name__}({', '.join(map('{}={!r}'.format, self._fields, self))})"

        def __getnewargs__(self) -> tuple[object, ...]:
            """Return the values, for ``copy`` and ``pickle``."""
            return tuple(self)
