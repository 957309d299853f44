"""HTML as indexes write it."""

from __future__ import annotations

import time

import pytest

from mirror.errors import Malformed
from mirror.records.simple_html import read_html

URL = "https://index.example/simple/six/"


def files(text: str) -> list[tuple[str, str]]:
    """Return (file name, URL) of every file of a page."""
    return [(entry["filename"], entry["url"]) for entry in read_html(text, URL).files]


def only(text: str) -> dict[str, object]:
    """Return the one file object of a page."""
    (entry,) = read_html(text, URL).files
    return entry


@pytest.mark.parametrize(
    "text",
    [
        '<a href="a-1.whl">a-1.whl</a>',
        "<a href='a-1.whl'>x</a>",
        "<a href=a-1.whl>x</a>",
        "<A HREF = 'a-1.whl' >x</A>",
        "<a\n  rel=internal\n  href='a-1.whl'\n>x</a>",
        "<a href='a-1.whl' title='5 > 4'>x</a>",
        '<a data-requires-python=">=3" href="a-1.whl">x',
        "<a href='a-1.whl' href='b-2.whl'>x</a>",
        "<!-- <a href='b-2.whl'> --><a href='a-1.whl'>x</a>",
        "<script>'<a href=b-2.whl>'</script><a href='a-1.whl'>x</a>",
        "<style>/* <a href=b-2.whl> */</style><a href='a-1.whl'>x</a>",
        "<abbr href='b-2.whl'></abbr><a href='a-1.whl'>x</a>",
        "<a name='top'><a href=''><a href='a-1.whl'>x</a>",
    ],
)
def test_links_are_found_however_they_are_written(text: str) -> None:
    """Quotes, case, white space, comments, scripts and empty anchors."""
    assert files(text) == [("a-1.whl", URL + "a-1.whl")]


@pytest.mark.parametrize(
    ("href", "filename", "url"),
    [
        ("../../files/a%2Bb-1.whl", "a+b-1.whl", "https://index.example/files/a%2Bb-1.whl"),
        ("https://files.example/a-1.whl?x=1&amp;y=2", "a-1.whl", "https://files.example/a-1.whl?x=1&y=2"),
        ("//files.example/a-1.whl", "a-1.whl", "https://files.example/a-1.whl"),
        ("file:///srv/a-1.whl", "a-1.whl", "file:///srv/a-1.whl"),
    ],
)
def test_urls_are_joined_and_names_unquoted(href: str, filename: str, url: str) -> None:
    """The end of the path is the file's name."""
    assert files(f'<a href="{href}">decorated text</a>') == [(filename, url)]


def test_links_that_lead_to_no_file_are_counted() -> None:
    """Folders, sort links of listings, mail."""
    page = read_html('<a href="../">up</a><a href="?C=N">sort</a><a href="mailto:a@b">mail</a>', URL)

    assert (page.files, page.skipped) == ([], 3)


def test_the_first_base_counts() -> None:
    """HTML allows one."""
    text = '<base href="/a/"><base href="/b/"><a href="a-1.whl">x</a>'

    assert files(text) == [("a-1.whl", "https://index.example/a/a-1.whl")]


@pytest.mark.parametrize(
    ("attributes", "key", "value"),
    [
        ('data-requires-python="&gt;=3.8,&lt;4"', "requires-python", ">=3.8,<4"),
        ("data-requires-python='>=3.8'", "requires-python", ">=3.8"),
        ("data-yanked", "yanked", True),
        ('data-yanked=""', "yanked", True),
        ('data-yanked="it&#39;s bad"', "yanked", "it's bad"),
        ('data-core-metadata="sha256=AB"', "core-metadata", {"sha256": "ab"}),
        ('data-dist-info-metadata="sha256=ab"', "core-metadata", {"sha256": "ab"}),
        ('data-core-metadata="true" data-dist-info-metadata="sha256=ab"', "core-metadata", True),
        ("data-core-metadata", "core-metadata", True),
        ('data-core-metadata="false"', "core-metadata", False),
    ],
)
def test_attributes_become_json_keys(attributes: str, key: str, value: object) -> None:
    """PEP 503, 592, 658 and 714."""
    assert only(f'<a href="a-1.whl" {attributes}>x</a>')[key] == value


def test_a_missing_attribute_gives_no_key() -> None:
    """A link without attributes is an object without optional keys."""
    assert only('<a href="a-1.whl">x</a>') == {"filename": "a-1.whl", "url": URL + "a-1.whl", "hashes": {}}


@pytest.mark.parametrize(
    ("fragment", "hashes"),
    [
        ("#sha256=AB12", {"sha256": "ab12"}),
        ("#md5=ab&egg=six", {"md5": "ab"}),
        ("#egg=six", {}),
        ("#sha256=", {}),
        ("#top", {}),
        ("", {}),
    ],
)
def test_a_fragment_holds_the_hash(fragment: str, hashes: dict[str, str]) -> None:
    """PEP 503; the URL itself ends before it."""
    entry = only(f'<a href="a-1.whl{fragment}">x</a>')

    assert (entry["hashes"], entry["url"]) == (hashes, URL + "a-1.whl")


def test_meta_tags_tell_version_and_status() -> None:
    """PEP 629 and PEP 792."""
    text = """<META NAME="pypi:repository-version" CONTENT="1.3"><meta name="pypi:project-status" content="archived">
    <meta name="pypi:project-status-reason" content="moved"><meta charset="utf-8">"""

    assert read_html(text, URL)[1:] == ("1.3", "archived", "moved", 0)
    assert read_html("", URL)[1:] == ("1.0", "active", None, 0)


def test_a_search_form_on_a_page_of_files_is_ignored() -> None:
    """Only a form without any distribution is a sign-in page."""
    assert files('<form></form><a href="a-1.whl">x</a>')
    with pytest.raises(Malformed, match="sign-in"):
        read_html('<form></form><a href="help.html">x</a>', URL)


@pytest.mark.parametrize("text", ["<a " * 100_000, "<a '" * 100_000, "<!-- " * 50_000, "<a href=" + "'" * 99_999])
def test_a_hostile_page_takes_no_time(text: str) -> None:
    """The patterns cannot be made to backtrack."""
    started = time.thread_time()
    read_html(text, URL)

    assert time.thread_time() - started < 5.0  # CPU seconds; with backtracking it would be hours
