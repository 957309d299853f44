"""The recording's format: what is written is read back, the same bytes each time, and nothing names a host."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from benchmarks import recording
from benchmarks.recording import RecordedFile, RecordedMetadata, RecordedProject, Recording, Release

_RELEASE = Release(
    "1.1",
    ">=3.9",
    (
        RecordedFile("demo-1.1-py3-none-any.whl", 1_700_000_060),
        RecordedFile("demo-1.1.tar.gz", 1_700_000_000, yanked=True),
    ),
    RecordedMetadata(("Requires-Dist: other>=2",), 4_000),
)
_RECORDING = Recording(
    {"made": "2026-11-23", "how": "by hand"},
    (RecordedProject("demo", (_RELEASE, Release("1.0", None, (RecordedFile("demo-1.0.zip"),)))),),
)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """Times, yanked marks, missing upload times and missing dependencies survive."""
    path = tmp_path / "new" / "demo.jsonl.xz"

    recording.write(path, _RECORDING)

    assert recording.read(path) == _RECORDING


def test_the_same_recording_gives_the_same_bytes(tmp_path: Path) -> None:
    """Projects are sorted, so the order in which tools asked does not show."""
    two = Recording({}, (RecordedProject("b", ()), RecordedProject("a", ())))

    recording.write(tmp_path / "one", two)
    recording.write(tmp_path / "other", two._replace(projects=two.projects[::-1]))

    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_a_file_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    """The message names the file, so that a wrong path is seen at once."""
    path = tmp_path / "other.xz"
    path.write_bytes(lzma.compress(json.dumps({"kind": "something else"}).encode()))

    with pytest.raises(ValueError, match=r"other\.xz is not a recording"):
        recording.read(path)


def test_recordings_in_the_repository_say_how_they_were_made_and_name_no_host() -> None:
    """A recording holds names, versions and dependency lines; no URL stands in front of a file."""
    paths = sorted(Path(recording.__file__).with_name("recordings").glob("*.xz"))

    headers = [recording.read(path).header for path in paths]

    assert paths
    assert all(header["made"] and header["how"] for header in headers)
    for path in paths:
        names = [file.name for project in recording.read(path).projects for r in project.releases for file in r.files]
        assert not [name for name in names if "/" in name]
