"""Project pages of every kind, read into one listing."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from mirror.errors import Malformed
from mirror.records.model import DistFile
from mirror.records.simple_parse import Listing, ParsedFile, parse_file, parse_files, parse_listing
from tests.support.demo_index import demo_projects
from tests.support.dists import wheel
from tests.support.index_pages import HTML_ONLY, JSON_TYPE, MODERN, Flavour, project_html, project_json

URL = "https://index.example/simple/six/"
FILES = "https://files.example/six/"
SIX = wheel("six", "1.0", requires_python=">=3.8,<4")


def page(*files: object, **changes: object) -> bytes:
    """Return a JSON page; a change of None leaves that part out."""
    whole = {"meta": {"api-version": "1.1"}, "name": "six", "files": list(files), "versions": ["1.0"], **changes}
    return json.dumps({key: value for key, value in whole.items() if value is not None}).encode()


def entry(**changes: object) -> dict[str, Any]:
    """Return a file object; names of changes are written with underscores."""
    whole = {"filename": "six-1.0.tar.gz", "url": FILES + "six-1.0.tar.gz", "hashes": {"sha256": "ab"}}
    return whole | {name.replace("_", "-"): value for name, value in changes.items()}


def parse(body: bytes, content_type: str | None = JSON_TYPE) -> Listing:
    """Parse a page that came from ``URL``."""
    return parse_listing(body, content_type, URL)


def test_a_json_page_becomes_a_listing() -> None:
    """Files in page order: the fields that classify a release are decoded, the rest is raw JSON."""
    body = page(
        entry(requires_python=">=3.8", upload_time="2024-01-01T00:00:00Z", size=10, yanked="bad", core_metadata=True),
        entry(filename="six-2.0.tar.gz"),
    )
    listing = parse(body)

    assert listing._replace(files=[], raws=[]) == Listing("six", [], [], ("1.0",), api="1.1")
    assert listing.files == [
        ParsedFile("six-1.0.tar.gz", ">=3.8", "2024-01-01T00:00:00Z", "bad"),
        ParsedFile("six-2.0.tar.gz"),
    ]
    assert [json.loads(bytes(raw))["filename"] for raw in listing.raws] == ["six-1.0.tar.gz", "six-2.0.tar.gz"]


@pytest.mark.parametrize("name", sorted(demo_projects()))
@pytest.mark.parametrize(
    "flavour", [MODERN, MODERN._replace(sidecar_hash=False), MODERN._replace(statuses={"lib": "archived"})]
)
def test_html_says_what_json_says(name: str, flavour: Flavour) -> None:
    """Both forms give the same files; HTML has no sizes, upload times or versions."""
    dists = demo_projects()[name]
    flavour = flavour._replace(api="1.0")
    from_json = parse(project_json(name, dists, flavour, FILES))
    from_html = parse(project_html(name, dists, flavour, FILES), "text/html")

    assert from_html.files == [
        ParsedFile(file.filename, file.requires_python, yanked=file.yanked) for file in from_json.files
    ]
    assert parse_files(from_html.raws, URL) == parse_files(from_json.raws, URL)
    assert (from_html.api, from_html.status, from_html.skipped) == (from_json.api, from_json.status, 0)


@pytest.mark.parametrize(
    "flavour", [MODERN._replace(relative_urls=True), HTML_ONLY._replace(base_href=True), HTML_ONLY]
)
def test_every_way_of_linking_ends_in_absolute_urls(flavour: Flavour) -> None:
    """Relative to the page, relative to its base, absolute."""
    if flavour.json:
        listing = parse(project_json("six", [SIX], flavour, "../../files/six/"))
    else:
        listing = parse(project_html("six", [SIX], flavour, "https://index.example/files/six/"), "text/html")

    assert parse_file(listing.raws[0], URL).url == f"https://index.example/files/six/{SIX.filename}"


@pytest.mark.parametrize("key", ["core-metadata", "dist-info-metadata", "data-dist-info-metadata"])
@pytest.mark.parametrize(
    ("value", "record"),
    [(True, True), ({"sha256": "AB" * 32}, f"sha256={'ab' * 32}"), ({}, True), (False, False), (None, False)],
)
def test_each_name_of_sidecars_is_read(key: str, value: object, record: object) -> None:
    """The names of PEP 658 and PEP 714."""
    listing = parse(page(entry(**{key: value})))

    assert parse_file(listing.raws[0], URL).core_metadata == record


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("requires_python", 3),
        ("upload_time", ["2024"]),
        ("yanked", {"why": "?"}),
    ],
)
def test_a_value_of_a_wrong_type_is_read_as_absent(field: str, value: object) -> None:
    """A wrong value does not drop its file or its page."""
    listing = parse(page(entry(**{field: value}), entry(filename="six-2.0.tar.gz")))

    assert listing.files == [ParsedFile("six-1.0.tar.gz"), ParsedFile("six-2.0.tar.gz")]
    assert (listing.skipped, listing.repaired, len(listing.raws)) == (0, 1, 2)
    parse_files(listing.raws, URL)


@pytest.mark.parametrize(
    "bad",
    [
        "six-1.0.tar.gz",
        {"url": FILES},
        {"filename": None, "url": FILES},
        entry(filename="../six-1.0.tar.gz"),
        entry(filename="a\\six-1.0.tar.gz"),
        entry(filename="six-1.0\n.tar.gz"),
        None,
    ],
)
def test_an_entry_that_cannot_be_used_is_left_out_and_counted(bad: object) -> None:
    """Files and raw objects stay aligned."""
    listing = parse(page(bad, entry()))

    assert [file.filename for file in listing.files] == ["six-1.0.tar.gz"]
    assert [json.loads(bytes(raw)) for raw in listing.raws] == [entry()]
    assert listing.skipped == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"versions": "1.0"}, {"versions": ()}),
        ({"versions": ["1.0", 2]}, {"versions": ("1.0",)}),
        ({"name": 5}, {"name": ""}),
        ({"meta": None}, {"api": "1.0"}),
        ({"meta": []}, {"api": "1.0"}),
        (
            {"project-status": {"status": "archived", "reason": "moved"}},
            {"status": "archived", "status_reason": "moved"},
        ),
        ({"project-status": "archived"}, {"status": "archived"}),
        ({"project-status": 1}, {"status": "active"}),
    ],
)
def test_the_rest_of_the_page_is_read_as_far_as_it_goes(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    """PEP 700 versions, PEP 792 status, PEP 629 version."""
    listing = parse(page(entry(), **changes))

    assert {field: getattr(listing, field) for field in expected} == expected
    assert len(listing.files) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "neither JSON nor HTML"),
        (b"\x1f\x8b\x08", "neither JSON nor HTML"),
        (b"not found", "neither JSON nor HTML"),
        (b"[]", "neither JSON nor HTML"),
        (b"{", "not JSON"),
        (b'{"files": [}', "not JSON"),
        (b'{"info": {}, "releases": {}}', "no list of files"),
        (b'{"files": {}}', "no list of files"),
        (page(meta={"api-version": "2.0"}), "version 2.0"),
        (b'<html><meta name="pypi:repository-version" content="2.0"></html>', "version 2.0"),
        (b'<html><form action="/login"><a href="/help.html">help</a></form></html>', "sign-in page"),
    ],
)
def test_what_is_no_project_page_is_refused_with_a_reason(body: bytes, message: str) -> None:
    """The sentence names the page."""
    with pytest.raises(Malformed, match=message) as caught:
        parse(body, "text/plain")

    assert str(caught.value).startswith(URL)


@pytest.mark.parametrize("content_type", [None, "", "text/html", "application/json", "text/plain; charset=nonsense"])
def test_a_mislabelled_page_is_read_for_what_it_is(content_type: str | None) -> None:
    """The body decides."""
    assert len(parse(page(entry()), content_type).files) == 1
    assert len(parse(b"\n <a href='six-1.0.tar.gz'>x</a>", content_type).files) == 1
    assert len(parse(b"\xef\xbb\xbf" + page(entry()), content_type).files) == 1


def test_links_below_plain_text_are_a_page_if_the_content_type_is_html() -> None:
    """Some hand-written indexes begin with a headline; a plain message without a link is not a page."""
    assert len(parse(b"Index of six\n<a href='six-1.0.tar.gz'>x</a>", "text/html").files) == 1
    with pytest.raises(Malformed, match="neither JSON nor HTML"):
        parse(b"the index is being repaired", "text/html")


def test_the_charset_of_html_is_honoured() -> None:
    """Yank reasons are written in many languages."""
    body = "<a href='six-1.0.tar.gz' data-yanked='käse'>x</a>".encode("latin-1")

    assert parse(body, "text/html; charset=ISO-8859-1").files[0].yanked == "käse"


def test_a_file_object_is_decoded_whole() -> None:
    """Hashes are sorted and in lower case, the URL is absolute and bare."""
    raw = json.dumps(
        entry(
            url=f"six-1.0.tar.gz#sha512={'CD' * 64}", hashes={"sha256": "AB" * 32, "MD5": "EF" * 16}, size=7, yanked=True,
            upload_time="2024-01-01T00:00:00Z", requires_python=">=3.8",
        )
    ).encode()  # fmt: skip

    assert parse_file(raw, URL) == DistFile(
        "six-1.0.tar.gz",
        URL + "six-1.0.tar.gz",
        (("md5", "ef" * 16), ("sha256", "ab" * 32), ("sha512", "cd" * 64)),
        7,
        "2024-01-01T00:00:00Z",
        ">=3.8",
        "",
        core_metadata=False,
    )


@pytest.mark.parametrize(("value", "record"), [(True, ""), (False, None), ("", None), ("why", "why"), (None, None)])
def test_yanked_is_a_reason_or_none(value: object, record: str | None) -> None:
    """PEP 691: truthy means yanked."""
    assert parse_file(json.dumps(entry(yanked=value)).encode(), URL).yanked == record


@pytest.mark.parametrize(
    ("url", "record"),
    [
        ("https://me:secret@files.example/six.whl", "https://files.example/six.whl"),
        ("https://files.example/@scope/six.whl", "https://files.example/@scope/six.whl"),
        ("//files.example/six.whl", "https://files.example/six.whl"),
        ("/files/six.whl", "https://index.example/files/six.whl"),
        ("https://files.example/six.whl?build=1#egg=six", "https://files.example/six.whl?build=1"),
        ("https://files.example/six.whl?token=1#egg=six", "https://files.example/six.whl"),
        ("https://files.example/six.whl?Expires=9&Signature=a%2Fb&Key-Pair-Id=K", "https://files.example/six.whl"),
        ("https://files.example/six.whl?se=2026&sig=a", "https://files.example/six.whl"),
    ],
)
def test_urls_are_absolute_and_hold_no_credentials(url: str, record: str) -> None:
    """Stored URLs are written into locks."""
    assert parse_file(json.dumps(entry(url=url)).encode(), URL).url == record


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://files.example/six.whl", "data:,x"])
def test_a_url_that_cannot_be_fetched_is_refused(url: str) -> None:
    """Only the web and files."""
    with pytest.raises(Malformed, match="no web or file address"):
        parse_file(json.dumps(entry(url=url)).encode(), URL)


@pytest.mark.parametrize("raw", [b"{", b"5", b"{}", b'{"filename": "x"}', b'{"filename": "x", "url": 5}'])
def test_a_raw_object_that_is_not_valid_is_refused(raw: bytes) -> None:
    """A damaged record is an error."""
    with pytest.raises(Malformed):
        parse_file(raw, URL)


def test_bytes_that_are_not_utf_8_replace_a_letter_not_the_page() -> None:
    """For example a yank reason in Latin-1."""
    body = page(entry(yanked="k@se"), entry(filename="six-2.0.tar.gz")).replace(b"@", b"\xe4")

    assert [file.yanked for file in parse(body).files] == ["k\ufffdse", False]


@pytest.mark.parametrize("seed", range(3))
def test_damage_is_either_read_around_or_refused(seed: int) -> None:
    """The parser raises nothing but ``Malformed``, and files and raw objects stay aligned."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    pages = [
        render(name, dists, MODERN, FILES)
        for name, dists in demo_projects().items()
        for render in (project_json, project_html)
    ]
    outcomes = {"read": 0, "refused": 0}
    for _ in range(500):
        body = bytearray(random.choice(pages))
        for _ in range(random.randint(1, 4)):
            offset = random.randrange(len(body))
            body[offset : offset + random.choice((0, 1, 20))] = random.choice(
                (b"", b"\xff", b"null", b'"', b"[1]", b"<a ", b"\\ud800")
            )
        try:
            listing = parse(bytes(body))
        except Malformed:
            outcomes["refused"] += 1
        else:
            outcomes["read"] += 1
            assert len(listing.files) == len(listing.raws)

    assert min(outcomes.values()) > 50
