"""How our tool is called, and under which name."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.tools import Job, Ours
from benchmarks.workloads import Workload

JOB = Job(Workload("w", (Path("w.in"),)), "cold", Path("here"), Path("cache"), None, "python")


@pytest.mark.parametrize(
    ("variant", "name", "flags"),
    [
        ("", "pipx-parallel", []),
        ("1", "pipx-parallel-1", ["--max-workers", "1"]),
        ("aiohttp", "pipx-parallel-aiohttp", ["--transport", "aiohttp"]),
        ("curl-4", "pipx-parallel-curl-4", ["--transport", "curl", "--max-workers", "4"]),
    ],
)
def test_a_variant_is_a_flag_and_a_name(variant: str, name: str, flags: list[str]) -> None:
    """A number is workers, a word a transport."""
    tool = Ours(["p"], variant)

    assert tool.name == name
    assert tool.command(JOB) == [
        "p",
        "lock",
        "w.in",
        "-o",
        "here/pylock.toml",
        "--mirror",
        "cache",
        "--no-progress",
        *flags,
    ]


def test_its_figures_come_from_resolve() -> None:
    """A lock says nothing of the run that made it: its bytes repeat."""
    command = Ours(["p"], "1").reporting("report.json").command(JOB)

    assert command[:5] == ["p", "resolve", "w.in", "-o", "here/report.json"]
    assert command[-2:] == ["--max-workers", "1"]
