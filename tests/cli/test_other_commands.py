"""``inspect``, ``mirror warm``, ``mirror status`` and ``benchmark``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.index_pages import MODERN
from tests.support.index_server import LoopbackIndex


def test_inspect_shows_roots_with_their_origins(home: Path, run: Run, index: LoopbackIndex) -> None:
    """What was understood, and where it stands; nobody is asked."""
    (home / "r.txt").write_text("app>=1\n-c c.txt\n--pre\n", encoding="utf-8")
    (home / "c.txt").write_text("lib<2\n", encoding="utf-8")

    ran = run("inspect", "r.txt")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[:6] == [
        "roots:",
        "  app>=1  r.txt:1",
        "constraints:",
        "  lib<2  c.txt:1",
        "options:",
        "  --pre   r.txt:3",
    ]
    assert index.requests_seen == []


def test_inspect_for_programs(run: Run, index: LoopbackIndex) -> None:
    """JSON: requirements, indexes, targets; secrets masked."""
    url = index.url.replace("http://", "http://user:s3cret@")

    ran = run(
        "inspect", "--packages", "app,lib[x]>=1", "--format", "json", "--index-url", url, "--python-version", "3.13"
    )

    facts = json.loads(ran.out)
    assert [(root["name"], root["origin"]) for root in facts["roots"]] == [("app", "--packages"), ("lib", "--packages")]
    assert facts["targets"][0]["markers"]["python_version"] == "3.13"
    assert facts["settings"] == {"packages": "app,lib[x]>=1", "python-version": "3.13"}
    assert facts["targets"][0]["origin"] == "--python-version"
    assert facts["indexes"] == [{"url": index.url.replace("http://", "http://user:****@"), "origin": "--index-url"}]
    assert "s3cret" not in ran.out


def test_inspect_tells_where_an_index_was_written(
    home: Path, run: Run, index: LoopbackIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each place in its own words: variable, file and line, project, pip's configuration."""
    pip = home / "pip.conf"
    pip.write_text("[global]\nfind-links = wheels\n", encoding="utf-8")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(pip))
    (home / "pyproject.toml").write_text(
        '[tool.pipx-parallel]\nextra-index-url = ["http://b.index.example/simple"]\n', encoding="utf-8"
    )
    (home / "r.txt").write_text("app\n--extra-index-url http://a.index.example/simple\n", encoding="utf-8")

    ran = run("inspect", "r.txt")

    text = ran.out[ran.out.index("indexes:") :].splitlines()
    assert [line.split() for line in text[1:5]] == [
        [index.url, "PIPX_PARALLEL_INDEX_URL"],
        ["http://a.index.example/simple", "r.txt:2"],
        ["http://b.index.example/simple", str(home / "pyproject.toml")],
        ["wheels", str(pip)],
    ]
    assert "the running Python" in text[-1]


def test_inspect_refuses_what_lock_refuses(home: Path, run: Run) -> None:
    """A bad line is exit code 2, with its place."""
    (home / "r.txt").write_text("app\n==\n", encoding="utf-8")

    ran = run("inspect", "r.txt")

    assert (ran.code, ran.out) == (2, "")
    assert "r.txt:2" in ran.err


def test_a_warmed_mirror_serves_offline(run: Run, index: LoopbackIndex) -> None:
    """After warming, locking needs no index."""
    warmed = run("mirror", "warm", "--packages", "app")
    before = len(index.requests_seen)

    ran = run("resolve", "--packages", "app", "--offline")

    assert (warmed.code, warmed.out) == (0, "")
    assert "warmed 2 packages for " in warmed.err
    assert ran.code == 0
    assert len(index.requests_seen) == before


def test_warming_goes_on_and_tells_at_the_end(run: Run) -> None:
    """One project that is not there stops nothing else."""
    run("mirror", "warm", "--packages", "picky")
    warmed = run("mirror", "warm", "--packages", "pikcy,app")

    assert warmed.code == 1
    assert warmed.err.startswith("warning: pikcy")
    assert "did you mean 'picky'?" in warmed.err
    assert run("resolve", "--packages", "app", "--offline").code == 0


def test_status_says_what_the_mirror_holds(run: Run) -> None:
    """A table for people, JSON for programs, both on stdout."""
    run("mirror", "warm", "--packages", "app")

    table = run("mirror", "status")
    facts = json.loads(run("mirror", "status", "--format", "json").out)

    assert (table.code, table.err) == (0, "")
    assert "projects" in table.out
    assert re.search(r"^size +[\d.]+ kB$", table.out, re.MULTILINE)
    assert re.search(r"newest confirmed +\d+ s ago$", table.out, re.MULTILINE)
    assert "None" not in table.out
    assert facts["projects"] == 2


@pytest.mark.parametrize("format_", ["table", "json"])
def test_benchmark_compares_numbers_of_workers(home: Path, run: Run, index: LoopbackIndex, format_: str) -> None:
    """Each number once a round; times, speed-up and saving; a chart beside it."""
    index.flavour = MODERN._replace(latency=0.02)
    flags = ["--workers", "1,4", "--rounds", "1", "--svg", "chart.svg", "--format", format_]

    ran = run("benchmark", "--packages", "app,picky", "--index-url", index.url, *flags)

    assert ran.code == 0, ran.err
    assert (home / "chart.svg").read_text(encoding="utf-8").startswith("<svg")
    if format_ == "json":
        facts = json.loads(ran.out)
        assert [row["workers"] for row in facts["results"]] == [1, 4]
        assert facts["results"][0]["saving"] == 0
    else:
        assert [line.split()[0] for line in ran.out.splitlines()] == ["workers", "1", "4"]


def test_a_benchmark_of_what_fails_shows_the_failure(run: Run) -> None:
    """The measured process's own message, and its exit code."""
    ran = run("benchmark", "--packages", "gone", "--workers", "1", "--rounds", "1")

    assert (ran.code, ran.out) == (1, "")
    assert "gone" in ran.err
