"""Locks for several targets, against every answer that each target has."""

from __future__ import annotations

import pytest

from tests.property.batches import batches, for_seeds
from tests.property.target_universes import ASKED, Universe, answers, fewest_splits, splits, universe
from tests.support.universal import lock_for_many, targets_of


@pytest.mark.parametrize("batch", batches(0, 2))
def test_no_lock_has_fewer_different_releases(batch: int) -> None:
    """Each target has one of its own answers, and together they have as few releases as answers of these targets can."""
    for_seeds(batch, _check, universe)


def _check(given: Universe) -> None:
    fewest = fewest_splits(given)
    if fewest is None:
        return  # a target without an answer, or with very many
    lock = lock_for_many(given.roots, given.packages, ASKED)
    pins = [{pin.name: pin.version for pin in resolution.pins} for resolution in lock.resolutions]
    for target, own in zip(targets_of(ASKED), pins, strict=True):
        assert own in answers(given, target), target.label
    assert splits(pins) == fewest
