"""Which byte ranges of the packs a client asks for: few requests, at the price of some bytes between the shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mirror.exchange.published_index import Row

# One range for each pack if no more than this lies between the shards: as much as 10,000 real projects take.
_MOST_WASTE = 32_000_000
_NEAR = 256_000  # otherwise bytes that are read through rather than asked around: a round trip takes as long
_FEW = 2  # ranges that are always good: there are two packs


class Span(NamedTuple):
    """A range of a pack, and the rows whose shards it has."""

    pack: int
    start: int
    end: int
    rows: tuple[Row, ...]


def spans(rows: Iterable[Row]) -> list[Span]:
    """Return the ranges to read for some rows."""
    ordered = sorted(rows, key=lambda row: (row.pack, row.offset))
    if len(ordered) <= _FEW:
        return _joined(ordered, _NEAR)
    single = _joined(ordered, None)
    wanted = sum(row.length for row in ordered)
    return single if sum(span.end - span.start for span in single) - wanted <= _MOST_WASTE else _joined(ordered, _NEAR)


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
