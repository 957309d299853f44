"""Names have one normal form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from mirror.names import is_project_name, normalize_extras, normalize_name


@given(st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,12}[A-Za-z0-9])?", fullmatch=True))
def test_the_normal_form_is_that_of_packaging(name: str) -> None:
    """PEP 503 has one owner."""
    assert normalize_name(name) == canonicalize_name(name)


@pytest.mark.parametrize("text", ["", "-a", "a-", "a b", "a/b", "é", "a\n"])
def test_what_is_no_name_is_seen(text: str) -> None:
    """Core metadata allows ASCII letters and digits at both ends."""
    assert not is_project_name(text)


def test_extras_are_sorted_and_each_once() -> None:
    """PEP 685 normalises extras as PEP 503 does names."""
    assert normalize_extras(" Test_All , b,test.all,") == ("b", "test-all")
