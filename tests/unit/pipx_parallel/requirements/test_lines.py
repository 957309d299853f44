"""Physical lines to logical ones; the corpus compares whole files with pip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipx_parallel.errors import RequirementsError
from pipx_parallel.model import Origin
from pipx_parallel.requirements.lines import logical_lines

HERE = Origin("r.txt")
ENVIRON = {"TOKEN": "s3cret", "EMPTY": ""}


def read(text: str) -> list[tuple[int | None, str]]:
    """Return (line, text) of each logical line."""
    return [(line.origin.line, line.text) for line in logical_lines(text, HERE, ENVIRON)]


def test_a_joined_line_has_the_number_of_its_first() -> None:
    """That is where the user looks for it."""
    assert read("\na \\\n\\\n b\nc") == [(2, "a  b"), (5, "c")]


def test_a_comment_ends_a_continuation() -> None:
    """Even one that ends with a backslash."""
    assert read("a \\\n# note \\\nb\n") == [(1, "a"), (3, "b")]


def test_the_written_text_keeps_the_variable() -> None:
    """What a message may show is what the user wrote."""
    (line,) = logical_lines("a @ https://${TOKEN}@h.example/a.zip", HERE, ENVIRON)

    assert line.written == "a @ https://${TOKEN}@h.example/a.zip"
    assert line.text == "a @ https://s3cret@h.example/a.zip"


def test_a_value_is_not_expanded_again() -> None:
    """A variable's value is text, whatever it holds."""
    (line,) = logical_lines("${A}", HERE, {"A": "${B}", "B": "x"})

    assert line.text == "${B}"


@pytest.mark.parametrize("text", ["$TOKEN", "${token}", "${}", "$ {TOKEN}"])
def test_only_one_spelling_is_a_variable(text: str) -> None:
    """As pip documents it."""
    assert read(text) == [(1, text)]


def test_a_variable_without_value_is_refused() -> None:
    """Pip would keep the text and continue."""
    with pytest.raises(RequirementsError, match=r"r.txt:2: the variable \$\{EMPTY\} is empty; set EMPTY"):
        read("a\n${EMPTY}\n")


@given(st.text(alphabet="ab \\#\n\r\t", max_size=40))
def test_whatever_the_text_lines_keep_their_order(text: str) -> None:
    """No line is lost twice, none is empty, and numbers rise."""
    lines = read(text)

    assert all(line.strip() for _, line in lines)
    numbers = [number for number, _ in lines if number is not None]
    assert numbers == sorted(set(numbers))
