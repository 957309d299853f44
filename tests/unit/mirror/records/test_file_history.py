"""What an index changed of files after the mirror first listed them."""

from __future__ import annotations

import json

from mirror.records.file_history import Listed, sightings
from mirror.records.freshness import FreshnessRecord
from mirror.records.model import FileSighting
from mirror.records.release_view import ReleaseView


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

    view = ReleaseView(name="a", freshness=FreshnessRecord(0.0), versions=[], keys=[], prereleases=0, classified=0)
    view.add_history([first])
    view.add_history([first, second])

    assert view.history == (first, second)
