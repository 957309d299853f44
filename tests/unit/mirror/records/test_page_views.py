"""Which releases of a page are classified and stored at once: the newest, with a cutoff the newest before it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from mirror.ports import Exchange, PageWish, Request
from mirror.records.file_view import holds
from mirror.records.listing_views import line_before
from mirror.records.page_views import views_of
from mirror.records.release_view import HEAD, ReleaseView, decode
from mirror.urls import PublicUrl

URL = "http://index.example/simple/pkg/"
START = datetime(2020, 1, 1, tzinfo=UTC)
COUNT = 3000
CUT = 2500  # the first release after the cutoff


def moment(number: int) -> datetime:
    """Return when a release was uploaded: one a day."""
    return START + timedelta(days=number)


def read(wish: PageWish) -> tuple[ReleaseView, bytes]:
    """Return the views of a page with many releases."""
    files = [
        {
            "filename": f"pkg-1.{number}-py3-none-any.whl",
            "url": f"pkg-1.{number}-py3-none-any.whl",
            "hashes": {"sha256": f"{number:064x}"},
            "upload-time": moment(number).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        for number in range(COUNT)
    ]
    body = json.dumps({"meta": {"api-version": "1.1"}, "name": "pkg", "files": files}).encode()
    views = views_of(Exchange(Request(URL, page=wish), 200, {}, body, PublicUrl(URL)), wish, lambda: 1000.0)
    assert views.error is None
    view = decode(views.view)
    assert isinstance(view, ReleaseView)
    return view, views.files


def test_without_a_cutoff_the_newest_are_read() -> None:
    """The newest are classified, and some more are stored."""
    view, files = read(PageWish("pkg"))

    assert view.classified == COUNT - HEAD
    assert holds(files, COUNT - 1)
    assert not holds(files, 0)


def test_with_a_cutoff_the_newest_before_it_are_read() -> None:
    """What is older is classified when a search reads it; what is newer is not stored."""
    before = int(moment(CUT).timestamp())
    view, files = read(PageWish("pkg", before=before))

    line = line_before(view, before)
    assert line == CUT - HEAD
    assert 0 < view.classified <= line
    assert [holds(files, release) for release in (0, view.classified, CUT - 1, CUT, COUNT - 1)] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_with_a_cutoff_an_old_pin_stores_everything() -> None:
    """A resolver compares it with other old releases."""
    key = read(PageWish("pkg"))[0].keys[3]
    view, files = read(PageWish("pkg", admits=(((key, key + ","),),), before=int(moment(CUT).timestamp())))

    assert view.classified == 0
    assert holds(files, 0)


def test_a_cutoff_before_the_first_release_classifies_all() -> None:
    """All of them are refused, so all of them are known."""
    view, files = read(PageWish("pkg", before=int(START.timestamp())))

    assert view.classified == 0
    assert not any(holds(files, release) for release in (0, COUNT - 1))


def test_files_without_upload_time_are_named() -> None:
    """Their SHA-256 are given, of ``hashes`` or the URL; relative and unusable URLs, and wrong digests, do not matter."""
    digests = [f"{number:064x}" for number in range(3)]
    files = [
        {
            "filename": "pkg-1.0-py3-none-any.whl",
            "url": "../pkg-1.0-py3-none-any.whl",
            "hashes": {"sha256": digests[0]},
        },
        {"filename": "pkg-1.0.tar.gz", "url": f"x#sha256={digests[1]}", "hashes": {}},
        {"filename": "pkg-1.1.tar.gz", "url": "x", "hashes": {"sha256": "short"}},
        {
            "filename": "pkg-1.2.tar.gz",
            "url": "x",
            "hashes": {"sha256": digests[2]},
            "upload-time": "2020-01-01T00:00:00Z",
        },
    ]
    body = json.dumps({"meta": {"api-version": "1.1"}, "name": "pkg", "files": files}).encode()
    wish = PageWish("pkg")
    views = views_of(Exchange(Request(URL, page=wish), 200, {}, body, PublicUrl(URL)), wish, lambda: 1000.0)

    assert views.error is None
    assert views.undated == (digests[0], digests[1])
