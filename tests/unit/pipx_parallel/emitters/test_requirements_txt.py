"""Hashed requirements: what plain pip reads, with notes, without secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from mirror.errors import NotFound
from mirror.records.model import FetchFailure
from pipx_parallel.emitters import requirements_txt
from pipx_parallel.model import IndexOptions, Resolution
from tests.support.goldens import assert_golden
from tests.support.resolutions import context, digest, pin, resolution, root, sdist, target, web_resolution, wheel

COMMIT = "b" * 40


def lines(*resolutions: Resolution, options: IndexOptions | None = None, hashes: bool = True) -> list[str]:
    """Render and return the lines after the header."""
    ctx = context(options=options, hashes=hashes)
    text = requirements_txt.render("locked.txt", resolutions, ctx)[0].text
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_example_looks_as_agreed() -> None:
    """The whole text of one file."""
    ctx = context("pipx-parallel lock requirements.in -c limits.in -o locked.txt")

    assert_golden("locked.txt", requirements_txt.render("locked.txt", [web_resolution()], ctx)[0].text)


def test_hashes_are_those_of_all_files_of_the_release() -> None:
    """Another platform can install from the same file."""
    mine, other = wheel("a", "1", "cp311-cp311-linux_x86_64"), wheel("a", "1", "cp311-cp311-win_amd64")

    text = "\n".join(lines(resolution([pin("a", "1", mine, other, installable=(mine,))])))

    assert digest(mine.filename) in text
    assert digest(other.filename) in text


def test_weak_hashes_are_not_written() -> None:
    """Pip takes SHA-2 only; a line without is marked, because pip will refuse the file."""
    weak = wheel("a", "1", hashes=(("md5", "0" * 32),))

    assert lines(resolution([pin("a", "1", weak)])) == [
        "a==1",
        "    # NO HASH: pip refuses the whole file as long as other lines have one",
    ]


def test_without_hashes_only_pins_and_notes_are_left() -> None:
    """--no-hashes."""
    assert lines(resolution([pin("a", "1")], [root("a")]), hashes=False) == ["a==1", "    # via -r requirements.in"]


def test_settings_for_a_build_backend_stand_on_their_line() -> None:
    """Pip builds with them what was locked with them."""
    asked = root("a")._replace(config_settings=(("--global", "x y"), ("k", "v")))

    assert lines(resolution([pin("a", "1")], [asked]), hashes=False)[0] == (
        'a==1 --config-settings "--global=x y" --config-settings k=v'
    )


def test_who_asked_is_noted_in_the_words_of_the_source() -> None:
    """Files as -r, constraints as -c, projects and flags by name, then the packages."""
    roots = [
        root("a", source="b.in"),
        root("a>1", source="--packages"),
        root("a", source="pyproject.toml"),
    ]

    rendered = lines(resolution([pin("a", "1")], roots, [("z", "a", "a")]), hashes=False)

    assert rendered == [
        "a==1",
        "    # via",
        "    #   --packages",
        "    #   -r b.in",
        "    #   pyproject.toml",
        "    #   z",
    ]


def test_extras_that_were_asked_for_are_kept() -> None:
    """Those of roots and of other projects, normalised; what an extra adds of its own project comes with it."""
    resolved = resolution(
        [pin("a", "1"), pin("b", "1")], [root("a[x]")], [("a", "b", "b[Y_y,x] >=1"), ("a[x]", "a", "a[z]")]
    )

    assert lines(resolved, hashes=False)[0] == "a[x]==1"
    assert "b[x,y-y]==1" in lines(resolved, hashes=False)


def test_options_come_from_the_inputs_and_carry_no_credentials() -> None:
    """Where to look and what to take; words with spaces are quoted."""
    options = IndexOptions(
        index_url="https://me:secret@index.example/simple",
        extra_index_urls=("https://other.example/simple",),
        find_links=("my wheels",),
        trusted_hosts=("index.example",),
        only_binary=("a", "b"),
        no_binary=("c",),
    )

    assert lines(resolution([]), options=options) == [
        "--index-url https://index.example/simple",
        "--extra-index-url https://other.example/simple",
        '--find-links "my wheels"',
        "--trusted-host index.example",
        "--no-binary c",
        "--only-binary a,b",
    ]
    assert lines(resolution([]), options=options._replace(no_index=True))[:2] == [
        "--no-index",
        '--find-links "my wheels"',
    ]


@pytest.mark.parametrize(
    ("options", "written"),
    [
        (IndexOptions(only_binary=(":all:",), no_binary=("a",)), ["--only-binary :all:", "--no-binary a"]),
        (IndexOptions(no_binary=(":all:",), only_binary=("a",)), ["--no-binary :all:", "--only-binary a"]),
    ],
)
def test_exceptions_follow_the_rule(options: IndexOptions, written: list[str]) -> None:
    """To pip, ":all:" takes back whatever stands before it."""
    assert lines(resolution([]), options=options) == written


def test_direct_references_keep_their_url() -> None:
    """An archive with its hash, a commit and a folder without: no hash of these can exist."""
    resolved = resolution(
        [
            pin(
                "a", "1", url=f"https://x:y@files.index.example/a-1.zip#sha256={digest('a')}", files=(), installable=()
            ),
            pin("b", "1", url=f"git+https://host.example/b.git@{COMMIT}", files=(), installable=()),
            pin("c", "1", url="file:///work/c d", files=(), installable=()),
            pin("d", "1", url=f"git+file:///work/d@{COMMIT}#subdirectory=s", files=(), installable=()),
        ],
        [root("c @ file:///work/c d", editable=True)],
    )

    rendered = [line for line in lines(resolved) if not line.startswith("    # ")]

    assert rendered == [
        f"a @ https://files.index.example/a-1.zip#sha256={digest('a')} \\",
        f"    --hash=sha256:{digest('a')}",
        f"b @ git+https://host.example/b.git@{COMMIT}",
        "-e file:///work/c%20d",
        f"git+file:///work/d@{COMMIT}#subdirectory=s&egg=d",
    ]


def test_a_local_repository_with_an_extra_is_a_named_reference() -> None:
    """An ``#egg=`` with extras is refused by pip 26."""
    url = f"git+file:///work/d@{COMMIT}"
    resolved = resolution([pin("d", "1", url=url, files=(), installable=())], [root(f"d[x] @ {url}")])

    assert [line for line in lines(resolved) if not line.startswith("    # ")] == [f"d[x] @ {url}"]


def test_targets_that_differ_get_markers() -> None:
    """Each line applies to its own target."""
    first, second = resolution([pin("a", "1")]), resolution([pin("a", "2")], for_target=target("3.12"))

    rendered = lines(first, second, hashes=False)

    assert rendered == ['a==1 ; python_version < "3.12"', 'a==2 ; python_version >= "3.12"']
    assert all(Requirement(line) for line in rendered)


def test_what_is_missing_is_marked() -> None:
    """One comment line a project, whatever its message holds."""
    failure = FetchFailure("nope", "1.0", NotFound("gone\r\n--index-url http://evil.example"))

    text = requirements_txt.render("x", [resolution([], missing=[failure])], context())[0].text

    assert "# MISSING: nope 1.0: gone --index-url http://evil.example\n" in text


def test_what_is_missing_is_named_once() -> None:
    """Most errors begin with the project's name."""
    failure = FetchFailure("nope", None, NotFound("nope: no index has a project of this name"))

    text = requirements_txt.render("x", [resolution([], missing=[failure])], context())[0].text

    assert "# MISSING: nope: no index has a project of this name\n" in text


@given(st.text(), st.text(), st.text(), st.text())
def test_no_text_starts_a_line_of_its_own(command: str, source: str, problem: str, url: str) -> None:
    """Whatever an index, a file name or a command holds, each line is one of ours."""
    resolved = resolution(
        [pin("a", "1", sdist("a", "1")), pin("b", "1", url=url or "x", files=(), installable=())],
        [root("a", source=source)],
        missing=[FetchFailure("c", None, NotFound(problem))],
    )

    text = requirements_txt.render("x", [resolved], context(command))[0].text

    starts = ("#", "a==1 \\", "    --hash=sha256:", "    # ", "b @ ")
    assert all(line.startswith(starts) for line in text.splitlines() if line)
    assert "${" not in "".join(line for line in text.splitlines() if line.startswith("b @"))
