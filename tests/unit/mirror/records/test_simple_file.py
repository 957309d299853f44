"""File objects made to break what reads them later: a terminal, a lock, a header."""

from __future__ import annotations

import json

import pytest

from mirror.errors import Malformed
from mirror.records.simple_file import FileList, FileListPart, parse_file, read_briefly

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


def files(*names: str, **fields: object) -> FileList:
    """Return a list of files, each with a hash of its own."""
    rows = [
        {"filename": name, "url": f"https://index.example/{name}", "hashes": {"sha256": f"{number:064x}"}, **fields}
        for number, name in enumerate(names)
    ]
    return FileList(json.dumps(rows).encode(), PAGE)


NAMES = ("a-1.0-py3-none-any.whl", "a-1.0-cp39-cp39-win32.whl", "a-1.0.tar.gz", "a-1.0.exe")


def test_a_part_of_a_list_answers_as_the_whole_list() -> None:
    """What is loaded, the hashes and the number of all are answered without the whole; the rest is read when it is asked for."""
    whole = files(*NAMES)
    loads: list[FileList] = []
    stored = whole.part([0, 2, 3])
    assert stored is not None

    def load() -> FileList:
        loads.append(whole)
        return whole

    part = FileListPart(stored, PAGE, load)

    assert part.part_names() == [(0, NAMES[0]), (2, NAMES[2]), (3, NAMES[3])]
    assert (len(part), part.hashes(), part.archives()) == (4, whole.hashes(), whole.archives())
    assert (part[0], part[2], part[-1]) == (whole[0], whole[2], whole[3])
    assert loads == []
    assert part[1] == whole[1]
    assert (part, part.names()) == (whole, whole.names())
    assert loads


@pytest.mark.parametrize("hashes", [{}, {"md5": "0" * 32}, {"sha256": "0" * 64, "md5": "0" * 32}])
def test_a_list_with_other_hashes_has_no_part(hashes: dict[str, str]) -> None:
    """Few indexes state others; their lists are read whole."""
    assert files(NAMES[0], hashes=hashes).part([0]) is None
    assert FileList(b"[]", PAGE).part([]) is None


@pytest.mark.parametrize(
    "stored", [b"", b"{}", b'["a", [[1, {"filename": "x"}]]]', b'["a", [[0, {}]]]', b'["a", [[0]]]', b"[1, 2]"]
)
def test_a_part_that_cannot_be_read_is_malformed(stored: bytes) -> None:
    """Whoever wrote it, it is read as if it were not there."""
    with pytest.raises(Malformed):
        FileListPart(stored, PAGE, lambda: files(*NAMES))
