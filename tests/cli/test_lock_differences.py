"""``--diff``, ``--check`` and the summary of ``lock`` agree, and name what changes apart from pins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex

PROJECT = "[project]\nname = 'mine'\nrequires-python = '>=3.99'\ndependencies = ['app']\n"


def write(home: Path, text: str) -> None:
    """Write the requirements that every test locks."""
    (home / "requirements.in").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("output", ["pylock.toml", "locked.txt", "report.json", "install.sh"])
def test_diff_and_check_agree_about_a_file_that_was_edited(run: Run, home: Path, output: str) -> None:
    """A line that is no pin: both name it and neither says that nothing changes; the summary says that no pin did."""
    write(home, "app\n")
    assert run("lock", "-o", output).code == 0
    lines = (home / output).read_text(encoding="utf-8").splitlines(keepends=True)
    number = next(row for row, line in enumerate(lines) if "hash" in line)
    lines[number] = lines[number].rstrip("\n") + " \t \n"
    (home / output).write_text("".join(lines), encoding="utf-8")

    checked, shown = run("lock", "-o", output, "--check"), run("lock", "-o", output, "--diff")

    assert (checked.code, shown.code) == (3, 0)
    assert f"{output} is out of date: line {number + 1}" in checked.err
    assert f"~ {output}: line {number + 1}" in shown.out
    assert "1 other change\n" in shown.out
    assert "no changes" not in shown.out
    assert "(pins unchanged)" in run("lock", "-o", output).err
    assert run("lock", "-o", output, "--diff").out == "no changes\n"


def test_a_changed_requirement_that_moves_no_pin(run: Run, home: Path) -> None:
    """As text, JSON and Markdown: the old and the new text of the requirement."""
    write(home, "app\n")
    assert run("lock").code == 0
    write(home, "app>=1.5\n")

    text = run("lock", "--check", "--diff")
    as_json = run("lock", "--diff", "--diff-format", "json")
    markdown = run("lock", "--diff", "--diff-format", "markdown")

    assert (text.code, as_json.code, markdown.code) == (3, 0, 0)
    others = json.loads(as_json.out)["other-changes"]
    assert others == [row.removeprefix("~ ") for row in text.out.splitlines()[:-1]]
    assert all(part in others[0] for part in ("pylock.toml: line ", 'requirement = "app"', 'requirement = "app>=1.5"'))
    assert "- pylock.toml: line " in markdown.out
    assert "1 other change." in markdown.out


def test_a_marker_that_changes_names_its_package(run: Run, home: Path) -> None:
    """The line alone would not say whose it is."""
    write(home, "app\nlib\n")
    assert run("lock").code == 0
    text = (home / "pylock.toml").read_text(encoding="utf-8")
    named = 'name = "lib"\nversion = "2.0"\n'
    (home / "pylock.toml").write_text(
        text.replace(named, f"{named}marker = 'sys_platform == \"win32\"'\n"), encoding="utf-8"
    )

    assert "(lib) would be removed: 'marker = " in run("lock", "--diff").out


def test_other_targets_are_named(run: Run, home: Path) -> None:
    """With pins that change and without: by --diff, and by the summary of what was written."""
    write(home, "app\n")
    words = ("lock", "--platform", "linux", "--python-version")
    assert run(*words, "3.12").code == 0

    shown = run(*words, "3.13", "--diff")
    written = run(*words, "3.13")
    write(home, "app<2\n")
    both = run(*words, "3.12", "--diff")

    assert "pylock.toml: it is for cpython 3.12 linux x86_64, and would be for cpython 3.13 linux x86_64" in shown.out
    assert "wrote: pylock.toml (pins unchanged; for cpython 3.13 linux x86_64, was for cpython 3.12" in written.err
    assert "no changes" not in shown.out + written.err
    assert both.out.splitlines()[-1] == "1 downgraded, 1 other change"
    assert "would be for cpython 3.12" in both.out


def test_every_output_is_compared(run: Run, home: Path) -> None:
    """The first one is as it would be written; the others are not, or do not exist."""
    write(home, "app\n")
    words = ("lock", "-o", "pylock.toml", "-o", "locked.txt")
    assert run("lock").code == 0
    missing = run(*words, "--check", "--diff")
    assert run(*words).code == 0
    locked = home / "locked.txt"
    locked.write_text(locked.read_text(encoding="utf-8").replace("lib==2.0", "lib==1.0"), encoding="utf-8")

    changed = run(*words, "--check", "--diff")

    assert (missing.code, changed.code) == (3, 3)
    assert missing.out == "~ locked.txt: does not exist\n1 other change\n"
    assert changed.out == "~ locked.txt: lib 1.0 → 2.0\n1 other change\n"


def test_many_lines_are_counted(run: Run, home: Path, index: LoopbackIndex) -> None:
    """Ten are shown."""
    names = [f"p{number}" for number in range(15)]
    for name in names:
        index.publish(name, wheel(name, "1.0"))
    write(home, "\n".join(names))
    assert run("lock").code == 0
    write(home, "\n".join(f"{name}>=0.5" for name in names))

    lines = run("lock", "--diff").out.splitlines()

    assert lines[10:] == ["~ pylock.toml: 5 more lines", "11 other changes"]


@pytest.mark.parametrize("format_", ["text", "json", "markdown"])
def test_a_condition_of_a_pin_is_told_once(run: Run, home: Path, index: LoopbackIndex, format_: str) -> None:
    """By the diff; --diff-format markdown has no place for it, so a warning says it there."""
    index.publish("lib", wheel("lib", "3.0")._replace(yanked="bad build"))
    write(home, "lib==3.0\n")

    ran = run("lock", "--diff", "--check", "--diff-format", format_)

    assert ran.code == 3
    assert (ran.out + ran.err).count("yanked by its project: bad build") == 1
    assert ("bad build" in ran.err) == (format_ == "markdown")


def test_a_check_for_a_python_that_the_project_refuses_is_an_error(run: Run, home: Path) -> None:
    """Also of a lock that is as it was written, and not if one of the targets is admitted."""
    (home / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    locked = run("lock", "pyproject.toml")
    checked = run("lock", "pyproject.toml", "--check")
    other = ("lock", "pyproject.toml", "--python-version", "3.99", "--python-version", "3.12")

    assert (locked.code, checked.code) == (0, 2), checked.err
    assert "error: the input requires Python >=3.99, and this lock is for " in checked.err
    assert (run(*other).code, run(*other, "--check").code) == (0, 0)
