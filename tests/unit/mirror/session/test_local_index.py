"""Folders and ``file:`` indexes as sources of projects, and merging projects of several sources."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from mirror.http.local_files import answer, sha256_of
from mirror.ports import Request
from mirror.records.dependency_sets import DependencySet
from mirror.records.project import Project
from mirror.records.simple_file import FileList
from mirror.session.local_index import FileSet, read_location, read_project
from mirror.session.local_sources import LocalSources
from mirror.session.merged_project import MergedProject
from mirror.urls import path_of, url_of


def fill(folder: Path, *names: str) -> Path:
    """Make files of which only the names matter."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(name.encode())
    return folder


def files(project: Project, release: int) -> FileList:
    """Return the files of a release."""
    return FileList(project.file_slice(release) or b"[]", project.page_url)


def test_a_folder_is_sorted_into_projects(tmp_path: Path) -> None:
    """Names of all spellings; other files are skipped; hashes are those of the bytes."""
    folder = fill(
        tmp_path / "a b",
        "My.Pkg-1.0.tar.gz",
        "my_pkg-2.0-py3-none-any.whl",
        "my_pkg_other-9.0.zip",
        "README",
        "my-1.0.egg",
    )
    project = read_location(str(folder)).project("my-pkg", "id", "")

    assert project is not None
    assert project.view.versions == ["1.0", "2.0"]
    (file,) = files(project, 1)
    assert file.url == (folder / "my_pkg-2.0-py3-none-any.whl").as_uri()
    assert file.hashes == (("sha256", hashlib.sha256(b"my_pkg-2.0-py3-none-any.whl").hexdigest()),)
    assert file.size == len(b"my_pkg-2.0-py3-none-any.whl")


def test_all_releases_of_a_folder_are_classified(tmp_path: Path) -> None:
    """Nothing is looked up later: the folder may have changed by then."""
    folder = fill(tmp_path, *[f"many-1.{number}-py3-none-any.whl" for number in range(30)])
    project = read_location(folder.as_uri()).project("many", "id", "")

    assert project is not None
    assert (project.view.classified, len(project.view.versions)) == (0, 30)
    assert project.parts() == ()


def test_pages_in_a_folder_count(tmp_path: Path) -> None:
    """As in pip, with the hash of the fragment and Requires-Python."""
    fill(tmp_path, "other-1.0.zip")
    link = f'<a href="sub/app-1.0.zip#sha256={"00ff" * 16}" data-requires-python="&gt;=3.9">x</a>'
    (tmp_path / "index.html").write_text(link, encoding="utf-8")
    project = read_location(str(tmp_path)).project("app", "id", "")

    assert project is not None
    (file,) = files(project, 0)
    assert (file.url, file.hashes, file.requires_python) == (
        (tmp_path / "sub" / "app-1.0.zip").as_uri(),
        (("sha256", "00ff" * 16),),
        ">=3.9",
    )


def test_a_missing_project_gives_none_and_a_missing_tree_an_error(tmp_path: Path) -> None:
    """The two cases are distinguished."""
    assert read_project(tmp_path.as_uri(), "app", "id") is None
    with pytest.raises(FileNotFoundError):
        read_project((tmp_path / "gone").as_uri(), "app", "id")


def test_a_missing_location_is_warned_of_once() -> None:
    """And never again, whatever is looked up."""
    warnings: list[str] = []
    sources = LocalSources(["/nowhere/wheels"], warnings.append)

    assert sources.linked("app") == []
    assert sources.linked("lib") == []
    assert warnings == ["the find-links location /nowhere/wheels is skipped: No such file or directory"]


def part(name: str, *filenames: str, url: str) -> Project:
    """Return a project of one source."""
    entries = [
        {
            "filename": filename,
            "url": f"{url}/{filename}",
            "hashes": {"sha256": hashlib.sha256(f"{url}{filename}".encode()).hexdigest()},
        }
        for filename in filenames
    ]
    project = FileSet(entries, url + "/").project(name, url, url)
    assert project is not None
    return project


def test_sources_are_merged_release_by_release() -> None:
    """All releases, all files, those of the first source first; each release names its index."""
    first = part("app", "app-1.0-py3-none-any.whl", "app-2.0.tar.gz", url="https://one.example")
    second = part("app", "app-2.0-py3-none-any.whl", "app-2.0.tar.gz", "app-3.0.zip", url="https://two.example")
    merged = MergedProject([first, second])

    assert merged.view.versions == ["1.0", "2.0", "3.0"]
    assert [file.url for file in files(merged, 1)] == [
        "https://one.example/app-2.0.tar.gz", "https://two.example/app-2.0-py3-none-any.whl", "https://two.example/app-2.0.tar.gz",
    ]  # fmt: skip
    assert [merged.index_of(release) for release in range(3)] == [
        "https://one.example",
        "https://one.example",
        "https://two.example",
    ]
    assert sorted(merged.view.file_kinds[number].tags for number in merged.view.kind_set_of(1)) == [
        "py3-none-any",
        "sdist",
    ]


def test_equal_files_of_two_sources_are_listed_once() -> None:
    """Same name, same hash."""
    entry = {"filename": "app-1.0.zip", "hashes": {"sha256": "ab"}}
    parts = [
        FileSet([{**entry, "url": f"https://{host}/app-1.0.zip"}], f"https://{host}/").project("app", host, host)
        for host in ("a", "b")
    ]
    merged = MergedProject([project for project in parts if project is not None])

    assert [file.url for file in files(merged, 0)] == ["https://a/app-1.0.zip"]


def test_dependencies_of_a_merged_project_go_back_to_its_parts() -> None:
    """So that they are stored whatever index strategy the next run uses."""
    first = part("app", "app-1.0-py3-none-any.whl", url="https://one.example")
    second = part("app", "app-2.0-py3-none-any.whl", url="https://two.example")
    merged = MergedProject([first, second])
    merged.view.learn(1, 0, DependencySet(["lib"]))
    merged.changed = True

    merged.parts()

    dependencies = second.view.dependency_set(0, 0)
    assert dependencies is not None
    assert dependencies.lines == ("lib",)
    assert first.view.dependency_set(0, 0) is None


@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        ((), 200, b"0123456789"),
        ((("Range", "bytes=2-4"),), 206, b"234"),
        ((("Range", "bytes=-3"),), 206, b"789"),
        ((("Range", "bytes=8-99"),), 206, b"89"),
    ],
)
def test_a_file_answers_like_a_server(
    tmp_path: Path, headers: tuple[tuple[str, str], ...], status: int, body: bytes
) -> None:
    """Whole, or the range that was asked for."""
    (tmp_path / "a b.whl").write_bytes(b"0123456789")
    exchange = answer(Request(url_of(str(tmp_path / "a b.whl")), headers))

    assert (exchange.status, exchange.body, exchange.problem) == (status, body, None)


def test_a_file_that_is_gone_or_too_large_is_a_value(tmp_path: Path) -> None:
    """Nothing is raised."""
    (tmp_path / "x").write_bytes(b"0123456789")

    assert answer(Request((tmp_path / "y").as_uri())).status == 404
    assert "larger than 5" in (answer(Request((tmp_path / "x").as_uri(), limit=5)).problem or "")


def test_a_hash_follows_the_file(tmp_path: Path) -> None:
    """A file that is built again has another."""
    path = tmp_path / "x"
    path.write_bytes(b"one")
    first = sha256_of(str(path))
    path.write_bytes(b"other")

    assert (first, sha256_of(str(path))) == (hashlib.sha256(b"one").hexdigest(), hashlib.sha256(b"other").hexdigest())
    assert path_of(url_of(str(path))) == str(path)
    assert json.dumps(first)


def test_a_folder_that_changes_is_read_again(tmp_path: Path) -> None:
    """A server sees what is put into a folder later, and what is taken out; a folder that comes to be is read too."""
    sources = LocalSources([str(tmp_path / "wheels")], lambda _: None)
    assert sources.linked("app") == []

    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "app-1.0-py3-none-any.whl").write_bytes(b"")
    assert [project.view.versions for project in sources.linked("app")] == [["1.0"]]
    (tmp_path / "wheels" / "app-2.0-py3-none-any.whl").write_bytes(b"")
    (tmp_path / "wheels" / "app-1.0-py3-none-any.whl").unlink()
    os.utime(tmp_path / "wheels", (1, 1))  # whatever the clock's resolution

    assert [project.view.versions for project in sources.linked("app")] == [["2.0"]]
