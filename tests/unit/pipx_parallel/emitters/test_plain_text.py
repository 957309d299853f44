"""Untrusted text in our output lines."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipx_parallel.emitters.plain_text import one_line, quoted_word, safe_url, without_credentials


@given(st.text())
def test_one_line_is_one_line_for_every_reader(text: str) -> None:
    """``str.splitlines`` knows line ends that shells do not; the result can be encoded."""
    line = one_line(text)

    assert len(line.splitlines()) <= 1
    assert line.encode("utf-8")[:1] != b"\n"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://u:p@h.example/x", "https://h.example/x"),
        ("https://token@h.example/x", "https://h.example/x"),
        ("https://u:p@w@h.example/x", "https://h.example/x"),
        ("https://h.example/x@y", "https://h.example/x@y"),
        ("git+ssh://git:pw@h.example/x", "git+ssh://git@h.example/x"),
        ("git+ssh://git@h.example/x", "git+ssh://git@h.example/x"),
        ("a https://u:p@h.example/ b https://u:p@i.example/", "a https://h.example/ b https://i.example/"),
        ("no url at all", "no url at all"),
    ],
)
def test_credentials_leave_every_url(url: str, expected: str) -> None:
    """The user name of ssh is an address and stays."""
    assert without_credentials(url) == expected


@given(st.text())
def test_a_safe_url_ends_no_word_and_no_quotation(url: str) -> None:
    """No space, no quote, no line end, nothing outside ASCII, nothing that pip or a shell in quotes would expand."""
    safe = safe_url(url)

    assert safe.isascii()
    assert safe.isprintable()
    assert not set(safe) & set(" \"'`\\<>{}|^")
    assert safe_url(safe) == safe


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_a_quoted_word_is_read_back_as_one_word(text: str) -> None:
    """Pip splits option lines with ``shlex``."""
    assert shlex.split(quoted_word(text)) == [text]
