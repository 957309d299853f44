"""How often a stress test repeats: a small sample in the suite, thousands of times on request."""

from __future__ import annotations

import os


def scaled(sample: int, full: int) -> int:
    """Return ``sample``, or the part of ``full`` that PIPX_PARALLEL_STRESS asks for (1: all; 0.1: a tenth)."""
    part = float(os.environ.get("PIPX_PARALLEL_STRESS", "0"))
    return max(sample, round(full * part))
