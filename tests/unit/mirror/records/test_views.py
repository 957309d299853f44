"""Release views and file views: late classification gives the same result, stored views are read back, metadata is carried over."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirror.errors import Malformed, Offline
from mirror.records.dependency_sets import DependencySet
from mirror.records.file_view import digest_of, is_sound, is_whole, pack, read_all, read_slice, release_count
from mirror.records.freshness import FreshnessRecord
from mirror.records.listing_views import build_views, epoch_seconds
from mirror.records.model import FileKind
from mirror.records.project import Project
from mirror.records.release_view import HEAD, Absence, ReleaseView, decode, encode, encode_absence
from mirror.records.simple_parse import parse_listing

FRESH = FreshnessRecord(1000.0, 600.0, '"etag"', None)
URL = "http://index.example/simple/pkg/"
TAGS = ("py3-none-any", "cp311-cp311-win_amd64", "sdist")
PYTHONS = (None, ">=3.8", ">= '2.7'")
quick = settings(max_examples=60, deadline=None)


class PageFile(NamedTuple):
    """One file of a page."""

    version: str
    tags: str = TAGS[0]
    requires_python: str | None = None
    yanked: bool | str = False
    upload_time: str | None = None

    def entry(self) -> dict[str, Any]:
        """Return the PEP 691 file object."""
        stem = f"pkg-{self.version}"
        filename = f"{stem}.tar.gz" if self.tags == "sdist" else f"{stem}-{self.tags}.whl"
        entry: dict[str, Any] = {"filename": filename, "url": filename, "hashes": {"sha256": "0" * 64}}
        return entry | {
            "requires-python": self.requires_python, "yanked": self.yanked, "upload-time": self.upload_time,
        }  # fmt: skip


class PageViews(NamedTuple):
    """The views of a page."""

    view: ReleaseView
    files: bytes

    def project(self) -> Project:
        """Return the project as it is read from a store."""
        view = decode(encode(self.view))
        assert isinstance(view, ReleaseView)
        return Project(view, "id", "http://index.example/simple", URL, load=lambda: self.files)


def page_views(files: Sequence[PageFile]) -> PageViews:
    """Return the views of a page with these files."""
    page = json.dumps({"meta": {"api-version": "1.1"}, "name": "pkg", "files": [file.entry() for file in files]})
    listing = parse_listing(page.encode(), None, URL)
    view, positions = build_views(listing, "pkg", FRESH)
    packed = pack([[bytes(listing.raws[position]) for position in row] for row in positions])
    view.digest = digest_of(packed)
    return PageViews(view, packed)


def facts_of(view: ReleaseView) -> dict[str, tuple[set[FileKind], tuple[int, int]]]:
    """Return the file kinds and upload times of each release of a completely classified view."""
    return {
        version: ({view.file_kinds[number] for number in view.kind_set_of(release)}, view.uploads(release))
        for release, version in enumerate(view.versions)
    }


def row(lines: Sequence[str]) -> DependencySet:
    """Return a dependency set."""
    return DependencySet(lines)


files = st.builds(
    PageFile,
    version=st.integers(0, 30).map(lambda number: f"{number}.0")
    | st.sampled_from(["1.0rc1", "2", "1.0.0", "3.0.post1"]),
    tags=st.sampled_from(TAGS),
    requires_python=st.sampled_from(PYTHONS),
    yanked=st.sampled_from([False, True, "broken"]),
    upload_time=st.sampled_from([None, "2024-01-01T00:00:00Z", "2025-06-01T12:30:00.5Z"]),
)
pages = st.lists(files, max_size=60)


@quick
@given(pages, st.lists(st.integers(0, 40), max_size=5))
def test_late_classification_gives_the_same_result(files: list[PageFile], looks: list[int]) -> None:
    """Whichever releases are classified first, in whichever order, the result is that of the whole page."""
    views = page_views(files)
    lazy, eager = views.project(), views.project()
    for release in looks:
        if release < len(lazy.view.versions):
            lazy.classify(release)
    for project in (lazy, eager):
        if project.view.versions:
            project.classify(0)

    assert facts_of(lazy.view) == facts_of(eager.view)
    by_release: dict[str, set[FileKind]] = {}
    for file in files:
        kind = FileKind(file.tags, file.requires_python, bool(file.yanked))
        version = next(v for v, k in zip(lazy.view.versions, lazy.view.keys, strict=True) if k == key(file.version))
        by_release.setdefault(version, set()).add(kind)
    assert {version: kinds for version, (kinds, _) in facts_of(lazy.view).items()} == by_release


def key(version: str) -> str:
    """Return the sort key."""
    from mirror.records.version_keys import version_key

    sort_key = version_key(version)
    assert sort_key is not None
    return sort_key


@quick
@given(pages, st.lists(st.tuples(st.integers(0, 40), st.lists(st.sampled_from(["a", "b>=1", 'c; extra == "x"'])))))
def test_a_stored_view_is_read_back(files: list[PageFile], learned: list[tuple[int, list[str]]]) -> None:
    """Encoded, decoded and encoded again: the same bytes and the same values."""
    view = page_views(files).view
    for release, lines in learned:
        if view.classified <= release < len(view.versions):
            view.learn(release, view.kind_set_of(release)[0], row(lines))
    data = encode(view)

    again = decode(data)

    assert isinstance(again, ReleaseView)
    assert encode(again) == data
    assert (again.versions, again.keys, again.file_kinds) == (view.versions, view.keys, view.file_kinds)
    for release in range(view.classified, len(view.versions)):
        assert again.kind_set_of(release) == view.kind_set_of(release)
        for file_kind in view.kind_set_of(release):
            stored, decoded = view.dependency_set(release, file_kind), again.dependency_set(release, file_kind)
            assert (stored and stored.lines) == (decoded and decoded.lines)


@quick
@given(st.lists(st.lists(st.binary(max_size=400).map(lambda data: b'"' + data.hex().encode() + b'"'), max_size=5)))
def test_every_slice_of_a_file_view_is_read_back(slices: list[list[bytes]]) -> None:
    """One by one and all at once."""
    data = pack(slices)

    assert (release_count(data), is_whole(data)) == (len(slices), True)
    assert [read_slice(data, release) for release in range(len(slices))] == [
        b"[" + b",".join(files) + b"]" for files in slices
    ]
    assert read_all(data) == [b",".join(files) for files in slices]


@pytest.mark.parametrize("cut", [0, 3, 20, 29, 40, -1])
def test_a_damaged_file_view_is_malformed(cut: int) -> None:
    """Truncated anywhere: an error, never a crash or partial data."""
    data = pack([[b'"%d"' % number] * 9 for number in range(9)])

    with pytest.raises(Malformed):
        read_slice(data[:cut], 3)


def test_a_file_view_may_not_claim_the_impossible() -> None:
    """An untrusted record: a block of 4 GB is not unpacked."""
    data = bytearray(pack([[b'"x"']]))
    data[40:44] = b"\xff\xff\xff\xff"

    with pytest.raises(Malformed):
        read_slice(bytes(data), 0)


def test_whatever_is_read_of_a_file_view_is_verified() -> None:
    """Whichever byte is changed: each release has the same files, or an error is raised."""
    slices = [[b'{"filename": "%d", "upload-time": "2024-01-%02d"}' % (number, number)] for number in range(1, 9)]
    data = pack(slices)
    rows = [read_slice(data, release) for release in range(len(slices))]
    for offset in range(len(data)):
        damaged = data[:offset] + bytes([data[offset] ^ 1]) + data[offset + 1 :]
        if not is_sound(damaged):
            continue
        for release, row in enumerate(rows):
            try:
                assert read_slice(damaged, release) == row
            except Malformed:
                continue
    assert is_whole(data)


@pytest.mark.parametrize("change", [b"", b"{}", b"[]", b"\xff", b'{"schema":1}', b'{"schema":99,"name":"pkg"}'])
def test_what_is_no_release_view_is_malformed(change: bytes) -> None:
    """Another schema, another kind of JSON, no JSON."""
    with pytest.raises(Malformed):
        decode(change)


def test_a_release_view_with_a_flipped_digit_is_malformed() -> None:
    """Its digest differs."""
    data = encode(page_views([PageFile("1.0"), PageFile("2.0")]).view)

    with pytest.raises(Malformed):
        decode(data.replace(b"2.0", b"2.1", 1))


def test_the_absence_of_a_project_is_stored() -> None:
    """With its freshness."""
    assert decode(encode_absence(Absence(FRESH))) == Absence(FRESH)


def test_releases_are_numbered_from_the_oldest() -> None:
    """By PEP 440: two spellings of a version are one release; pre-releases are marked."""
    view = page_views(
        [PageFile("10.0"), PageFile("2.0rc1"), PageFile("1.0"), PageFile("1.0.0", TAGS[2]), PageFile("2.0")]
    ).view

    assert list(view.versions) == ["1.0", "2.0rc1", "2.0", "10.0"]
    assert view.prereleases == 0b0010
    assert {view.file_kinds[number].tags for number in view.kind_set_of(0)} == {TAGS[0], TAGS[2]}
    assert [view.index_of(key(text)) for text in ("1", "2.0rc1", "3.0", "10")] == [0, 1, None, 3]


def test_what_cannot_be_read_is_counted() -> None:
    """File names and versions that cannot be parsed."""
    page = {
        "files": [{"filename": name, "url": name} for name in ("pkg-1.0.tar.gz", "pkg-x.tar.gz", "readme", "pkg-1.egg")]
    }
    view, _ = build_views(parse_listing(json.dumps(page).encode(), None, URL), "pkg", FRESH)

    assert (list(view.versions), view.skipped) == (["1.0"], 3)


def test_names_with_a_common_prefix_are_distinguished() -> None:
    """A post-release in its old spelling (1.0-2), an installer and an egg are not of 1.0; a wheel with a build number is."""
    names = (
        "pkg-1.0-1-py3-none-any.whl", "pkg-1.0-2.tar.gz", "pkg-1.0-py2.7.egg", "pkg-1.0-py3-none-any.whl",
        "pkg-1.0.tar.gz", "pkg-1.0.win32.exe", "pkg-1.1.tar.gz", "pkg-1.1-py3-none-any.whl", "pkg-1.0.zip",
        "pkg-1.1-py3-none.whl",
    )  # fmt: skip
    page = {"files": [{"filename": name, "url": name} for name in names]}
    view, positions = build_views(parse_listing(json.dumps(page).encode(), None, URL), "pkg", FRESH)

    assert dict(zip(view.versions, [[names[position] for position in row] for row in positions], strict=True)) == {
        "1.0": ["pkg-1.0-1-py3-none-any.whl", "pkg-1.0-py3-none-any.whl", "pkg-1.0.tar.gz", "pkg-1.0.zip"],
        "1.0.post2": ["pkg-1.0-2.tar.gz"],
        "1.1": ["pkg-1.1.tar.gz", "pkg-1.1-py3-none-any.whl"],
    }
    assert view.skipped == 3


def test_only_the_newest_are_classified_when_a_listing_is_fetched() -> None:
    """The others are classified on first use."""
    views = page_views([PageFile(f"{number}.0") for number in range(30)])
    project = views.project()
    assert project.view.classified == 30 - HEAD

    project.classify(25)
    assert project.view.classified == 30 - HEAD
    project.classify(12)

    assert project.view.classified <= 12
    assert project.changed


def test_missing_files_are_an_error() -> None:
    """A file view of another listing is not used."""
    views = page_views([PageFile(f"{number}.0") for number in range(30)])
    project = PageViews(views.view, pack([[b"{}"]] * 30)).project()

    with pytest.raises(Offline, match=r"pkg 0\.0|pkg"):
        project.classify(0)


def test_equal_dependency_sets_are_kept_once() -> None:
    """Releases share them."""
    view = page_views([PageFile(f"{number}.0") for number in range(5)]).view
    first = view.learn(0, 0, row(["a", "b"]))

    assert view.learn(3, 0, row(["a", "b"])) is first
    view.learn(4, 0, row(["a"]))

    assert len(view.dependency_sets) == 2
    assert view.known_releases(0) == 0b11001
    assert view.dependency_set(1, 0) is None


def test_a_newer_listing_absorbs_the_dependency_sets_of_an_older_one() -> None:
    """By release and file kind, whatever their numbers; a yank does not change a file's dependencies."""
    old = page_views([PageFile("1.0"), PageFile("3.0", TAGS[2]), PageFile("4.0")]).view
    numbers = {file_kind.tags: number for number, file_kind in enumerate(old.file_kinds)}
    old.learn(0, numbers[TAGS[0]], row(["of-1"]))
    old.learn(1, numbers[TAGS[2]], row(["of-3"]))
    old.learn(2, numbers[TAGS[0]], row(["of-4"]))
    new = page_views(
        [PageFile("0.5"), PageFile("1.0"), PageFile("2.0"), PageFile("3.0", TAGS[2], yanked=True), PageFile("5.0")]
    ).view

    new.absorb(old)

    kinds = {file_kind.tags: number for number, file_kind in enumerate(new.file_kinds)}
    assert [
        dependency_set.lines if (dependency_set := new.dependency_set(release, kinds[TAGS[0]])) else None
        for release in range(5)
    ] == [None, ("of-1",), None, None, None]
    of_3 = new.dependency_set(3, kinds[TAGS[2]])
    assert of_3 is not None
    assert of_3.lines == ("of-3",)


def test_a_yank_loses_no_dependency_set() -> None:
    """Also if other releases of the same kind are not yanked."""
    old = page_views([PageFile("1.0"), PageFile("2.0")]).view
    old.learn(0, 0, row(["of-1"]))
    new = page_views([PageFile("1.0", yanked=True), PageFile("2.0")]).view

    new.absorb(old)

    (kind,) = new.kind_set_of(0)
    dependency_set = new.dependency_set(0, kind)
    assert new.file_kinds[kind].yanked
    assert dependency_set is not None
    assert dependency_set.lines == ("of-1",)


def test_facts_of_releases_that_are_not_classified_yet_are_kept() -> None:
    """A page that is fetched again is classified at its top only; old releases are of kinds that its top does not have."""
    page = [
        *(PageFile(f"1.{minor}", requires_python=">=3.6") for minor in range(30)),
        *(PageFile(f"2.{minor}") for minor in range(HEAD)),
    ]
    old = page_views(page).project()
    old.classify(0)
    kind = next(number for number, file_kind in enumerate(old.view.file_kinds) if file_kind.requires_python)
    old.view.learn(3, kind, row(["of-3"]))
    new = page_views([*page, PageFile("3.0")])

    new.view.absorb(old.view)
    project = new.project()
    project.classify(0)

    (kind,) = project.view.kind_set_of(3)
    dependency_set = project.view.dependency_set(3, kind)
    assert dependency_set is not None
    assert dependency_set.lines == ("of-3",)


def test_absorbing_never_replaces_a_dependency_set() -> None:
    """The set of the newer listing counts."""
    old, new = page_views([PageFile("1.0")]).view, page_views([PageFile("1.0")]).view
    old.learn(0, 0, row(["old"]))
    learned = new.learn(0, 0, row(["new"]))

    new.absorb(old)

    assert new.dependency_set(0, 0) is learned


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:10Z", 10),
        ("1969-12-31T23:59:59Z", 1),
        ("1970-01-01T00:00:00Z", 1),
        ("0001-01-01T00:00:00Z", 1),
        ("1980-01-01T00:00:00", 315532800),
        ("not a time", 0),
    ],
)
def test_a_time_before_1970_is_known(text: str, seconds: int) -> None:
    """0 means "unknown", which a cutoff refuses; a file from before 1970 (a broken clock) is old, not unknown."""
    assert epoch_seconds(text) == seconds
