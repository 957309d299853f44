"""Pins are read out of every format that the tools write."""

from __future__ import annotations

from pathlib import Path

from benchmarks.answers import read_pins


def test_pins_of_a_requirements_file_with_hashes_extras_and_markers(tmp_path: Path) -> None:
    """Comments and hash lines are no pins; names are normalised."""
    path = tmp_path / "requirements.txt"
    path.write_text(
        "# x==1\nB_b[e]==2.0 \\\n    --hash=sha256:00\n    # via c==3\na==1 ; python_version>'3'\n", encoding="utf-8"
    )

    assert read_pins(path) == {"a": "1", "b-b": "2.0"}


def test_pins_of_a_pylock_file(tmp_path: Path) -> None:
    """A package without a version (a folder, a repository) is no pin."""
    path = tmp_path / "pylock.toml"
    path.write_text('[[packages]]\nname = "B.b"\nversion = "2"\n[[packages]]\nname = "local"\n', encoding="utf-8")

    assert read_pins(path) == {"b-b": "2"}
