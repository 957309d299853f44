"""Parsing of file names."""

from __future__ import annotations

import pytest
from packaging.utils import parse_wheel_filename

from mirror.names import normalize_name
from mirror.records.filenames import VARIANT, is_distribution, is_sdist, split_filename


@pytest.mark.parametrize(
    ("filename", "project", "expected"),
    [
        ("six-1.17.0-py2.py3-none-any.whl", "six", ("1.17.0", "py2.py3-none-any")),
        ("numpy-2.0.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "numpy",
         ("2.0.0", "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64")),
        ("Zope.Interface-1-py3-none-any.whl", "zope-interface", ("1", "py3-none-any")),
        ("typing_extensions-4.0-py3-none-any.whl", "typing-extensions", ("4.0", "py3-none-any")),
        ("a-1!2.0+local.1-py3-none-any.whl", "a", ("1!2.0+local.1", "py3-none-any")),
        ("a-1.0-1-py3-none-any.whl", "a", ("1.0", "py3-none-any")),
        ("a-1.0-2b-py3-none-any.whl", "a", ("1.0", "py3-none-any")),
        ("six-1.17.0.tar.gz", "six", ("1.17.0", "sdist")),
        ("typing_extensions-4.0.tar.gz", "typing-extensions", ("4.0", "sdist")),
        ("typing-extensions-4.0.zip", "typing-extensions", ("4.0", "sdist")),
        ("Typing.Extensions-4.0.tar.bz2", "typing-extensions", ("4.0", "sdist")),
        ("a--b-1.0.tgz", "a-b", ("1.0", "sdist")),
        ("a-b-1.0.tar.xz", "a-b", ("1.0", "sdist")),
        ("a-1.0.TAR.GZ", "a", ("1.0", "sdist")),
        ("a-1.0.tar", "a", ("1.0", "sdist")),
        ("a-1.0-post1.tar.gz", "a", ("1.0-post1", "sdist")),
        ("a-2-1.0.tar.gz", "a-2", ("1.0", "sdist")),
        ("a_b-1.0-cp313-cp313t-musllinux_1_2_x86_64-x86_64_v3.whl", "a-b", ("1.0", VARIANT)),
        ("a-1.0-2-cp313-cp313-win_amd64-null.whl", "a", ("1.0", VARIANT)),
    ],
)  # fmt: skip
def test_version_and_tags_are_read(filename: str, project: str, expected: tuple[str, str]) -> None:
    """PEP 427, PEP 625, and older conventions."""
    assert split_filename(filename, project) == expected


@pytest.mark.parametrize(
    "filename",
    [
        "six-1.0-py2.7.egg",
        "six-1.0.win32.exe",
        "six-1.0.msi",
        "six-1.0-1.noarch.rpm",
        "six-1.0-none-any.whl",
        "six-1.0-x1-py3-none-Any.whl",
        "six-1.0-1-2-py3-none-any.whl",
        "other-1.0-py3-none-any.whl",
        "other-1.0.tar.gz",
        "sixty-1.0.tar.gz",
        "six.tar.gz",
        "six1.0.tar.gz",
        "-1.0.tar.gz",
        ".whl",
        ".tar.gz",
        "",
        "no-rule-parses-this",
        "six-1.0.tar.gz.asc",
    ],
)
def test_other_files_are_skipped(filename: str) -> None:
    """Eggs, installers, other projects' files, and nonsense."""
    assert split_filename(filename, "six") is None


def test_it_agrees_with_packaging_on_wheels() -> None:
    """The standard's own parser reads the same version and tags."""
    filename = "scikit_learn-1.7.0-3-cp311.cp312-abi3-win_amd64.whl"
    name, version, _, tags = parse_wheel_filename(filename)

    assert split_filename(filename, name) == (str(version), "cp311.cp312-abi3-win_amd64")
    assert len(tags) == 2


def test_names_have_one_form() -> None:
    """PEP 503; also after the cache was full."""
    for number in range(5000):
        normalize_name(f"Name_{number}")

    assert [normalize_name(name) for name in ("A", "a__b", "A.-_B", "x-1")] == ["a", "a-b", "a-b", "x-1"]


def test_the_suffix_of_a_name_gives_the_kind() -> None:
    """Wheels and source archives are distributions, eggs are not."""
    assert [is_distribution(name) for name in ("a.whl", "a.tar.gz", "a.ZIP", "a.egg", "a.html")] == [1, 1, 1, 0, 0]
    assert [is_sdist(name) for name in ("a.whl", "a.tar.gz", "a.zip")] == [0, 1, 1]
