"""What an index changed of files after the mirror first listed them."""

from __future__ import annotations

import json

from mirror.records.file_history import FileSighting, Listed, joined, sightings


def piece(**files: str) -> bytes:
    """Return the file objects of a release, without brackets."""
    rows = [{"filename": f"{name}.whl", "hashes": {"sha256": digest}} for name, digest in files.items()]
    return json.dumps(rows)[1:-1].encode()


def test_changed_added_and_removed_files_are_rows() -> None:
    """A new release, an unchanged one and one that is not kept are none."""
    before = Listed(["a", "b", "c", "d"], [piece(one="1"), piece(two="2"), b"", piece(gone="9")], 100)
    after = Listed(["a", "b", "c", "e"], [piece(one="7"), piece(two="2", late="3"), piece(x="4"), piece(new="5")], 200)

    assert sightings(before, after) == [
        FileSighting("one.whl", "1", 100),
        FileSighting("one.whl", "7", 200),
        FileSighting("late.whl", "3", 200),
        FileSighting("gone.whl", "", 200),
    ]


def test_rows_are_appended_once() -> None:
    """What was seen first stays first."""
    first, second = FileSighting("a", "1", 1), FileSighting("a", "2", 2)

    assert joined([first], [first, second]) == (first, second)
