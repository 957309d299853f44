"""pylock.toml: accepted by the standard's reader, the same table back, hostile data included."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Environment, Marker
from packaging.pylock import Pylock

from mirror.errors import NotFound
from mirror.records.model import DistFile, FetchFailure
from pipx_parallel.emitters import pylock
from pipx_parallel.model import IndexOptions
from tests.support.goldens import assert_golden
from tests.support.resolutions import (
    context,
    digest,
    file,
    pin,
    resolution,
    root,
    sdist,
    target,
    web_resolution,
    wheel,
)

if TYPE_CHECKING:
    from pipx_parallel.emitters.interface import LockContext
    from pipx_parallel.model import Pin, Resolution

COMMIT = "a" * 40


def table(*resolutions: Resolution, ctx: LockContext | None = None) -> dict[str, Any]:
    """Render, parse, and prove that the standard's reader accepts the lock and gives the same table back."""
    (artifact,) = pylock.render("pylock.toml", resolutions, ctx or context())
    parsed = tomllib.loads(artifact.text)
    lock = Pylock.from_dict(parsed)
    lock.validate()
    assert lock.to_dict() == parsed
    return parsed


def package(locked: Pin, ctx: LockContext | None = None, roots: tuple[Any, ...] = ()) -> dict[str, Any]:
    """Return the one package table of a lock with that pin alone."""
    (only,) = table(resolution([locked], roots), ctx=ctx)["packages"]
    return dict(only)


def test_the_example_looks_as_agreed() -> None:
    """The whole text of one lock, and it is valid."""
    assert_golden("pylock.toml", pylock.render("pylock.toml", [web_resolution()], context())[0].text)
    table(web_resolution())


def test_the_same_resolution_gives_the_same_text() -> None:
    """Nothing of time, machine or hash seed is in it."""
    program = (
        "from tests.support.resolutions import *; from pipx_parallel.emitters import pylock;"
        "print(pylock.render('x', [web_resolution()], context())[0].text)"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(runs) == 1


def test_only_what_the_target_may_install_and_the_source_archive_are_named() -> None:
    """Wheels for other machines are no business of this lock."""
    mine = wheel("numpy", "2.0", "cp311-cp311-manylinux_2_17_x86_64")
    other = wheel("numpy", "2.0", "cp311-cp311-win_amd64")
    source = sdist("numpy", "2.0")

    entry = package(pin("numpy", "2.0", mine, other, source, installable=(mine,)))

    assert [file["url"].rpartition("/")[2] for file in entry["wheels"]] == [mine.filename]
    assert entry["sdist"]["url"] == source.url


def test_no_source_archive_where_only_wheels_are_allowed() -> None:
    """--only-binary holds for the lock as well."""
    ctx = context(options=IndexOptions(only_binary=("a",)))

    assert "sdist" not in package(pin("a", "1"), ctx)


def test_an_exception_keeps_its_source_archive() -> None:
    """--only-binary :all: with --no-binary a: without the archive there would be nothing to install."""
    ctx = context(options=IndexOptions(only_binary=(":all:",), no_binary=("a",)))
    source = sdist("a", "1")

    assert package(pin("a", "1", source, installable=(source,)), ctx)["sdist"]["url"] == source.url


@pytest.mark.parametrize("filename", ["a-1.tar.bz2", "a-1.0-src.tar.gz", "b-1.tar.gz", "a-2.tar.gz", "a-nonsense.zip"])
def test_a_source_archive_whose_name_says_something_else_is_left_out(filename: str) -> None:
    """One such name would make every reader refuse the whole lock."""
    assert "sdist" not in package(pin("a", "1", wheel("a", "1"), file(filename)))


@pytest.mark.parametrize("filename", ["a-1.tar.gz", "A-1.0.0.zip", "a-v1.tar.gz", "a-1.0.0.0.tar.gz"])
def test_a_source_archive_may_spell_name_and_version_in_another_way(filename: str) -> None:
    """PEP 440 and PEP 503 decide what is equal."""
    assert "sdist" in package(pin("a", "1", wheel("a", "1"), file(filename)))


def test_a_file_without_a_hash_is_not_locked_and_a_project_without_files_is_named() -> None:
    """A lock that cannot be checked is refused; nothing is dropped silently."""
    bare = resolution(
        [pin("a", "1", wheel("a", "1", hashes=())), pin("b", "1", wheel("b", "1"), sdist("b", "1", hashes=()))]
    )
    text = pylock.render("pylock.toml", [bare], context())[0].text

    assert "# MISSING: a 1: no hash is known, nothing fixes its content" in text
    (only,) = table(bare)["packages"]
    assert (only["name"], "sdist" in only) == ("b", False)


def test_what_is_missing_is_marked() -> None:
    """A comment for the reader, a table for programs; line ends in the message stay inside the line."""
    failure = FetchFailure("nope", None, NotFound("no index has nope\n[[packages]]\nname='x'"))
    resolved = resolution([pin("a", "1")], missing=[failure])

    text = pylock.render("pylock.toml", [resolved], context())[0].text

    assert "\n# MISSING: nope: no index has nope [[packages]] name='x'\n" in text
    assert table(resolved)["tool"]["pipx-parallel"]["missing"][0]["name"] == "nope"
    assert len(table(resolved)["packages"]) == 1


def test_an_empty_lock_is_a_lock() -> None:
    """PEP 751 requires the packages key."""
    assert table(resolution([]))["packages"] == []


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (">=3.9", ">=3.9"),
        (">= 3.8 , <4", "<4,>=3.8"),
        (">=2.7,!=3.0.*,!=3.1.*", "!=3.0.*,!=3.1.*,>=2.7"),
        ("~=3.8", "~=3.8"),
        (">=3.8.0a1", ">=3.8.0a1"),
        (">=3.7,", ">=3.7"),
        (">= '2.7'", None),
        (">=3.6.*", None),
        ("~=3", None),
        ("3.9", None),
        (">=3.9\nx", None),
        (">=٣", None),
        (",", None),
        ("", None),
    ],
)
def test_requires_python_is_canonical_or_absent(written: str, expected: str | None) -> None:
    """Indexes serve malformed ones; one of them would make the lock unreadable."""
    assert package(pin("a", "1", requires_python=written)).get("requires-python") == expected


@pytest.mark.parametrize(
    ("written", "selected"),
    [
        ("2026-01-02T03:04:05Z", True),
        ("2026-01-02T03:04:05.1Z", True),
        ("2024-02-29T23:59:59.123456Z", True),
        ("2025-02-29T23:59:59Z", False),
        ("2026-13-02T03:04:05Z", False),
        ("2026-00-02T03:04:05Z", False),
        ("2026-01-02T24:04:05Z", False),
        ("2026-01-02T03:04:60Z", False),
        ("0000-01-02T03:04:05Z", False),
        ("2026-01-02T03:04:05.1234567Z", False),
        ("2026-01-02T03:04:05.Z", False),
        ("2026-01-02T03:04:05Z\nx = 1", False),
        ("2026-01-02", False),
        ("٢٠٢٦-01-02T03:04:05Z", False),
        ("", False),
    ],
)
def test_an_upload_time_is_a_moment_or_absent(written: str, selected: bool) -> None:
    """TOML has date-times; a wrong one would make the lock unreadable."""
    assert ("upload-time" in package(pin("a", "1", wheel("a", "1", upload_time=written)))["wheels"][0]) is selected


def test_the_file_name_is_given_where_the_url_does_not_end_in_it() -> None:
    """PEP 751: name is needed where the last part of the URL is another."""
    for path in (
        "download?file=a-1",
        "download?file=/a-1-py3-none-any.whl",
        "a-1-py3-none-any.whl#x",
        "a%2D1-py3-none-any.whl",
    ):
        odd = wheel("a", "1")._replace(url=f"https://files.index.example/{path}")
        assert package(pin("a", "1", odd))["wheels"][0]["name"] == "a-1-py3-none-any.whl"

    assert "name" not in package(pin("a", "1"))["wheels"][0]


def test_credentials_are_nowhere_in_the_lock() -> None:
    """Index, file URLs, the command and the settings lose them."""
    secret = wheel("a", "1")._replace(url="https://user:hunter2@files.index.example/a-1-py3-none-any.whl")
    locked = pin("a", "1", secret, index="https://user:hunter2@index.example/simple")
    ctx = context("lock --index-url https://user:hunter2@index.example/simple", settings={"x": "http://u:hunter2@h/"})

    text = pylock.render("pylock.toml", [resolution([locked])], ctx)[0].text

    assert "hunter2" not in text
    assert "https://index.example/simple" in text


def test_an_archive_reference_is_locked_by_hash() -> None:
    """The hash comes from the file that was read, or from the URL's fragment."""
    url = f"https://files.index.example/a-1.zip#sha256={digest('a')}&subdirectory=sub"

    entry = package(pin("a", "1", url=url, files=(), installable=(), index=None))

    assert entry["archive"] == {
        "url": "https://files.index.example/a-1.zip",
        "hashes": {"sha256": digest("a")},
        "subdirectory": "sub",
    }
    assert entry["tool"] == {"pipx-parallel": {"version": "1"}}


def test_a_repository_is_locked_by_commit() -> None:
    """The branch that was asked for is kept beside it."""
    locked = pin(
        "a", "1", url=f"git+ssh://git@host.example/a.git@{COMMIT}#subdirectory=s", files=(), installable=(), index=None
    )
    asked = root("a @ git+ssh://git@host.example/a.git@main#subdirectory=s")

    entry = package(locked, roots=(asked,))

    assert entry["vcs"] == {
        "type": "git",
        "url": "ssh://git@host.example/a.git",
        "requested-revision": "main",
        "commit-id": COMMIT,
        "subdirectory": "s",
    }
    assert "version" not in entry


def test_a_repository_without_a_commit_is_not_locked() -> None:
    """A branch moves: nothing fixes the content."""
    locked = pin("a", "1", url="git+https://host.example/a.git@main", files=(), installable=(), index=None)

    assert table(resolution([locked]))["packages"] == []


def test_a_folder_is_locked_by_path() -> None:
    """Percent-encoding of the URL is undone; an editable one stays editable."""
    locked = pin("a", "1", url="file:///work/my%20app", files=(), installable=(), index=None)

    entry = package(locked, roots=(root("a @ file:///work/my%20app", editable=True),))

    assert entry["directory"] == {"path": "/work/my app", "editable": True}


def test_targets_that_agree_share_one_entry_without_a_marker() -> None:
    """The union of their wheels, and both environments."""
    linux = wheel("a", "1", "cp311-cp311-manylinux_2_17_x86_64")
    windows = wheel("a", "1", "cp311-cp311-win_amd64")
    every = (linux, windows)
    first = resolution([pin("a", "1", files=every, installable=(linux,))])
    second = resolution(
        [pin("a", "1", files=every, installable=(windows,))], for_target=target(platform="win32", machine="AMD64")
    )

    lock = table(first, second)

    assert len(lock["environments"]) == 2
    (only,) = lock["packages"]
    assert "marker" not in only
    assert len(only["wheels"]) == 2


def test_targets_that_differ_select_by_marker() -> None:
    """In each target, exactly its own pin is selected; a third version shares with nobody."""
    targets = [target(), target("3.12"), target(platform="win32", machine="AMD64")]
    resolutions = [
        resolution([pin("a", "1"), pin("shared", "5")], for_target=targets[0]),
        resolution([pin("a", "2"), pin("shared", "5")], for_target=targets[1]),
        resolution([pin("a", "1"), pin("colorama", "1"), pin("shared", "5")], for_target=targets[2]),
    ]

    lock = table(*resolutions)

    for resolved in resolutions:
        chosen = [
            (entry["name"], entry["version"])
            for entry in lock["packages"]
            if "marker" not in entry or Marker(entry["marker"]).evaluate(dict(resolved.target.markers))
        ]
        assert chosen == [(expected.name, expected.version) for expected in resolved.pins]
        selected = Pylock.from_dict(lock).select(environment=cast("Environment", resolved.target.markers))
        assert [entry.name for entry, _ in selected] == [expected.name for expected in resolved.pins]


def test_several_targets_look_as_agreed() -> None:
    """The whole text of a lock for two machines."""
    windows = resolution(
        [pin("click", "8.1"), pin("colorama", "0.4")], for_target=target(platform="win32", machine="AMD64")
    )
    linux = resolution([pin("click", "8.1")])

    assert_golden("pylock.two-targets.toml", pylock.render("pylock.toml", [linux, windows], context())[0].text)


def test_rendering_imports_neither_packaging_nor_a_toml_library() -> None:
    """Each costs more than the rendering of 171 packages."""
    program = (
        "import sys; before = set(sys.modules);"  # an editable install brings urllib along
        "from tests.support.resolutions import *; from pipx_parallel.emitters import pylock;"
        "pylock.render('x', [web_resolution()], context()); new = sys.modules.keys() - before;"
        "print([m for m in new if m.split('.')[0] in ('packaging', 'tomli_w', 'tomllib', 'urllib')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout.strip() == "[]"


@given(
    url=st.text(),
    reason=st.text(),
    requirement=st.text(),
    source=st.text(),
    command=st.text(),
    requires_python=st.text(),
    uploaded=st.text(),
    settings=st.dictionaries(st.text(), st.text(), max_size=2),
)
def test_no_text_breaks_the_lock(  # noqa: D103 - the name says it
    url: str,
    reason: str,
    requirement: str,
    source: str,
    command: str,
    requires_python: str,
    uploaded: str,
    settings: dict[str, str],
) -> None:
    hostile = DistFile("a-1-py3-none-any.whl", url or "x", (("sha256", digest("a")),), 1, uploaded)
    asked = root("a", source=source)._replace(text=requirement)
    resolved = resolution(
        [pin("a", "1", hostile, requires_python=requires_python, index=url or None)],
        [asked],
        missing=[FetchFailure("b", reason, NotFound(reason))],
    )

    lock = table(resolved, ctx=context(command, settings=settings))

    assert len(lock["packages"]) == 1
