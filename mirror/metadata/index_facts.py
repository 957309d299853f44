"""Observed features of one index, persisted so that the next run need not probe again."""

from __future__ import annotations

_PATIENCE = 3  # number of missing unadvertised sidecars after which they are not requested from an index again


class IndexFacts:
    """Whether an index supports range requests, and how often it has a sidecar that it does not advertise."""

    __slots__ = ("ranges", "sidecar_hits", "sidecar_misses")

    def __init__(self, ranges: bool | None = None, sidecar_hits: int = 0, sidecar_misses: int = 0) -> None:  # noqa: FBT001 - a fact, not a flag
        """Store the facts; ``ranges`` is None until a range request has been answered."""
        self.ranges = ranges
        self.sidecar_hits = sidecar_hits
        self.sidecar_misses = sidecar_misses

    def to_json(self) -> list[object]:
        """Return the stored form."""
        return [self.ranges, self.sidecar_hits, self.sidecar_misses]

    @property
    def tries_sidecars(self) -> bool:
        """Return whether an unadvertised sidecar is worth a request."""
        return self.sidecar_hits > 0 or self.sidecar_misses < _PATIENCE
