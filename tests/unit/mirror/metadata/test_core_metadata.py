"""METADATA and PKG-INFO as projects write them."""

from __future__ import annotations

import email
import importlib.metadata
from collections.abc import Callable

import pytest

from mirror.errors import Malformed
from mirror.metadata.core_metadata import CoreMetadata, parse_core_metadata
from tests.support.dists import metadata_text

WHOLE = b"""\
Metadata-Version: 2.4
Name: Requests
Version: 2.32.0
Summary: Python HTTP for Humans.
Requires-Python: >=3.8
Provides-Extra: socks
Requires-Dist: idna<4,>=2.5
Requires-Dist: PySocks!=1.5.7,>=1.5.6 ; extra == "socks"
Dynamic: Description
Dynamic: License-File

Requires-Dist: prose
"""


def test_every_wanted_header_is_read() -> None:
    """Values are as written; the description is ignored."""
    assert parse_core_metadata(WHOLE) == CoreMetadata(
        "Requests",
        "2.32.0",
        "2.4",
        ("idna<4,>=2.5", 'PySocks!=1.5.7,>=1.5.6 ; extra == "socks"'),
        ">=3.8",
        ("socks",),
        frozenset({"description", "license-file"}),
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b"Requires-Dist", b"requires-DIST").replace(b"Name", b"NAME"),
        lambda data: data.replace(b": ", b":\t  "),
        lambda data: data.partition(b"\n\n")[0],
        lambda data: data.replace(b"Summary", b"this is no header at all\nSummary"),
    ],
    ids=["crlf", "bom", "case", "space", "no body", "nonsense line"],
)
def test_the_same_is_read_from_other_ways_of_writing(change: Callable[[bytes], bytes]) -> None:
    """Line ends, marks, case, space and stray lines make no difference."""
    assert change(WHOLE) != WHOLE
    assert parse_core_metadata(change(WHOLE)) == parse_core_metadata(WHOLE)


def test_a_folded_requirement_is_joined() -> None:
    """RFC 822: a line that starts with space continues the line before."""
    data = b"Name: a\nVersion: 1\nRequires-Dist: b\n  >=1,\n\t<2\nRequires-Dist: c\n"

    assert parse_core_metadata(data).requires_dist == ("b >=1, <2", "c")


def test_a_folded_description_hides_nothing_and_adds_nothing() -> None:
    """Old files carry their description as a header, also with lines of spaces alone."""
    data = b"Name: a\nVersion: 1\nDescription: x\n        \n        Requires-Dist: prose\nRequires-Dist: b\n"

    assert parse_core_metadata(data).requires_dist == ("b",)


def test_bytes_that_are_no_utf_8_become_the_replacement_character() -> None:
    """An author's name in Latin-1 must not lose the dependencies."""
    data = b"Name: a\nVersion: 1\nAuthor: J\xfcrgen\nRequires-Dist: b ; sys_platform == '\xfc'\n"

    assert parse_core_metadata(data).requires_dist == ("b ; sys_platform == '\ufffd'",)


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"<html>404</html>", b"Name: a\n", b"Version: 1\n", b"Name:\nVersion: 1\n"]
)
def test_a_file_without_name_or_version_is_not_metadata(data: bytes) -> None:
    """For example an error page served with status 200."""
    with pytest.raises(Malformed, match=r"a-1\.whl: no (Name|Version) header"):
        parse_core_metadata(data, "a-1.whl")


@pytest.mark.parametrize(
    ("version", "dynamic", "static"),
    [
        ("2.2", (), True),
        ("2.10", (), True),
        ("3.0", (), True),
        ("2.2", ("Description", "License-File"), True),
        ("2.1", (), False),
        ("1.2", (), False),
        ("nonsense", (), False),
        ("2.2", ("requires-dist",), False),
        ("2.2", ("Requires-Python",), False),
        ("2.2", ("PROVIDES-EXTRA",), False),
    ],
)
def test_a_pkg_info_is_static_by_its_headers(version: str, dynamic: tuple[str, ...], *, static: bool) -> None:
    """PEP 643: 2.2 or later, and no dependency field marked dynamic."""
    data = metadata_text("a", "1", metadata_version=version, dynamic=dynamic)

    assert parse_core_metadata(data).is_static is static


def test_the_first_of_a_single_header_counts() -> None:
    """A second Name is ignored."""
    assert parse_core_metadata(b"Name: a\nVersion: 1\nName: b\nVersion: 2\n")[:2] == ("a", "1")


def test_it_agrees_with_the_email_package_on_what_is_installed_here() -> None:
    """Real files, another parser."""
    compared = 0
    for distribution in importlib.metadata.distributions():
        text = distribution.read_text("METADATA")
        if text is None:
            continue
        there = email.message_from_string(text)
        here = parse_core_metadata(text.encode())
        assert here.requires_dist == tuple(there.get_all("Requires-Dist") or ())
        assert here.requires_python == there.get("Requires-Python")
        assert here.provides_extra == tuple(there.get_all("Provides-Extra") or ())
        compared += 1

    assert compared > 5
