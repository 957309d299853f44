"""Windows: which releases of a package are near its best, in widening steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pipx_parallel.resolver.ports import CandidateSource


class Windows(Protocol):
    """Which releases of a package are near its best, step by step."""

    def __call__(self, package: str, domain: int, step: int) -> int:
        """Return the releases within ``step`` (from 0) of the best of ``domain``.

        Step 0 holds the best, each step all of the one before, and some step all of ``domain``.
        """
        ...


class RankWindows:
    """Windows by count: the best release, the best 2, 4, 8, … in the order of ``CandidateSource.choose``."""

    def __init__(self, source: CandidateSource) -> None:
        """Rank by the choices of ``source``."""
        self.source = source
        self.ranked: dict[str, tuple[list[int], int]] = {}  # package -> bits, best first, and the rest of its domain

    def __call__(self, package: str, domain: int, step: int) -> int:
        """Return the best ``2 ** step`` releases."""
        bits, rest = self.ranked.get(package, ([], domain))
        size = 1 << step
        while rest and len(bits) < size:
            bit = self.source.choose(package, rest)
            bits.append(bit)
            rest &= ~(1 << bit)
        self.ranked[package] = (bits, rest)
        return sum(1 << bit for bit in bits[:size])
