"""Metadata of source trees without a build (PEP 621, PEP 643), and which of it is not static."""

from __future__ import annotations

import io

import pytest

from mirror.metadata.core_metadata import parse_core_metadata, to_text
from mirror.metadata.static_metadata import project_metadata, static_metadata
from tests.support.dists import metadata_text, sdist, tarred


def test_a_project_table_gives_all_fields() -> None:
    """Extras get their marker, also if a line has one already."""
    text = """
    [project]
    name = "App"
    version = "1.0"
    requires-python = ">=3.9"
    dependencies = ["lib>=1"]
    optional-dependencies = { more = ["base", "x; python_version < '3.9' or os_name == 'nt'"] }
    """
    metadata = project_metadata(text.encode())

    assert metadata is not None
    assert (metadata.name, metadata.version, metadata.requires_python) == ("App", "1.0", ">=3.9")
    assert metadata.requires_dist == (
        "lib>=1",
        'base ; extra == "more"',
        "x ; (python_version < '3.9' or os_name == 'nt') and extra == \"more\"",
    )


@pytest.mark.parametrize(
    "text",
    [
        "", "[tool.poetry]\nname = 'a'", "[project]\nversion = '1'", "[project", "project = 3",
        "[project]\nname = 'a'\ndynamic = ['dependencies']", "[project]\nname = 'a'\ndynamic = ['optional-dependencies']",
        "[project]\nname = 'a'\ndynamic = ['requires-python']",
    ],
)  # fmt: skip
def test_a_dynamic_or_missing_project_table_gives_none(text: str) -> None:
    """Then it must be built."""
    assert project_metadata(text.encode()) is None


def test_a_dynamic_version_is_left_open() -> None:
    """The dependencies are still static."""
    metadata = project_metadata(b"[project]\nname = 'a'\ndynamic = ['version']\ndependencies = ['b']")

    assert metadata is not None
    assert (metadata.version, metadata.requires_dist) == ("", ("b",))


def test_a_static_pkg_info_comes_first_and_an_old_one_is_not_used() -> None:
    """Before Metadata 2.2, a PKG-INFO without dependencies may have left them out."""
    static = sdist("app", "1.0", ["lib"])
    old = sdist("app", "1.0", ["lib"], metadata_version="2.1")

    metadata = static_metadata(io.BytesIO(static.body), static.filename)
    assert metadata is not None
    assert metadata.requires_dist == ("lib",)
    assert static_metadata(io.BytesIO(old.body), old.filename) is None


def test_the_version_of_pkg_info_fills_a_dynamic_one() -> None:
    """The backend has written it to PKG-INFO."""
    files = {
        "app-1.5/PKG-INFO": metadata_text("app", "1.5"),
        "app-1.5/pyproject.toml": b"[project]\nname = 'app'\ndynamic = ['version']\ndependencies = ['b']",
    }
    metadata = static_metadata(io.BytesIO(tarred(files)), "app-1.5.tar.gz")

    assert metadata is not None
    assert (metadata.version, metadata.requires_dist) == ("1.5", ("b",))


def test_written_metadata_is_read_back() -> None:
    """Parsing the stored form gives the same metadata."""
    first = parse_core_metadata(metadata_text("app", "1.0", ["lib>=1"], {"x": ["y"]}, ">=3.9"))

    assert parse_core_metadata(to_text(first)) == first
