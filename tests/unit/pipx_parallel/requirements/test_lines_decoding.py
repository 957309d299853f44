"""Bytes to text: what the corpus does not reach."""

from __future__ import annotations

import pytest

from pipx_parallel.errors import RequirementsError
from pipx_parallel.model import Origin
from pipx_parallel.requirements.lines import decode

HERE = Origin("requirements.txt")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_byte_order_mark_decides(encoding: str) -> None:
    """Also where the mark of one encoding begins like that of another."""
    mark = "" if encoding == "utf-8-sig" else "\ufeff"

    assert decode((mark + "café").encode(encoding), HERE) == "café"


def test_a_declaration_on_line_three_is_a_comment() -> None:
    """PEP 263 looks at two lines."""
    with pytest.raises(RequirementsError, match=r"requirements\.txt:4: the bytes are not UTF-8"):
        decode(b"#\n#\n# coding: latin-1\n\xe9", HERE)


def test_a_declaration_that_is_no_comment_does_not_count() -> None:
    """The word may be part of a requirement's text."""
    assert decode(b"coding==1.0\n", HERE) == "coding==1.0\n"


def test_a_codec_that_gives_no_text_is_unknown() -> None:
    """Python has codecs from bytes to bytes."""
    with pytest.raises(RequirementsError, match="unknown encoding 'hex'"):
        decode(b"# coding: hex\nflask", HERE)
