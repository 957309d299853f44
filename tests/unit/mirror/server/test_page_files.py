"""Which files a server sends itself: those that a folder of this machine lists, never what the web calls a file."""

from __future__ import annotations

import pytest

from mirror.server.page_files import local_path, url_of_file
from mirror.session.local_index import local_project
from mirror.session.merged_project import MergedProject

NAME = "app-1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("page", "url", "path"),
    [
        ("file:///srv/wheels/", NAME, f"/srv/wheels/{NAME}"),
        ("file:///srv/wheels/index.html", f"file:///elsewhere/{NAME}", f"/elsewhere/{NAME}"),
        ("file:///srv/wheels/index.html", f"https://index.example/{NAME}", None),
        ("https://index.example/simple/app/", f"file:///etc/{NAME}", None),
        ("https://index.example/simple/app/", NAME, None),
    ],
)
@pytest.mark.parametrize("merged", [False, True])
def test_only_a_folder_names_files_of_this_machine(page: str, url: str, path: str | None, merged: bool) -> None:
    """Alone, and merged with a project of an index that lists another file."""
    project = local_project("app", [{"filename": NAME, "url": url, "hashes": {"sha256": "0" * 64}}], "a", "", page)
    assert project is not None
    other = local_project(
        "app",
        [{"filename": "app-2.0-py3-none-any.whl", "url": "https://index.example/2", "hashes": {"sha256": "1" * 64}}],
        "b", "", "https://index.example/",
    )  # fmt: skip
    assert other is not None
    listed = MergedProject([other, project]) if merged else project

    assert local_path(listed, NAME) == path
    assert local_path(listed, "app-3.0-py3-none-any.whl") is None
    assert url_of_file(listed, NAME) is not None
