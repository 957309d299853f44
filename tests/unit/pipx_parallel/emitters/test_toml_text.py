"""TOML text: whatever goes in comes out of ``tomllib`` again."""

from __future__ import annotations

import tomllib

from hypothesis import example, given
from hypothesis import strategies as st

from pipx_parallel.emitters import toml_text

texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts)
@example('"')
@example("'")
@example("\"'")
@example("\\")
@example("\x00\x08\t\n\x0c\r\x1f\x7f\x80\u2028\ufeff")
def test_a_string_is_read_back(text: str) -> None:
    """Basic or literal, escaped or not."""
    assert tomllib.loads(f"x = {toml_text.string(text)}") == {"x": text}


@given(texts)
def test_a_key_is_read_back(text: str) -> None:
    """Bare or quoted."""
    assert tomllib.loads(f"{toml_text.key(text)} = 1") == {text: 1}


@given(st.dictionaries(texts, texts))
def test_an_inline_table_is_read_back(table: dict[str, str]) -> None:
    """Empty ones too."""
    assert tomllib.loads(f"x = {toml_text.string_table(table.items())}") == {"x": table}


@given(st.lists(texts))
def test_arrays_are_read_back(values: list[str]) -> None:
    """On one line, or one value a line."""
    assert tomllib.loads(f"x = {toml_text.strings(values)}") == {"x": values}
    assert tomllib.loads(f"x = {toml_text.block_array(map(toml_text.string, values))}") == {"x": values}


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    """No encoding can write it, so no file can hold it."""
    assert toml_text.string("a\ud800b") == '"a\ufffdb"'
