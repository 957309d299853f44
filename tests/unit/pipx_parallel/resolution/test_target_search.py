"""When a first search without a solution need not be repeated with the source archives that it left out."""

from __future__ import annotations

import pytest

from pipx_parallel.resolution.source_archives import is_proven
from pipx_parallel.resolver.ports import Edge
from pipx_parallel.resolver.solver import Counts, Impossible
from pipx_parallel.resolver.terms import Derived, Incompatibility, Required, Unusable

ARCHIVES, WHEELS = 0b0110, 0b1000  # of a
ROOT = Incompatibility([0], [1], Required(0, Edge("a", ARCHIVES | WHEELS, ("a", ""))))


def impossible(*masks: int, terms: int = 0) -> Impossible:
    """Return a failure whose proof uses releases of ``a`` that cannot be used, one fact a mask, and leaves some terms."""
    facts = [Incompatibility([0], [mask], Unusable("a", None, f"reason {mask}")) for mask in masks]
    packages, rest = ([0], [terms]) if terms else ([], [])
    proof = Incompatibility(packages, rest, Derived((ROOT, *facts)))
    return Impossible((), proof, ("a",), (ARCHIVES | WHEELS | 1,), (-1,), Counts(0, 0, 0))


@pytest.mark.parametrize(
    ("failure", "left_out", "proven"),
    [
        (impossible(WHEELS, ARCHIVES), {}, True),
        (impossible(WHEELS, ARCHIVES), {"a": 0b0010}, False),
        (impossible(WHEELS), {"a": ARCHIVES}, True),
        (impossible(WHEELS, ARCHIVES), {"b": ARCHIVES}, True),
        (impossible(WHEELS, terms=1), {"a": ARCHIVES}, False),
    ],
    ids=[
        "nothing left out",
        "the proof rests on one",
        "the proof rests on others",
        "of another project",
        "not complete",
    ],
)
def test_a_proof_holds_if_it_is_complete_and_rests_on_no_release_left_out(
    failure: Impossible, left_out: dict[str, int], *, proven: bool
) -> None:
    """Then the releases that were left out could not make the list possible."""
    assert is_proven(failure, left_out) is proven
