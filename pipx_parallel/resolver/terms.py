"""Incompatibilities: terms that must not all hold, and their cause.

An incompatibility is a conjunction of terms. A term is a package and a mask of its values, which may include bit 0 ("not
installed"); it holds if the package can only have values of the mask. "``a`` 1.0 depends on ``b>=2``" is therefore: not both
*a is 1.0* and *b is absent or older than 2*. Unlike in PubGrub there are no positive and negative terms: a mask expresses both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.resolver.ports import equal_by_type

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pipx_parallel.resolver.ports import Edge


@equal_by_type
class Required(NamedTuple):
    """A root requirement. ``label`` is the caller's label of its origin."""

    label: Hashable
    edge: Edge


@equal_by_type
class Bound(NamedTuple):
    """A constraint: only these values are allowed if the package is installed."""

    label: Hashable
    edge: Edge


@equal_by_type
class Dependency(NamedTuple):
    """Releases of ``parent`` have ``edges``, all to one package; with ``switch``, only if that extra is on."""

    parent: str
    switch: str | None
    edges: tuple[Edge, ...]


@equal_by_type
class Unusable(NamedTuple):
    """Releases of ``package`` cannot be used (with ``switch``: not with that extra)."""

    package: str
    switch: str | None
    reason: str


@equal_by_type
class ExtraOf(NamedTuple):
    """A switch that is on requires the package whose extra it is."""

    switch: str
    package: str


@equal_by_type
class Preferred(NamedTuple):
    """A soft constraint: while its switch is on, ``package`` is limited to some values. Never part of a proof."""

    package: str


@equal_by_type
class Inherited(NamedTuple):
    """Older releases inherit an upper bound of a newer one (``stated_by``). Never part of a proof."""

    stated_by: int
    dependency: Dependency


@equal_by_type
class Merged(NamedTuple):
    """Several dependencies of one package on one other, merged: a release of the union is required."""

    parts: tuple[Incompatibility, ...]


@equal_by_type
class Derived(NamedTuple):
    """Follows from ``parts`` by resolution, in this order."""

    parts: tuple[Incompatibility, ...]


Cause = Required | Bound | Dependency | Unusable | ExtraOf | Preferred | Inherited | Merged | Derived


class Incompatibility:
    """Terms that must not hold together.

    ``packages`` (numbers of the search state) and ``masks`` are parallel lists without duplicate packages. Soundness: the mask
    of a ``Dependency`` grows when more releases with the same dependency are loaded, and in no other way. Clauses that were
    derived from it before stay valid, because they follow from fewer releases.
    """

    __slots__ = ("cause", "masks", "packages")

    def __init__(self, packages: list[int], masks: list[int], cause: Cause) -> None:
        """Take the terms (both lists are kept, not copied) and the cause."""
        self.packages = packages
        self.masks = masks
        self.cause = cause
