"""How our tool is called, and under which name."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from benchmarks.tools import Job, Nab, Ours, Uv
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


def test_what_a_list_is_locked_for_is_given_to_every_tool_that_takes_part() -> None:
    """Each has its own option for the day."""
    job = JOB._replace(workload=JOB.workload._replace(python="3.12", prior_to="2024-01-01T00:00:00Z"))

    assert Ours(["p"]).command(job)[-4:] == ["--python-version", "3.12", "--uploaded-prior-to", "2024-01-01T00:00:00Z"]
    assert Uv(Path("uv")).command(job)[-4:] == [
        "--python-version",
        "3.12",
        "--exclude-newer",
        "2024-01-01T00:00:00Z",
    ]


def test_every_tool_locks_for_the_same_targets(tmp_path: Path) -> None:
    """Three Pythons on four platforms; nab reads them from its project file, uv takes every environment."""
    job = Job(Workload("w", ()), "cold", tmp_path, tmp_path / "cache", None, "python")

    ours = Ours(["ours"], "targets").command(job)
    Nab(Path("nab"), "targets").command(job)

    assert (ours.count("--python-version"), ours.count("--platform")) == (3, 4)
    assert "--transport" not in ours
    assert "--universal" in Uv(Path("uv"), "universal").command(job)
    assert (
        len(
            tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["nab"]["matrix"][
                "platforms"
            ]
        )
        == 4
    )
