"""``resolve``: the artefact on stdout, everything else beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.index_server import LoopbackIndex


def test_it_prints_the_lock_and_nothing_else(home: Path, run: Run) -> None:
    """Hashed requirements by default; no file appears; stderr is silent."""
    ran = run("resolve", "--packages", "app, lib<2")

    assert (ran.code, ran.err) == (0, "")
    assert [line.split(" ")[0] for line in ran.out.splitlines() if "==" in line] == ["app==2.0", "lib==1.0"]
    assert "--hash=sha256:" in ran.out
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("format_", "first"),
    [
        ("pylock", "lock-version"),
        ("requirements", "app==2.0"),
        ("script", "#!"),
        ("powershell", "param"),
        ("json", '"pins"'),
    ],
)
def test_each_format_on_stdout(run: Run, format_: str, first: str) -> None:
    """The format is a flag, since stdout has no name."""
    ran = run("resolve", "--packages", "app", "--format", format_)

    assert ran.code == 0
    assert first in ran.out


def test_the_report_on_stdout_says_what_it_took(run: Run) -> None:
    """Times and counts are for programs that watch us; files leave them out."""
    target = json.loads(run("resolve", "--packages", "app", "--format", "json").out)["targets"][0]

    assert target["counts"]["requests"] > 0
    assert target["seconds"].keys() >= {"fill", "solve"}


def test_hashes_can_be_left_out(run: Run) -> None:
    """--no-hashes."""
    assert "--hash" not in run("resolve", "--packages", "app", "--no-hashes").out


def test_it_goes_on_without_what_is_not_available(run: Run) -> None:
    """The rest is printed, a warning names the hole, and the exit code is not 0."""
    ran = run("resolve", "--packages", "app,gone")

    assert ran.code == 1
    assert "app==2.0" in ran.out
    assert ran.err.startswith("warning: gone")


def test_it_reads_standard_input_and_input_files(home: Path, spawn: Run) -> None:
    """``-`` and --input-file are sources like any other."""
    (home / "more.txt").write_text("picky\n", encoding="utf-8")

    ran = spawn("resolve", "-", "--input-file", "more.txt", text="lib\n")

    assert ran.code == 0, ran.err
    assert "lib==1.0" in ran.out
    assert "picky==1.0" in ran.out


def test_with_an_output_it_writes_files_instead(home: Path, run: Run) -> None:
    """-o as in ``lock``."""
    ran = run("resolve", "--packages", "app", "-o", "locked.txt")

    assert (ran.code, ran.out) == (0, "")
    assert (home / "locked.txt").is_file()


@pytest.mark.skipif(os.name != "posix", reason="a pipe whose reader leaves is a POSIX matter")
def test_a_reader_that_leaves_early_is_no_error(home: Path) -> None:
    """``resolve … | head -c 0``: no message, no traceback."""
    assert home.is_dir()
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "pipx_parallel", "resolve", "--packages", "app"],
        stdout=writer, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writer)

    assert (done.returncode, done.stderr) == (1, "")


def test_the_nearest_place_decides(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flag over variable over project."""
    (home / "pyproject.toml").write_text('[tool.pipx-parallel]\nformat = "json"\n', encoding="utf-8")
    by_project = run("resolve", "--packages", "app").out
    monkeypatch.setenv("PIPX_PARALLEL_FORMAT", "pylock")
    by_variable = run("resolve", "--packages", "app").out
    by_flag = run("resolve", "--packages", "app", "--format", "requirements").out

    assert by_project.startswith("{")
    assert "lock-version" in by_variable
    assert "app==2.0" in by_flag


def test_a_password_in_an_index_url_is_never_shown(run: Run, index: LoopbackIndex) -> None:
    """Neither in the lock's header nor in any message, however much is said."""
    url = index.url.replace("http://", "http://user:s3cret@")

    for arguments in (["--format", "requirements"], ["--format", "json", "-vv"], ["--offline", "--mirror", "other"]):
        ran = run("resolve", "--packages", "app", "--index-url", url, *arguments)
        assert "s3cret" not in ran.out + ran.err


@pytest.mark.parametrize("command", ["lock", "resolve"])
def test_a_conflict_and_a_missing_project_are_reported_in_one_run(home: Path, run: Run, command: str) -> None:
    """Also for programs, in one message."""
    (home / "r.in").write_text("picky\nlib>=2\nnosuch\n", encoding="utf-8")

    ran = run(command, "r.in")
    machine = run("lock", "r.in", "--error-format", "json")

    assert (ran.code, ran.out) == (1, "")
    for text in (ran.err, machine.err):
        assert "No solution found" in text
        assert "nosuch: no index has a project of this name (r.in:3)" in text


def test_a_missing_project_alone_is_one_error(home: Path, run: Run) -> None:
    """No conflict is looked for in vain."""
    (home / "r.in").write_text("app\nnosuch\n", encoding="utf-8")

    ran = run("lock", "r.in")

    assert (ran.code, len(ran.err.splitlines())) == (1, 1)
