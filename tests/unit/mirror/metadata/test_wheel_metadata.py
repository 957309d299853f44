"""METADATA from parts of wheels."""

from __future__ import annotations

import io
import struct
import zipfile
from random import Random

import pytest

from mirror.errors import Malformed
from mirror.metadata.wheel_metadata import NeedRange, read_parts, read_tail, wheel_metadata
from tests.support.dists import wheel, zipped

SIX = wheel("six", "1.0", ["base"], padding=300_000)
METADATA = b"Name: six\nVersion: 1.0\n" + b"x" * 500
PATH = "six-1.0.dist-info/METADATA"


def read_from_tail(body: bytes, filename: str, tail: int) -> tuple[bytes, list[int]]:
    """Read METADATA from a tail of ``tail`` bytes and the ranges needed; return it and the sizes of the reads."""
    parts = [(max(0, len(body) - tail), body[-tail:])]
    reads = [tail]
    while isinstance(result := read_parts(parts, filename), NeedRange):
        assert 0 <= result.start < result.end <= len(body)
        parts.append((result.start, body[result.start : result.end]))
        reads.append(result.end - result.start)
        assert len(reads) < 8, "too many reads"
    return result, reads


def many_files(count: int, *, metadata_first: bool) -> bytes:
    """Return a wheel with a large directory."""
    files = {f"six/{'x' * 60}_{number}.py": b"" for number in range(count)}
    own = {PATH: METADATA}
    return zipped(own | files if metadata_first else files | own)


def test_a_whole_wheel_gives_its_metadata() -> None:
    """No further range is needed."""
    assert wheel_metadata(SIX.body, SIX.filename) == SIX.metadata


def test_a_long_enough_tail_takes_one_read() -> None:
    """Much less than the whole file."""
    assert read_tail(SIX.body[-4096:], len(SIX.body) - 4096, SIX.filename) == SIX.metadata


@pytest.mark.parametrize("tail", [22, 30, 100, 250, 400, 700, 1000, 1_000_000])
def test_a_short_tail_gives_the_missing_range(tail: int) -> None:
    """Whatever the size of the first read, the next reads complete it."""
    result, reads = read_from_tail(SIX.body, SIX.filename, tail)

    assert result == SIX.metadata
    assert sum(reads[1:]) < 2500


@pytest.mark.parametrize("metadata_first", [True, False])
def test_a_directory_longer_than_the_tail_takes_two_more_reads(*, metadata_first: bool) -> None:
    """Only the gap is requested: no byte is read twice."""
    body = many_files(2000, metadata_first=metadata_first)
    result, reads = read_from_tail(body, "six-1.0-py3-none-any.whl", 65536)

    assert result == METADATA
    assert len(reads) <= 3
    assert sum(reads) <= len(body)


def test_the_bytes_between_parts_are_not_read() -> None:
    """METADATA at the start of a large wheel takes only its own bytes."""
    body = zipped({PATH: METADATA, "big.bin": Random(1).randbytes(3_000_000)})  # noqa: S311 - not secret
    result, reads = read_from_tail(body, "six-1.0-py3-none-any.whl", 4096)

    assert result == METADATA
    assert sum(reads) < 8192


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_both_compression_methods_are_read(compression: int) -> None:
    """Stored and deflated."""
    assert wheel_metadata(zipped({PATH: METADATA}, compression), "six-1.0-py3-none-any.whl") == METADATA


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_methods_are_refused(compression: int) -> None:
    """Installers need not read them."""
    with pytest.raises(Malformed, match="packed in a way"):
        wheel_metadata(zipped({PATH: METADATA}, compression), "six-1.0-py3-none-any.whl")


def test_a_comment_and_bytes_before_the_archive_are_skipped() -> None:
    """Both are allowed in a zip archive, also a comment that looks like an end record."""
    stream = io.BytesIO(b"#!/bin/sh\n" * 50)
    stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(PATH, METADATA)
        archive.comment = b"PK\5\6 not the end"
    body = stream.getvalue()

    assert wheel_metadata(body, "six-1.0-py3-none-any.whl") == METADATA
    assert wheel_metadata(b"more before" + body, "six-1.0-py3-none-any.whl") == METADATA


def test_zip64_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Written with lowered limits of the standard library."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    body = zipped({"six.py": b"y" * 300, PATH: METADATA}, zipfile.ZIP_STORED)

    assert b"PK\6\6" in body
    assert wheel_metadata(body, "six-1.0-py3-none-any.whl") == METADATA
    assert read_from_tail(body, "six-1.0-py3-none-any.whl", 30)[0] == METADATA


@pytest.mark.parametrize(
    ("paths", "chosen"),
    [
        (["vendored/pip-1.dist-info/METADATA", "six-1.0.dist-info/METADATA"], 1),
        (["six-1.0.dist-info/METADATA", "other-1.0.dist-info/METADATA"], 0),
        (["Six-1.0.dist-info/METADATA"], 0),
        (["six-1.0.0.dist-info/METADATA"], 0),
        (["six-0.9.dist-info/METADATA", "six-1.0.dist-info/METADATA"], 1),
        (["six-1.0.dist-info/METADATA.txt", "six-1.0.dist-info/METADATA"], 1),
    ],
)
def test_the_wheel_s_own_folder_is_chosen(paths: list[str], chosen: int) -> None:
    """At top level and named after the project; the version may be written in another way."""
    body = zipped({path: path.encode() for path in paths})

    assert wheel_metadata(body, "six-1.0-py3-none-any.whl") == paths[chosen].encode()


@pytest.mark.parametrize(
    "paths", [[], ["six.py"], ["x/six-1.0.dist-info/METADATA"], ["other-1.0.dist-info/METADATA"], ["METADATA"]]
)
def test_a_wheel_without_its_metadata_is_refused(paths: list[str]) -> None:
    """The message names the expected path."""
    with pytest.raises(Malformed, match=r"no six-1-0\.dist-info/METADATA|no six-1\.0\.dist-info/METADATA"):
        wheel_metadata(zipped(dict.fromkeys(paths, b"x")), "six-1.0-py3-none-any.whl")


@pytest.mark.parametrize("body", [b"", b"not a zip", b"PK\5\6", b"PK\5\6" + b"\xff" * 18, b"\0" * 5000])
def test_what_is_no_archive_is_refused(body: bytes) -> None:
    """Error pages served as wheels, and an empty file."""
    with pytest.raises(Malformed):
        wheel_metadata(body, SIX.filename)


def test_a_truncated_wheel_is_refused() -> None:
    """Its end is missing."""
    with pytest.raises(Malformed, match="no end record"):
        wheel_metadata(SIX.body[:-30], SIX.filename)


def test_damage_is_detected_by_the_checksum() -> None:
    """One bit of the packed bytes."""
    body = bytearray(zipped({PATH: METADATA}, zipfile.ZIP_STORED))
    body[60] ^= 1

    with pytest.raises(Malformed, match="checksum"):
        wheel_metadata(bytes(body), "six-1.0-py3-none-any.whl")


def test_metadata_that_unpacks_without_end_is_refused() -> None:
    """The size in the directory is checked first, and the unpacked bytes are limited to it."""
    bomb = zipped({PATH: b"\0" * 20_000_000})

    with pytest.raises(Malformed, match="larger than"):
        wheel_metadata(bomb, "six-1.0-py3-none-any.whl")


@pytest.mark.parametrize("seed", range(3))
def test_random_damage_raises_nothing_else(seed: int) -> None:
    """METADATA, a request for a range inside the file, or ``Malformed``."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    whole = wheel("six", "1.0").body
    for _ in range(500):
        body = bytearray(whole)
        for _ in range(random.randint(1, 5)):
            body[-random.randrange(1, 400)] = random.choice((0, 1, 80, 127, 255, random.randrange(256)))
        start = random.choice((0, len(body) - 200))
        try:
            result = read_tail(bytes(body[start:]), start, SIX.filename)
        except Malformed:
            continue
        if isinstance(result, NeedRange):
            assert 0 <= result.start < result.end <= len(body)


def test_a_directory_of_nothing_but_names_of_metadata_is_refused_at_once() -> None:
    """It was searched backwards from each name: 0.4 MB took four seconds, and twice as much sixteen."""
    names = b".dist-info/METADATA" * 150_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(names), 0, 0)

    with pytest.raises(Malformed, match="members named METADATA"):
        wheel_metadata(names + end, "evil-1.0-py3-none-any.whl")
