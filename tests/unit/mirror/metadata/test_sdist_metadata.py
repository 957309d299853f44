"""PKG-INFO from sdists, in memory."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import tracemalloc
from random import Random
from typing import TYPE_CHECKING

import pytest

from mirror.errors import Malformed
from mirror.metadata.core_metadata import parse_core_metadata
from mirror.metadata.sdist_metadata import top_files
from tests.support.dists import sdist, tarred, zipped

if TYPE_CHECKING:
    from typing_extensions import Buffer


def pkg_info_of(archive: io.BytesIO, filename: str) -> bytes:
    """Return the first PKG-INFO of an sdist."""
    return next(text for name, text in top_files(archive, filename) if name == "PKG-INFO")


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
@pytest.mark.parametrize("static", [True, False])
def test_the_pkg_info_of_an_sdist_is_found(suffix: str, *, static: bool) -> None:
    """Its headers tell whether it is static."""
    dist = sdist("plain", "1.0", ["base"], suffix=suffix, static=static)
    pkg_info = pkg_info_of(io.BytesIO(dist.body), dist.filename)

    assert pkg_info == dist.metadata
    assert parse_core_metadata(pkg_info).is_static is static


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, bytes])
def test_the_first_bytes_give_the_compression(pack: type[bytes]) -> None:
    """Suffixes can be wrong."""
    body = pack(gzip.decompress(tarred({"a-1/PKG-INFO": b"Name: a\n"})))

    assert pkg_info_of(io.BytesIO(body), "a-1.tar.gz") == b"Name: a\n"


def test_a_gzip_file_may_have_several_parts_and_padding() -> None:
    """RFC 1952: members follow one another; some tools pad with zeros."""
    text = gzip.decompress(tarred({"a-1/data": Random(1).randbytes(700_000), "a-1/PKG-INFO": b"Name: a\n"}))  # noqa: S311 - noise
    body = (
        b"".join(gzip.compress(text[start : start + 150_000]) for start in range(0, len(text), 150_000)) + b"\0" * 512
    )

    assert pkg_info_of(io.BytesIO(body), "a-1.tar.gz") == b"Name: a\n"


@pytest.mark.parametrize("pack", [tarred, zipped])
def test_only_the_top_level_folder_counts(pack: type) -> None:
    """Egg-info folders and vendored projects have a PKG-INFO too."""
    files = {
        "a-1/a.egg-info/PKG-INFO": b"deeper",
        "PKG-INFO": b"beside",
        "a-1/src/PKG-INFO": b"deeper",
        "a-1/PKG-INFO": b"right",
    }

    assert pkg_info_of(io.BytesIO(pack(files)), "a-1.zip" if pack is zipped else "a-1.tar.gz") == b"right"


def test_a_leading_dot_is_not_a_folder() -> None:
    """Some archives are made with ``tar c ./a-1``."""
    assert pkg_info_of(io.BytesIO(tarred({"./a-1/PKG-INFO": b"right"})), "a-1.tar.gz") == b"right"


def test_a_link_is_not_followed() -> None:
    """Its target may be any file."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        link = tarfile.TarInfo("a-1/PKG-INFO")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)

    assert dict(top_files(stream, "a-1.tar.gz")) == {}


@pytest.mark.parametrize("filename", ["a-1.tar.gz", "a-1.zip"])
@pytest.mark.parametrize("body", [b"", b"not an archive", b"\x1f\x8b\x08broken", b"PK\3\4broken", b"BZhbroken"])
def test_what_is_no_archive_is_refused(body: bytes, filename: str) -> None:
    """With the file's name."""
    with pytest.raises(Malformed, match=filename):
        pkg_info_of(io.BytesIO(body), filename)


def test_a_truncated_archive_is_refused() -> None:
    """PKG-INFO may be in the part that is missing."""
    body = tarred({"a-1/big.bin": Random(1).randbytes(50_000), "a-1/PKG-INFO": b"x"})  # noqa: S311 - not secret

    with pytest.raises(Malformed):
        pkg_info_of(io.BytesIO(body[:20_000]), "a-1.tar.gz")


def test_an_archive_that_unpacks_without_end_is_refused_in_little_memory() -> None:
    """300 MB of zeros in 0.3 MB, before PKG-INFO."""
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1) as packed:
        header = tarfile.TarInfo("a-1/zeros")
        header.size = 300_000_000
        packed.write(header.tobuf())
        for _ in range(300):
            packed.write(bytes(1_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(Malformed, match="far more than"):
            pkg_info_of(stream, "a-1.tar.gz")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("pack", [tarred, zipped])
def test_a_pkg_info_of_absurd_size_is_not_read(pack: type) -> None:
    """The limit is sixteen megabytes."""
    body = pack({"a-1/PKG-INFO": b"\0" * 17_000_000})

    assert dict(top_files(io.BytesIO(body), "a-1.zip" if pack is zipped else "a-1.tar.gz")) == {}


@pytest.mark.parametrize(("pack", "copied"), [(gzip.compress, True), (bz2.compress, True), (bytes, False)])
def test_an_archive_read_to_its_end_leaves_its_tar_data(pack: type[bytes], *, copied: bool) -> None:
    """A build reads them instead of decompressing a large archive again."""
    text = gzip.decompress(tarred({"a-1/PKG-INFO": b"Name: a\n", "a-1/data": Random(1).randbytes(700_000)}))  # noqa: S311 - noise
    copy = io.BytesIO()

    assert dict(top_files(io.BytesIO(pack(text)), "a-1.tar.gz", copy)) == {"PKG-INFO": b"Name: a\n"}
    if copied:
        with tarfile.open(fileobj=io.BytesIO(copy.getvalue())) as archive:
            assert archive.getnames() == ["a-1/PKG-INFO", "a-1/data"]
            assert archive.extractfile("a-1/data") is not None
    else:
        assert copy.getvalue() == b""


@pytest.mark.parametrize("ending", ["stopped", "truncated", "full"])
def test_an_archive_that_was_not_read_to_its_end_leaves_nothing(ending: str) -> None:
    """A part of an archive would build something else."""
    noise = Random(1).randbytes(700_000)  # noqa: S311 - noise
    body = tarred({"a-1/PKG-INFO": b"Name: a\n", "a-1/data": noise})
    copy = _Small() if ending == "full" else io.BytesIO()
    names = top_files(io.BytesIO(body[:400_000] if ending == "truncated" else body), "a-1.tar.gz", copy)

    assert next(names) == ("PKG-INFO", b"Name: a\n")
    if ending == "stopped":
        names.close()  # type: ignore[attr-defined]  # a generator
    elif ending == "truncated":
        with pytest.raises(Malformed):
            list(names)
    else:
        assert list(names) == []
    assert copy.getvalue() == b""


class _Small(io.BytesIO):
    """A file on a disk with space for 300 KB."""

    def write(self, data: Buffer, /) -> int:
        if self.tell() + len(bytes(data)) > 300_000:
            raise OSError(28, "No space left on device")
        return super().write(data)
