"""Incompatibilities: what must not hold all at once, and why.

An incompatibility is a conjunction of terms. A term is a package and a mask of its values (bit 0, "not installed", among
them); it holds once the package can only take values of the mask. "``a`` 1.0 needs ``b>=2``" therefore reads: not both *a is
1.0* and *b is absent or older than 2*. There are no positive and negative terms: the mask says it all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pipx_parallel.resolver.ports import Edge

_T = TypeVar("_T", bound=tuple[object, ...])


def _equal_by_type(kind: type[_T]) -> type[_T]:
    """Make instances of a named tuple equal only to instances of the same class; their hash stays that of the tuple."""

    def equal(self: _T, other: object) -> bool:
        return type(other) is kind and tuple.__eq__(self, other)

    def unequal(self: _T, other: object) -> bool:
        return type(other) is not kind or tuple.__ne__(self, other)

    kind.__eq__, kind.__ne__ = equal, unequal  # type: ignore[assignment, method-assign]
    return kind


@_equal_by_type
class Required(NamedTuple):
    """The user asks for it. ``label`` is the caller's own word for where."""

    label: Hashable
    edge: Edge


@_equal_by_type
class Bound(NamedTuple):
    """The user allows only these values, should anything bring the package in."""

    label: Hashable
    edge: Edge


@_equal_by_type
class Needs(NamedTuple):
    """Releases of ``parent`` need ``edges``, all on one package; with ``switch``, only where that extra is on."""

    parent: str
    switch: str | None
    edges: tuple[Edge, ...]


@_equal_by_type
class Unusable(NamedTuple):
    """Releases of ``package`` cannot be used (with ``switch``: not with that extra)."""

    package: str
    switch: str | None
    reason: str


@_equal_by_type
class ExtraOf(NamedTuple):
    """A switch that is on needs the package whose extra it is."""

    switch: str
    package: str


@_equal_by_type
class Preferred(NamedTuple):
    """A soft constraint: while its switch is on, ``package`` keeps to some values. Never part of a proof."""

    package: str


@_equal_by_type
class Inherited(NamedTuple):
    """Older releases keep to an upper bound of a newer one (``stated_by``). Never part of a proof."""

    stated_by: int
    needs: Needs


@_equal_by_type
class Merged(NamedTuple):
    """Several needs of one package on one other, read together: some release of the union is needed."""

    parts: tuple[Incompatibility, ...]


@_equal_by_type
class Derived(NamedTuple):
    """Follows from ``parts`` by resolution, in this order."""

    parts: tuple[Incompatibility, ...]


Cause = Required | Bound | Needs | Unusable | ExtraOf | Preferred | Inherited | Merged | Derived


class Incompatibility:
    """Terms that must not hold together.

    ``packages`` (numbers given by the search state) and ``masks`` run in parallel; no package twice. Soundness: a mask of
    an incompatibility of *needs* may grow when further releases are learned to have the same need, and in no other way.
    Whatever was derived from it before stays true, since it followed from less.
    """

    __slots__ = ("cause", "masks", "packages")

    def __init__(self, packages: list[int], masks: list[int], cause: Cause) -> None:
        """Take the terms (both lists are kept, not copied) and the cause."""
        self.packages = packages
        self.masks = masks
        self.cause = cause
