"""Written pages can be read back."""

from __future__ import annotations

import json

from mirror.records.model import DistFile
from mirror.records.simple_parse import parse_files, parse_listing
from mirror.records.simple_serialize import ProjectStatus, index_html, index_json, project_html, project_json

FILES = [
    DistFile("a-1.0-py3-none-any.whl", "http://index.example/a-1.0-py3-none-any.whl", (("sha256", "ab" * 32),), 10,
             "2024-01-01T00:00:00Z", ">=3.8", None, "sha256=" + "cd" * 32),
    DistFile("a-1.1.tar.gz", "http://index.example/a-1.1.tar.gz", (("md5", "ab" * 16), ("sha256", "ef" * 32)), 11,
             yanked='bad "quotes" & <tags>'),
    DistFile("a-1.2.tar.gz", "http://index.example/a-1.2.tar.gz", (("sha256", "01" * 32),), 12, yanked="", core_metadata=True,
             provenance="http://index.example/integrity/a-1.2.tar.gz/provenance"),
]  # fmt: skip


def test_json_gives_every_field_back() -> None:
    """With our parser; a yank without a reason stays a yank."""
    page = parse_listing(project_json("a", ["1.0", "1.1", "1.2"], FILES), None, "http://index.example/simple/a/")

    read = parse_files(page.raws, "http://index.example/simple/a/")
    assert page.versions == ("1.0", "1.1", "1.2")
    assert read == FILES


def test_html_gives_back_its_fields() -> None:
    """HTML has no sizes and times, and only one hash."""
    body = project_html("a", FILES, ProjectStatus("archived", "moved"))
    page = parse_listing(body, "text/html", "http://index.example/simple/a/")

    read = parse_files(page.raws, "http://index.example/simple/a/")
    expected = [file._replace(size=None, upload_time=None, hashes=file.hashes[-1:]) for file in FILES]
    assert read == expected
    assert (page.status, page.status_reason) == ("archived", "moved")


def test_the_api_version_fits_the_page() -> None:
    """PEP 700 requires a size for every file; PEP 792 is newer."""
    assert json.loads(project_json("a", [], FILES))["meta"] == {"api-version": "1.1"}
    assert json.loads(project_json("a", [], [FILES[0]._replace(size=None)]))["meta"] == {"api-version": "1.0"}
    assert json.loads(project_json("a", [], FILES, ProjectStatus("archived", "moved")))["project-status"] == {
        "status": "archived",
        "reason": "moved",
    }


def test_the_list_of_projects_has_both_forms() -> None:
    """PEP 503 and PEP 691."""
    assert json.loads(index_json(["a", "b"]))["projects"] == [{"name": "a"}, {"name": "b"}]
    assert b'<a href="b/">b</a>' in index_html(["a", "b"])
