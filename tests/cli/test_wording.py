"""Numbers in messages."""

from __future__ import annotations

import pytest

from pipx_parallel.cli.wording import count, size


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "project", "0 projects"),
        (1, "project", "1 project"),
        (2, "dependency", "2 dependencies"),
        (1200, "byte", "1,200 bytes"),
    ],
)
def test_a_noun_agrees_with_its_number(number: int, noun: str, text: str) -> None:
    """One is singular, all else plural."""
    assert count(number, noun) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (8_300_000, "8.3 MB"),
        (999_999, "1000.0 kB"),
        (5_000_000_000_000, "5000.0 GB"),
    ],
)
def test_a_size_has_the_unit_a_person_would_choose(number: int, text: str) -> None:
    """Powers of ten, as disks and networks count."""
    assert size(number) == text
