"""How a requirements file looks: pip-tools' options, ``# via`` comments, and a command that writes the file again."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex

PROJECT = """[project]
name = "shop"
version = "1"
dependencies = ["app"]
[project.optional-dependencies]
docs = ["picky"]
[dependency-groups]
dev = ["tool"]
"""


@pytest.fixture
def source(home: Path, index: LoopbackIndex) -> Path:
    """Write a list that asks for an extra; the extra and its package require one more in common."""
    index.publish("net", wheel("net", "1.0", ["lib"], extras={"socks": ["lib", "picky"]}))
    index.publish("tool", wheel("tool", "1.0"))
    path = home / "r.in"
    path.write_text("net[socks]\n", encoding="utf-8")
    return path


def lock(run: Run, *words: str) -> str:
    """Lock r.in to r.txt without hashes and return the text."""
    ran = run("lock", "r.in", "-o", "r.txt", "--no-hashes", *words)
    assert ran.code == 0, ran.err
    return Path("r.txt").read_text(encoding="utf-8")


def test_a_parent_counts_once_whatever_its_extras(source: Path, run: Run) -> None:
    """pip-tools and uv name projects in their comments, not extras."""
    assert source.is_file()

    text = lock(run)

    assert "lib==1.0\n    # via\n    #   net\n    #   picky\n" in text
    assert "net[socks]==1.0\n    # via -r r.in\n" in text


def test_extras_can_be_stripped(source: Path, run: Run) -> None:
    """On request, and always in a file of constraints, which pip would refuse."""
    assert source.is_file()
    assert "net==1.0\n" in lock(run, "--strip-extras")

    ran = run("lock", "r.in", "-o", "constraints.txt", "--no-hashes")

    assert (ran.code, "[" in Path("constraints.txt").read_text(encoding="utf-8")) == (0, False)


def test_header_and_comments_can_be_left_out(source: Path, run: Run) -> None:
    """What remains is pins; --check resolves and agrees."""
    assert source.is_file()

    lines = lock(run, "--no-header", "--no-annotate", "--strip-extras").splitlines()

    assert [line for line in lines if not line.startswith("--index-url")] == ["", "lib==1.0", "net==1.0", "picky==1.0"]
    words = ("lock", "r.in", "-o", "r.txt", "--no-hashes", "--no-header", "--no-annotate")
    assert [run(*words, "--strip-extras", "--check").code, run(*words, "--check").code] == [0, 3]


def test_comments_can_stand_on_the_line_of_the_pin(source: Path, run: Run) -> None:
    """As --annotation-style line of pip-tools and uv."""
    assert source.is_file()

    assert "lib==1.0  # via net, picky\n" in lock(run, "--annotation-style", "line")


def test_hashes_may_be_asked_for(source: Path, run: Run) -> None:
    """--generate-hashes is what happens anyway."""
    assert run("lock", source.name, "-o", "r.txt", "--generate-hashes").code == 0
    assert "--hash=sha256:" in Path("r.txt").read_text(encoding="utf-8")


def test_comments_name_constraints_groups_and_extras(home: Path, source: Path, run: Run) -> None:
    """A constraints file in pip's words, the parts of a project in uv's."""
    assert source.is_file()
    (home / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (home / "limits.txt").write_text("lib<2\nother<1\n", encoding="utf-8")

    ran = run("lock", "-c", "limits.txt", "--extra", "docs", "--group", "dev", "-o", "r.txt", "--no-hashes")

    text = Path("r.txt").read_text(encoding="utf-8")
    assert ran.code == 0, ran.err
    assert "app==2.0\n    # via shop (pyproject.toml)\n" in text
    assert "lib==1.0\n    # via\n    #   -c limits.txt\n    #   app\n    #   picky\n" in text
    assert "picky==1.0\n    # via shop (pyproject.toml:docs)\n" in text
    assert "tool==1.0\n    # via shop (pyproject.toml:dev)\n" in text


@pytest.mark.parametrize(
    "words",
    [
        ("lock", "r.in", "-o", "sub/dev.txt", "--no-hashes"),
        ("lock", "r.in", "-o", "r.txt", "--strip-extras", "--annotation-style", "line", "--no-hashes"),
        ("lock", "--packages", "app", "-o", "r.txt"),
        ("lock", "r.in", "-o", "with blank.txt"),
    ],
)
def test_the_command_of_the_header_writes_the_file_again(
    home: Path, source: Path, run: Run, words: tuple[str, ...]
) -> None:
    """Run as printed, byte by byte."""
    assert source.is_file()
    (home / "sub").mkdir()
    assert run(*words).code == 0
    path = Path(words[words.index("-o") + 1])
    before = path.read_text(encoding="utf-8")
    path.unlink()

    command = shlex.split(before.splitlines()[1].removeprefix("#"))
    assert run(*command[1:]).code == 0

    assert (command[0], path.read_text(encoding="utf-8")) == ("pipx-parallel", before)


def test_another_command_can_be_shown(source: Path, run: Run) -> None:
    """For projects whose locks are made by a script."""
    assert source.is_file()

    assert lock(run, "--custom-compile-command", "make lock").splitlines()[1] == "#    make lock"
