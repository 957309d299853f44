"""Archives that Python cannot read: one error of ours, whatever the standard library raises."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mirror.errors import BuildFailed, Malformed
from mirror.metadata.sdist_metadata import sdist_pkg_info
from pipx_parallel.builds.unpack import unpack
from tests.support.dists import tarred, zipped

FILES = {"evil-1.0/PKG-INFO": b"Metadata-Version: 2.2\nName: evil\nVersion: 1.0\n" * 40}


def unknown_method(body: bytes) -> bytes:
    """Name a compression method that zipfile does not know, in both headers."""
    local, central = body.index(b"PK\x03\x04") + 8, body.index(b"PK\x01\x02") + 10
    data = bytearray(body)
    data[local : local + 2] = data[central : central + 2] = (97).to_bytes(2, "little")
    return bytes(data)


def encrypted(body: bytes) -> bytes:
    """Say that the member is encrypted, in both headers."""
    data = bytearray(body)
    data[body.index(b"PK\x03\x04") + 6] |= 1
    data[body.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def damaged(body: bytes) -> bytes:
    """Change the compressed bytes of the member."""
    start = body.index(b"PKG-INFO") + 20
    return body[:start] + bytes(9) + body[start + 9 :]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
@pytest.mark.parametrize("change", [unknown_method, encrypted, damaged])
def test_a_zip_that_cannot_be_read(tmp_path: Path, method: int, change: Callable[[bytes], bytes]) -> None:
    """Its metadata and its build each end with an error that names the archive."""
    body = change(zipped(FILES, method))

    with pytest.raises(Malformed, match=r"evil-1\.0\.zip"):
        sdist_pkg_info(io.BytesIO(body), "evil-1.0.zip")
    with pytest.raises(BuildFailed, match=r"evil-1\.0\.zip"):
        unpack(io.BytesIO(body), "evil-1.0.zip", str(tmp_path))


def test_any_change_of_an_archive_is_read_or_refused(tmp_path: Path) -> None:
    """A thousand changed archives: no other exception."""
    bodies = [tarred(FILES), *(zipped(FILES, method) for method in (0, 8, 12, 14))]
    for seed in range(1000):
        chance = random.Random(seed)  # noqa: S311 - it damages, it guards nothing
        body = bytearray(bodies[seed % len(bodies)])
        for _ in range(chance.randrange(1, 6)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        name = "evil-1.0.tar.gz" if seed % len(bodies) == 0 else "evil-1.0.zip"
        for read in (
            lambda data, name=name: sdist_pkg_info(data, name),
            lambda data: unpack(data, "evil", str(tmp_path)),
        ):
            try:
                read(io.BytesIO(bytes(body)))
            except (Malformed, BuildFailed):
                continue
