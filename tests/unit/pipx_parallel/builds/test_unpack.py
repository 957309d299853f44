"""Archives that Python cannot read: one error of ours, whatever the standard library raises."""

from __future__ import annotations

import io
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mirror.errors import BuildFailed, Malformed
from mirror.limits import ARCHIVE_LEAST, DIRECTORY_BYTES, unpacked_members
from mirror.metadata.sdist_metadata import top_files
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
        list(top_files(io.BytesIO(body), "evil-1.0.zip"))
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
            lambda data, name=name: list(top_files(data, name)),
            lambda data: unpack(data, "evil", str(tmp_path)),
        ):
            try:
                read(io.BytesIO(bytes(body)))
            except (Malformed, BuildFailed):
                continue


@pytest.mark.parametrize("make", [tarred, zipped])
def test_far_more_members_than_an_archive_of_its_size_has_are_refused(
    tmp_path: Path, make: Callable[[dict[str, bytes]], bytes]
) -> None:
    """Empty files cost nothing to pack and a core to unpack: the metadata is not looked for, and no zip is begun to be unpacked."""
    body = make({f"evil-1.0/f{number}": b"" for number in range(30_000)})
    name = "evil-1.0.tar.gz" if make is tarred else "evil-1.0.zip"

    with pytest.raises(Malformed, match="members, far more than"):
        list(top_files(io.BytesIO(body), name))
    with pytest.raises(BuildFailed, match="members, far more than"):
        unpack(io.BytesIO(body), "evil", str(tmp_path))
    assert len([*tmp_path.rglob("f*")]) <= (unpacked_members(len(body)) if make is tarred else 0)


def test_members_that_hold_archives_are_not_counted(tmp_path: Path) -> None:
    """Only the directory of the archive itself is: a test's data may be an archive of many members."""
    inner = zipped({f"f{number}": b"" for number in range(30_000)}, zipfile.ZIP_STORED)
    body = zipped({"evil-1.0/PKG-INFO": b"Name: evil\n", "evil-1.0/inner.zip": inner}, zipfile.ZIP_STORED)

    assert [name for name, _ in top_files(io.BytesIO(body), "evil-1.0.zip")] == ["PKG-INFO"]
    assert (Path(unpack(io.BytesIO(body), "evil", str(tmp_path))) / "inner.zip").read_bytes() == inner


def test_a_directory_past_its_bound_is_not_read(tmp_path: Path) -> None:
    """Few members with names and extra fields as long as can be."""
    body = zipped({f"evil-1.0/{number}" + "x" * 65_000: b"" for number in range(DIRECTORY_BYTES // 65_000 + 1)})

    with pytest.raises(Malformed, match="directory has"):
        list(top_files(io.BytesIO(body), "evil-1.0.zip"))
    with pytest.raises(BuildFailed, match="directory has"):
        unpack(io.BytesIO(body), "evil", str(tmp_path))


@pytest.mark.parametrize("make", [tarred, zipped])
def test_far_more_bytes_than_an_archive_of_its_size_holds_are_refused(
    tmp_path: Path, make: Callable[[dict[str, bytes]], bytes]
) -> None:
    """Before they are written."""
    body = make({"evil-1.0/big": bytes(ARCHIVE_LEAST + 40_000_000)})

    with pytest.raises(BuildFailed, match="bytes, far more than"):
        unpack(io.BytesIO(body), "evil", str(tmp_path))
    assert [*tmp_path.rglob("big")] == []


def tar_of(*members: tuple[str, str, bytes]) -> bytes:
    """Return a tar of (name, target of a symbolic link or "", content)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, target, content in members:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            if target:
                member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def test_a_link_within_an_archive_is_kept(tmp_path: Path) -> None:
    """And what comes after it is written through it."""
    body = tar_of(("a-1/real/x", "", b"1"), ("a-1/link", "real", b""), ("a-1/link/y", "", b"2"))

    source = Path(unpack(io.BytesIO(body), "a", str(tmp_path)))

    assert (source / "link").readlink() == Path("real")
    assert (source / "real" / "y").read_bytes() == b"2"
    assert (source / "real" / "x").stat().st_mode & 0o111


@pytest.mark.parametrize(
    "members",
    [
        (("a-1/../../x", "", b"1"),),
        (("a-1/link", "../..", b""), ("a-1/link/x", "", b"1")),
        (("a-1/link", "/", b""),),
    ],
)
def test_nothing_leads_out(tmp_path: Path, members: tuple[tuple[str, str, bytes], ...]) -> None:
    """Neither a path nor a link."""
    folder = tmp_path / "one" / "two"
    folder.mkdir(parents=True)

    with pytest.raises(BuildFailed):
        unpack(io.BytesIO(tar_of(*members)), "a", str(folder))
    assert not (tmp_path / "x").exists()
    assert not (tmp_path / "one" / "x").exists()


def test_an_absolute_path_becomes_a_relative_one(tmp_path: Path) -> None:
    """As the data filter of the standard library has it."""
    unpack(io.BytesIO(tar_of(("/evil/x", "", b"1"), ("a/y", "", b"2"))), "a", str(tmp_path))

    assert (tmp_path / "evil" / "x").read_bytes() == b"1"
