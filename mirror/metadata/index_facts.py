"""What has been learned of one index; kept with it, so that the next process starts wise."""

from __future__ import annotations

_PATIENCE = 3  # unadvertised sidecars missed in a row before an index is not asked for them again


class IndexFacts:
    """How an index answers: whether it serves ranges, and sidecars that it does not advertise."""

    __slots__ = ("ranges", "sidecar_hits", "sidecar_misses")

    def __init__(self, ranges: bool | None = None, sidecar_hits: int = 0, sidecar_misses: int = 0) -> None:  # noqa: FBT001 - a fact, not a flag
        """``ranges`` is None until a ranged read has been answered."""
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
