"""What a bundle says about itself, and its archive."""

from __future__ import annotations

import ast
import json
import zipfile
from pathlib import Path

import pytest

from pipx_parallel.bundle import scripts, texts
from pipx_parallel.bundle.archive import Member, write_zip
from pipx_parallel.errors import OutputError
from pipx_parallel.model import Target


def target(label: str, python: str = "3.13", platform: str = "linux") -> Target:
    """Return a target with the variables that a bundle tells."""
    markers = {
        "implementation_name": "cpython",
        "python_version": python,
        "sys_platform": platform,
        "platform_machine": "x86_64",
    }
    return Target(label, f"{python}.0", markers, ())


LINUX, WINDOWS = target("cpython 3.13 linux x86_64"), target("cpython 3.13 win32 AMD64", platform="win32")
PLACED = [
    texts.BundleFile("both", "1.0", "both-1.0-any.whl", "b" * 64, 10, (0, 1)),
    texts.BundleFile("fast", "2.0", "fast-2.0-linux.whl", "f" * 64, 20, (0,)),
    texts.BundleFile("fast", "2.0", "fast-2.0-win.whl", "e" * 64, 30, (1,)),
]


def test_targets_have_names_that_can_be_files_and_none_twice() -> None:
    """Two glibc levels of one system have one label."""
    assert texts.target_names([LINUX, WINDOWS, LINUX]) == (
        "cpython-3.13-linux-x86_64",
        "cpython-3.13-win32-amd64",
        "cpython-3.13-linux-x86_64-2",
    )


def test_requirements_name_just_the_files_of_their_target() -> None:
    """By hash: a wheel of another platform is not taken."""
    assert texts.requirements(1, "windows", PLACED).splitlines()[1:] == [
        "both==1.0 \\",
        f"    --hash=sha256:{'b' * 64}",
        "fast==2.0 \\",
        f"    --hash=sha256:{'e' * 64}",
    ]


def test_the_manifest_lists_each_file_once() -> None:
    """And which target needs it."""
    facts = json.loads(texts.manifest([LINUX, WINDOWS], PLACED))

    assert [row["files"] for row in facts["targets"]] == [
        ["both-1.0-any.whl", "fast-2.0-linux.whl"],
        ["both-1.0-any.whl", "fast-2.0-win.whl"],
    ]
    assert [(row["name"], row["size"]) for row in facts["files"]] == [
        ("both-1.0-any.whl", 10),
        ("fast-2.0-linux.whl", 20),
        ("fast-2.0-win.whl", 30),
    ]
    assert facts["targets"][1]["platform"] == "win32"


def test_the_script_has_the_syntax_of_an_old_python() -> None:
    """The machine it runs on has what it has."""
    ast.parse(scripts.PYTHON, feature_version=(3, 8))


def test_the_archive_has_the_same_bytes_whatever_the_order_and_the_clock(tmp_path: Path) -> None:
    """Sorted, dated 1980, executable where asked, nothing compressed."""
    (tmp_path / "wheel").write_bytes(b"w" * 1000)
    members = [Member("b.sh", 2, b"ok", mode=0o755), Member("a/x.whl", 1000, path=str(tmp_path / "wheel"))]

    write_zip(str(tmp_path / "one.zip"), members)
    size = write_zip(str(tmp_path / "two.zip"), reversed(members))

    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert size == (tmp_path / "two.zip").stat().st_size
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        infos = archive.infolist()
    assert [(info.filename, info.external_attr >> 16 & 0o777, info.date_time[0]) for info in infos] == [
        ("a/x.whl", 0o644, 1980),
        ("b.sh", 0o755, 1980),
    ]


def test_an_archive_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """A member that is gone is met half-way."""
    (tmp_path / "one.zip").write_bytes(b"old")

    with pytest.raises(OutputError):
        write_zip(str(tmp_path / "one.zip"), [Member("a", 1, b"a"), Member("b", 1, path=str(tmp_path / "gone"))])

    assert (tmp_path / "one.zip").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["one.zip"]
