"""Offline locks that are given again: exactly for as long as nothing they were made of has changed."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Ran, Run

# Runs a command line as a process does that may remember, then says whether it had to load the solver.
SOLVED = (
    "import json, sys\nfrom pipx_parallel.__main__ import main\ncode = main(sys.argv[1:], remembers=True)\n"
    "print(json.dumps([code, 'pipx_parallel.resolution.resolve' in sys.modules]))"
)
LOCK = ("lock", "r.txt", "-o", "locked.txt", "--offline")


def outcome(ran: Ran) -> tuple[int, bool]:
    """Return the exit code, and whether the answer was found anew."""
    code, solved = json.loads(ran.out.splitlines()[-1])
    return code, solved


@pytest.fixture
def remembered(home: Path, run: Run, spawn: Run) -> Path:
    """Stand where an offline lock has been made until it is remembered."""
    (home / "r.txt").write_text("app\n-r more.txt\n", encoding="utf-8")
    (home / "more.txt").write_text("lib>=1\n", encoding="utf-8")
    run("lock", "r.txt", "-o", "locked.txt")
    ran = [outcome(spawn(*LOCK, script=SOLVED)) for _ in range(3)]
    assert (ran[0], ran[-1]) == ((0, True), (0, False))
    return home


def test_it_is_the_same_lock_and_says_the_same(remembered: Path, spawn: Run) -> None:
    """The bytes of the first time, and its words but for the seconds."""
    before = (remembered / "locked.txt").read_bytes()
    (remembered / "locked.txt").unlink()
    first = spawn(*LOCK)
    assert (remembered / "locked.txt").read_bytes() == before

    (remembered / "locked.txt").unlink()
    ran = spawn(*LOCK, script=SOLVED)

    assert outcome(ran) == (0, False)
    assert (remembered / "locked.txt").read_bytes() == before
    assert ran.err.partition(" in ")[0] == first.err.partition(" in ")[0]
    assert ran.err.partition("s; ")[2] == first.err.partition("s; ")[2] == "wrote: locked.txt\n"


def edit_source(home: Path, _: pytest.MonkeyPatch) -> None:
    """Ask for something else."""
    (home / "r.txt").write_text("app\n", encoding="utf-8")


def edit_included(home: Path, _: pytest.MonkeyPatch) -> None:
    """... in a file that is only included."""
    (home / "more.txt").write_text("lib>=1  # as before\n", encoding="utf-8")


def edit_output(home: Path, _: pytest.MonkeyPatch) -> None:
    """Change what pins are kept from."""
    (home / "locked.txt").write_text("lib==2.0\n", encoding="utf-8")


def add_project(home: Path, _: pytest.MonkeyPatch) -> None:
    """Make a file that was not there when it was looked for."""
    (home / "pyproject.toml").write_text("[tool.pipx-parallel]\nno-hashes = true\n", encoding="utf-8")


def set_variable(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any variable may matter: a requirements file may name it."""
    monkeypatch.setenv("PIPX_PARALLEL_PRE", "1")


def touch_mirror(home: Path, _: pytest.MonkeyPatch) -> None:
    """Whoever changed it, and whatever."""
    with closing(sqlite3.connect(home.parent / "mirror" / "cache.db")) as database, database:
        database.execute("UPDATE Cache SET value = value WHERE rowid = 1")


@pytest.mark.parametrize("change", [edit_source, edit_included, edit_output, add_project, set_variable, touch_mirror])
def test_what_changes_has_it_found_anew(
    remembered: Path,
    spawn: Run,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path, pytest.MonkeyPatch], None],
) -> None:
    """Each of the things that a lock is made of."""
    change(remembered, monkeypatch)

    assert outcome(spawn(*LOCK, script=SOLVED)) == (0, True)


def test_a_record_that_is_gone_is_missed(remembered: Path, spawn: Run) -> None:
    """The mirror is what answers: what it lost is named, not remembered."""
    with closing(sqlite3.connect(remembered.parent / "mirror" / "cache.db")) as database, database:
        gone = database.execute("DELETE FROM Cache WHERE key LIKE 'v/%/lib'").rowcount
    assert gone == 1

    ran = spawn(*LOCK)

    assert (ran.code, "lib: not in the mirror" in ran.err) == (4, True)


@pytest.mark.parametrize("more", [("--uploaded-prior-to", "P1D"), ("--find-links", "wheels"), ("-v",)])
def test_what_depends_on_more_is_not_remembered(home: Path, run: Run, spawn: Run, more: tuple[str, ...]) -> None:
    """The clock, a folder that was listed, the time that was told."""
    (home / "wheels").mkdir()
    (home / "r.txt").write_text("lib\n", encoding="utf-8")
    run("lock", "r.txt", "-o", "locked.txt")

    ran = [outcome(spawn(*LOCK, *more, script=SOLVED)) for _ in range(3)]

    assert ran[-1][1]


def test_no_secret_is_kept(home: Path, run: Run, spawn: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the environment and the files there are digests, no words."""
    monkeypatch.setenv("SOME_TOKEN", "s3cr3t-of-the-environment")
    (home / "r.txt").write_text("app  # s3cr3t-of-the-file\n", encoding="utf-8")
    run("lock", "r.txt", "-o", "locked.txt")
    for _ in range(3):
        spawn(*LOCK)

    kept = [file.read_text(encoding="utf-8") for file in (home.parent / "cache").rglob("answers/*.json")]

    assert len(kept) == 1
    assert "s3cr3t" not in "".join(kept)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"mirror": ["x", "y"], "files": 3}', "\x00"])
def test_a_damaged_memory_costs_time_only(remembered: Path, spawn: Run, text: str) -> None:
    """It is found anew, and kept anew."""
    (file,) = (remembered.parent / "cache").rglob("answers/*.json")
    file.write_text(text, encoding="utf-8")

    assert [outcome(spawn(*LOCK, script=SOLVED)) for _ in range(2)] == [(0, True), (0, False)]
    assert os.stat(file).st_mode & 0o077 == 0
