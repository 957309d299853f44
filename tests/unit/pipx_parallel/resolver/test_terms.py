"""The causes of incompatibilities."""

from __future__ import annotations

from itertools import permutations
from typing import NamedTuple, cast, get_args

import pytest

from pipx_parallel.resolver.terms import Cause

KINDS = cast("tuple[type[NamedTuple], ...]", get_args(Cause))


@pytest.mark.parametrize(("first", "second"), [*permutations(KINDS, 2)])
def test_causes_of_two_kinds_are_never_equal(first: type[NamedTuple], second: type[NamedTuple]) -> None:
    """Neither with ``==`` nor as keys, even if their fields hold the same values."""
    left = first._make(range(len(first._fields)))
    right = second._make(range(len(second._fields)))

    assert left != right
    assert not left == right  # noqa: SIM201 - both operators are defined
    assert len({left, right}) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_causes_of_one_kind_are_equal_by_their_fields(kind: type[NamedTuple]) -> None:
    """Equal fields, equal hashes; one other field, not equal; a bare tuple is no cause."""
    cause = kind._make(range(len(kind._fields)))
    equal = kind._make(range(len(kind._fields)))

    assert cause == equal
    assert not cause != equal  # noqa: SIM202 - both operators are defined
    assert hash(cause) == hash(equal)
    assert cause != kind._make([-1, *cause[1:]])
    assert cause != tuple(cause)
    assert tuple(cause) != cause
