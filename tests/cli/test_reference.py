"""docs/reference.md: what the tables of commands and options say."""

from __future__ import annotations

from tests.support.write_reference import PAGE, reference


def test_the_reference_is_up_to_date() -> None:
    """If this fails: ``python -m tests.support.write_reference``."""
    assert PAGE.read_text(encoding="utf-8") == reference()
