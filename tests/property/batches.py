"""How many universes are tried: what CI has time for, or, at night, ``UNIVERSES=20000 python -m pytest -q tests/property``."""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random
from typing import TypeVar

PER_BATCH = 250
_USUAL = 2_000  # of the two main kinds, each; the others in proportion
_T = TypeVar("_T")


def batches(first: int, count: int) -> range:
    """Return the numbers of the batches of one kind; ``count`` are usual, more of them where ``UNIVERSES`` asks for more."""
    times = -(-int(os.environ.get("UNIVERSES", _USUAL)) // _USUAL)
    return range(first, first + max(1, times) * count)


def for_seeds(batch: int, check: Callable[[_T], None], draw: Callable[[Random], _T]) -> None:
    """Check what is drawn for the seeds of one batch; a failure names its seed."""
    for seed in range(batch * PER_BATCH, (batch + 1) * PER_BATCH):
        try:
            check(draw(Random(seed)))  # noqa: S311 - a seed, not a secret
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
