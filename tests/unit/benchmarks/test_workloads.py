"""Lists by name, and what the comments at their beginning fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.__main__ import _RUNS
from benchmarks.workloads import load, names


def test_comments_fix_python_and_day(tmp_path: Path) -> None:
    """They are no requirements."""
    (tmp_path / "old.in").write_text(
        "# python-version: 3.10\n# uploaded-prior-to: 2024-01-01T00:00:00Z\n# no solution\na<2\nb\n", encoding="utf-8"
    )
    (tmp_path / "new.in").write_text("a\n", encoding="utf-8")

    old, new = load("old", tmp_path), load("new", tmp_path)

    assert (old.python, old.prior_to, old.possible) == ("3.10", "2024-01-01T00:00:00Z", False)
    assert old.lines() == ("a<2", "b")
    assert (new.python, new.prior_to, new.possible) == ("", "", True)


@pytest.mark.parametrize("run", _RUNS)
def test_every_list_of_a_named_run_exists(run: str) -> None:
    """And the run of reported lists has them all."""
    words = _RUNS[run].split()
    chosen = {words[index + 1] for index, word in enumerate(words) if word == "--workload"}

    assert chosen
    assert chosen <= set(names())
    if run == "reported-lists":
        assert chosen == {name for name in names() if load(name).prior_to}
