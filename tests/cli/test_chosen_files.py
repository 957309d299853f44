"""What a lock stores of the files of chosen releases: it saves work, and changes no output."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.dists import sdist, wheel
from tests.support.index_server import LoopbackIndex

OUTPUTS = ("pylock.toml", "locked.txt", "report.json")
COMMAND = ("lock", "r.txt", *[word for name in OUTPUTS for word in ("-o", name)])


@pytest.fixture
def folder(home: Path, index: LoopbackIndex) -> Path:
    """Ask for a project with wheels for several platforms and a source archive."""
    index.publish(
        "app", *[wheel("app", "3.0", tags=tags) for tags in ("py3-none-any", "cp39-cp39-win32")], sdist("app", "3.0")
    )
    (home / "r.txt").write_text("app\nlib\n", encoding="utf-8")
    return home


def outputs(folder: Path) -> list[str]:
    """Return the outputs, and remove them, so that no lock helps the next run."""
    texts = [(folder / name).read_text(encoding="utf-8") for name in OUTPUTS]
    for name in OUTPUTS:
        (folder / name).unlink()
    return texts


def rows(folder: Path, statement: str) -> int:
    """Change the mirror's database; return how many rows a statement has changed."""
    with sqlite3.connect(folder.parent / "mirror" / "cache.db") as database:
        return database.execute(statement).rowcount


def test_a_second_lock_reads_no_file_view(folder: Path, run: Run) -> None:
    """All outputs are as in the first: without the file views there is no other place where the files stand."""
    run(*COMMAND)
    first = outputs(folder)

    assert rows(folder, "DELETE FROM Cache WHERE key LIKE 'f/%'") == 2
    assert run(*COMMAND, "--offline").code == 0

    assert outputs(folder) == first


def test_without_what_was_stored_the_file_views_are_read(folder: Path, run: Run) -> None:
    """It can be computed again at any time."""
    run(*COMMAND)
    first = outputs(folder)

    assert rows(folder, "DELETE FROM Cache WHERE key LIKE 'm/files/%'") == 2
    assert run(*COMMAND, "--offline").code == 0

    assert outputs(folder) == first


def test_a_damaged_record_is_read_as_if_it_were_absent(folder: Path, run: Run) -> None:
    """Its checksum says so."""
    run(*COMMAND)
    first = outputs(folder)

    assert rows(
        folder,
        "UPDATE Cache SET value = CAST(replace(value, 'filename', 'falename') AS BLOB) WHERE key LIKE 'm/files/%'",
    )
    assert run(*COMMAND, "--offline").code == 0

    assert outputs(folder) == first


def test_files_of_another_listing_are_not_used(folder: Path, run: Run, index: LoopbackIndex) -> None:
    """A file that the index lists since then is in the next lock."""
    run(*COMMAND)
    before = outputs(folder)
    index.publish("app", wheel("app", "3.0"), wheel("app", "3.0", tags="py3.py2-none-any"))

    run(*COMMAND, "--refresh")
    after = outputs(folder)

    assert "py3.py2" not in "".join(before)
    assert all("py3.py2" in text for text in (after[0], after[2]))
    run(*COMMAND, "--offline")
    assert outputs(folder) == after


@pytest.mark.parametrize(
    "options",
    [
        ("--no-binary", "app"),
        ("--only-binary", "app"),
        ("--platform", "win32", "--python-version", "3.9"),
        ("--uploaded-prior-to", "2200-01-01"),
    ],
)
def test_another_target_or_policy_decides_about_all_files(folder: Path, run: Run, options: tuple[str, ...]) -> None:
    """As if it were the first lock of the mirror."""
    run(*COMMAND, *options)
    first = outputs(folder)
    rows(folder, "DELETE FROM Cache WHERE key LIKE 'm/files/%'")
    run(*COMMAND)
    plain = outputs(folder)

    assert run(*COMMAND, *options, "--offline").code == 0
    assert outputs(folder) == first
    run(*COMMAND, "--offline")
    assert outputs(folder) == plain
