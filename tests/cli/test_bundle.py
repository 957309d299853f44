"""``bundle``: which targets are meant, and what is refused before anything is fetched."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.index_server import LoopbackIndex


def targets(path: Path) -> list[str]:
    """Return the names of a bundle's targets."""
    with zipfile.ZipFile(path) as archive:
        return [entry["name"] for entry in json.loads(archive.read("bundle.json"))["targets"]]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--target", "3.13 windows"], ["cpython-3.13-win32-amd64"]),
        (["--target", "linux 3.12"], ["cpython-3.12-linux-x86_64"]),
        (
            ["--python-version", "3.12", "--python-version", "3.13", "--platform", "linux", "--platform", "windows"],
            [
                "cpython-3.12-linux-x86_64",
                "cpython-3.12-win32-amd64",
                "cpython-3.13-linux-x86_64",
                "cpython-3.13-win32-amd64",
            ],
        ),
        (
            ["--python-version", "3.13", "--platform", "macos", "--target", "3.12 windows"],
            ["cpython-3.13-darwin-arm64", "cpython-3.12-win32-amd64"],
        ),
        (["--target", "3.13 windows", "--target", "3.13 windows"], ["cpython-3.13-win32-amd64"]),
    ],
)
def test_targets_are_those_that_were_named(home: Path, run: Run, flags: list[str], expected: list[str]) -> None:
    """Versions and platforms each with each, --target beside them, none twice."""
    ran = run("bundle", "--packages", "app", *flags)

    assert (ran.code, ran.out) == (0, ""), ran.err
    assert targets(home / "bundle.zip") == expected


def test_without_a_target_it_is_this_machine(home: Path, run: Run) -> None:
    """One target, and every file of the lock once."""
    ran = run("bundle", "--packages", "app", "-o", "mine.zip")

    assert ran.code == 0, ran.err
    assert len(targets(home / "mine.zip")) == 1
    with zipfile.ZipFile(home / "mine.zip") as archive:
        names = archive.namelist()
    assert sorted(name for name in names if name.startswith("wheels/")) == [
        "wheels/app-2.0-py3-none-any.whl",
        "wheels/lib-2.0-py3-none-any.whl",
    ]
    assert "wrote: mine.zip (2 files" in ran.err


@pytest.mark.parametrize("target", ["", "3.12 3.13", "3.13 amiga", "x"])
def test_an_unknown_target_is_refused(home: Path, run: Run, index: LoopbackIndex, target: str) -> None:
    """Exit code 2, before the index is asked."""
    ran = run("bundle", "--packages", "app", "--target", target)

    assert (ran.code, ran.out) == (2, "")
    assert index.requests_seen == []
    assert list(home.iterdir()) == []


def test_offline_names_every_file_that_is_not_here(home: Path, run: Run) -> None:
    """What was locked was not downloaded: exit code 4."""
    run("mirror", "warm", "--packages", "app")

    ran = run("bundle", "--packages", "app", "--offline")

    assert ran.code == 4, ran.err
    assert "app-2.0-py3-none-any.whl" in ran.err
    assert "lib-2.0-py3-none-any.whl" in ran.err
    assert not (home / "bundle.zip").exists()


def test_the_archive_must_have_a_place(run: Run) -> None:
    """Exit code 2 and the reason."""
    ran = run("bundle", "--packages", "app", "-o", "nowhere/bundle.zip")

    assert ran.code == 2
    assert "the folder does not exist" in ran.err
