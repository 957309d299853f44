"""File objects made to break what reads them later: a terminal, a lock, a header."""

from __future__ import annotations

import json

import pytest

from mirror.errors import Malformed
from mirror.records.simple_file import FileList, parse_file, read_briefly

PAGE = "https://index.example/simple/a/"


def raw(**fields: object) -> bytes:
    """Return a file object."""
    return json.dumps({"filename": "a-1.0-py3-none-any.whl", "url": "https://index.example/a.whl", **fields}).encode()


@pytest.mark.parametrize("value", ["\x9b31m", "ab\x1b[0m", "ab cd", "", "\udcff", "ü" * 64, "zzzz", "ab" * 31])
def test_a_hash_is_letters_and_digits(value: str) -> None:
    """Of the length of its kind. Anything else is read as absent: it would reach a lock, and with it a terminal."""
    assert parse_file(raw(hashes={"sha256": value, "md5": "00" * 16}), PAGE).hashes == (("md5", "00" * 16),)


@pytest.mark.parametrize("url", ["https://a.example/\r\nX: y", "https://a.example/\x00", "https://a.example/\ud800"])
def test_an_address_is_printable(url: str) -> None:
    """A line break would end a header, a surrogate cannot be written."""
    with pytest.raises(Malformed):
        parse_file(raw(url=url), PAGE)


@pytest.mark.parametrize("read", [read_briefly, lambda data: FileList(data, PAGE)])
def test_deep_nesting_is_malformed(read: object) -> None:
    """The reader of JSON gives up; that is the fault of the text."""
    assert callable(read)
    with pytest.raises(Malformed):
        read(b"[" * 100_000)
