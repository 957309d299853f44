"""Figures and tables of a run's results: medians, spread, and the ratio of our median to each peer's."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

RunResults = Mapping[str, Any]
_COLUMNS = ("workload", "mode", "tool", "runs", "median s", "min-max s", "ours/it", "CPU s", "peak MB", "requests", "MB",
            "cache MB", "pins", "libyears direct", "libyears all")  # fmt: skip


class Figures(NamedTuple):
    """The figures of one case of one tool."""

    median: float
    low: float
    high: float
    cpu: float  # user and system, median
    peak: float  # bytes, median


def figures(samples: Sequence[Mapping[str, float]]) -> Figures | None:
    """Return the figures of a case; None if no run succeeded."""
    if not samples:
        return None
    walls = [sample["wall"] for sample in samples]
    cpu = statistics.median(sample["user"] + sample["system"] for sample in samples)
    peak = statistics.median(sample["peak"] for sample in samples)
    return Figures(statistics.median(walls), min(walls), max(walls), cpu, peak)


def table(results: RunResults, ours: str = "pipx-parallel") -> str:
    """Return all cases as a Markdown table, in the order in which they ran."""
    medians = {
        (case["workload"], case["mode"], case["tool"]): case_figures.median
        for case in results["cases"]
        if (case_figures := figures(case["samples"]))
    }
    rows = [_row(case, medians.get((case["workload"], case["mode"], ours))) for case in results["cases"]]
    return markdown(_COLUMNS, rows)


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table with its columns padded, readable in a terminal."""
    cells = [columns, *rows]
    widths = [max(len(row[number]) for row in cells) for number in range(len(columns))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def _row(case: Mapping[str, Any], ours: float | None) -> list[str]:
    name = [case["workload"], case["mode"], case["tool"]]
    case_figures = figures(case["samples"])
    if case_figures is None:
        return [*name, "0", case["failure"] or "no run", *[""] * (len(_COLUMNS) - 5)]
    traffic, quality = case["traffic"], case.get("quality") or {}
    return [
        *name,
        str(len(case["samples"])),
        f"{case_figures.median:.3f}",
        f"{case_figures.low:.3f}-{case_figures.high:.3f}",
        f"{ours / case_figures.median:.2f}" if ours else "",
        f"{case_figures.cpu:.2f}",
        f"{(case.get('peak') or case_figures.peak) / 1e6:.0f}",
        str(traffic.get("requests", "")),
        f"{traffic['bytes'] / 1e6:.1f}" if "bytes" in traffic else "",
        f"{case['cache_bytes'] / 1e6:.1f}",
        str(len(case["pins"])),
        f"{quality['direct']:.2f}" if quality else "",
        f"{quality['total']:.2f}" if quality else "",
    ]
