"""Sets of releases as integers: bit 0 is "not installed", bit *i + 1* is release *i*, oldest first.

Modules outside the solver number releases from 0; ``bit_of``, ``release_of``, ``mask_from`` and ``releases_in`` convert.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def mask_of(keys: Sequence[str], intervals: Sequence[tuple[str, str]]) -> int:
    """Return the releases whose sort keys lie in any of the half-open ``intervals`` [low, high).

    ``keys`` are the sort keys of all releases, ascending: ``keys[i]`` is bit ``i + 1``. Bit 0 is never set. Intervals may
    touch, overlap, be empty or come in any order.
    """
    mask = 0
    for low, high in intervals:
        start = bisect_left(keys, low)
        stop = bisect_left(keys, high, start) if low < high else start
        mask |= (1 << stop + 1) - (1 << start + 1)
    return mask


def bit_of(release: int) -> int:
    """Return the bit number of a release."""
    return release + 1


def release_of(bit: int) -> int:
    """Return the release of a bit number other than 0."""
    return bit - 1


def mask_from(releases: int) -> int:
    """Return the solver's mask of a set whose bit *i* is release *i*; "not installed" is not in it."""
    return releases << 1


def releases_in(mask: int) -> int:
    """Return the releases of a mask as a set whose bit *i* is release *i*."""
    return mask >> 1


def between(low: int, high: int) -> int:
    """Return the mask of all releases above ``low`` and below ``high``."""
    return max(0, (1 << high) - (2 << low))


def nearest_below(mask: int, bit: int) -> int:
    """Return the newest release of a mask that is older than ``bit``; 0 if there is none."""
    return max(0, (mask & (1 << bit) - 2).bit_length() - 1)


def nearest_above(mask: int, bit: int) -> int:
    """Return the oldest release of a mask that is newer than ``bit``; 0 if there is none."""
    rest = mask & -(2 << bit)
    return max(0, (rest & -rest).bit_length() - 1)


def bits_of(mask: int) -> Iterator[int]:
    """Yield the bit numbers of a mask, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def runs_of(mask: int, among: int) -> list[tuple[int, int]]:
    """Return ``mask`` as runs (lowest bit, highest bit) that are contiguous within ``among``, lowest run first.

    Two members are in one run if ``mask`` has every member of ``among`` between them: "1.0 to 1.4" may name releases with
    one outside ``among`` in between. Bits of ``mask`` outside ``among`` are ignored.
    """
    runs: list[tuple[int, int]] = []
    rest = mask & among
    while rest:
        low = rest & -rest
        gaps = among & ~mask & -low  # members of `among` above `low` that `mask` lacks
        below_gap = (gaps & -gaps) - 1 if gaps else -1
        run = rest & below_gap
        runs.append((low.bit_length() - 1, run.bit_length() - 1))
        rest &= ~run
    return runs
