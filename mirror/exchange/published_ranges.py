"""Which byte ranges of the packs a client asks for: few requests, at the price of some bytes between the shards."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mirror.exchange.published_index import Row

# Two ranges if no more than this lies between the shards: as much as 10,000 real projects take.
_MOST_WASTE = 32_000_000
_NEAR = 256_000  # otherwise bytes that are read through rather than asked around: a round trip takes as long
_BESIDE = 2_000  # the same if all ranges are one request: each has a head of 100 bytes
_FEW = 2  # requests for shards that are always good
_MOST_RANGES = 100  # of one request: servers refuse more (Apache: 200)
_SMALL = 64_000_000  # bytes of a pack that may be sent whole: by a server that ignores several ranges


class Span(NamedTuple):
    """A range of a pack, and the rows whose shards it has."""

    pack: int
    start: int
    end: int
    rows: tuple[Row, ...]


def spans(rows: Iterable[Row], sizes: Sequence[int], *, several: bool) -> list[Span]:
    """Return the ranges to read for some rows.

    Args:
        rows: Where the shards are.
        sizes: The size of each pack.
        several: Whether the ranges of one pack are one request.
    """
    ordered = sorted(rows, key=lambda row: (row.pack, row.offset))
    if len(ordered) <= _FEW:
        return _joined(ordered, _NEAR)
    if several and max(sizes) <= _SMALL:
        return _limited(ordered)
    single = _joined(ordered, None)
    if len(single) < _FEW:
        single = _cut(single[0])
    wanted = sum(row.length for row in ordered)
    return single if sum(span.end - span.start for span in single) - wanted <= _MOST_WASTE else _joined(ordered, _NEAR)


def _limited(ordered: Sequence[Row]) -> list[Span]:
    """Return ranges with little between their shards, but not too many of them for one request."""
    gap = _BESIDE
    while len(ranges := _joined(ordered, gap)) > _MOST_RANGES:
        gap *= 2
    return ranges


def _cut(span: Span) -> list[Span]:
    """Return the two ranges that leave out the most."""
    rows = span.rows
    gaps = [after.offset - row.offset - row.length for row, after in pairwise(rows)]
    if max(gaps) <= _NEAR:
        return [span]
    number = gaps.index(max(gaps)) + 1
    return [*_joined(rows[:number], None), *_joined(rows[number:], None)]


def _joined(ordered: Sequence[Row], gap: int | None) -> list[Span]:
    """Join neighbours that are at most ``gap`` bytes apart; None joins all of a pack."""
    result: list[Span] = []
    for row in ordered:
        last = result[-1] if result else None
        if last is None or last.pack != row.pack or (gap is not None and row.offset - last.end > gap):
            result.append(Span(row.pack, row.offset, row.offset + row.length, (row,)))
        else:
            end = max(last.end, row.offset + row.length)
            result[-1] = Span(last.pack, last.start, end, (*last.rows, row))
    return result
