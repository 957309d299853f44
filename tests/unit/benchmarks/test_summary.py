"""Medians, ratios and the page that is written from them."""

from __future__ import annotations

from typing import Any

from benchmarks import report, summary


def _case(workload: str, tool: str, seconds: list[float], pins: int = 1) -> dict[str, Any]:
    samples = [{"wall": wall, "user": 1.0, "system": 0.5, "peak": 2e6} for wall in seconds]
    named = {str(number): "1" for number in range(pins)}
    return {"workload": workload, "mode": "cold", "tool": tool, "samples": samples, "pins": named,
            "traffic": {"requests": 7, "bytes": 1_500_000}, "cache_bytes": 0, "failure": None, "quality": None}  # fmt: skip


def _results(*cases: dict[str, Any]) -> dict[str, Any]:
    machine = {"cpus": 2, "system": "Linux", "python": "3.11.7"}
    tools = {case["tool"]: {"version": "1", "note": "n"} for case in cases}
    header = {"made": "today", "machine": machine, "index": "configured", "rounds": 3, "tools": tools}
    return {**header, "cases": list(cases)}


def test_a_ratio_is_our_median_over_theirs() -> None:
    """With the spread, CPU time, memory and traffic beside it."""
    table = summary.table(_results(_case("small", "pipx-parallel", [1, 2, 9]), _case("small", "uv", [4, 5, 4])))

    ours, theirs = ([cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:])
    assert ours[:7] == ["small", "cold", "pipx-parallel", "3", "2.000", "1.000-9.000", "1.00"]
    assert theirs[3:11] == ["3", "4.000", "4.000-5.000", "0.50", "1.50", "2", "7", "1.5"]


def test_a_tool_that_failed_says_why_in_its_row() -> None:
    """And takes no part in the ratios."""
    failed = {**_case("small", "uv", []), "failure": "over 180 s"}

    assert "| over 180 s |" in summary.table(_results(failed))


def test_the_page_has_a_growth_curve_where_a_run_has_three_sizes() -> None:
    """And shows every chart that it writes."""
    cases = [_case(f"packages-{size}", "uv", [size / 10], pins=size) for size in (10, 30, 100)]

    files = report.page({"growth": _results(*cases)})

    assert "charts/growth-growth-cold.svg" in files
    assert all(f"]({name})" in files["performance.md"] for name in files if name.endswith(".svg"))
    assert "| cold | uv   | 100      | 100.00         | 15.00              |" in files["performance.md"]
