"""Source archives that nobody builds or waits for are closed."""

from __future__ import annotations

from io import BytesIO

from mirror.http.fetch_job import drop
from mirror.ports import Exchange, Request
from mirror.session.archives import Archives
from mirror.urls import PublicUrl


def test_what_is_not_built_is_closed_at_the_end() -> None:
    """What was taken is the builder's."""
    archives, left, taken = Archives(), BytesIO(b"left"), BytesIO(b"taken")
    archives.put("left", left)
    archives.put("taken", taken)

    assert archives.take("taken") is taken
    archives.close()

    assert (left.closed, taken.closed) == (True, False)


def test_an_archive_that_is_fetched_again_takes_the_place_of_the_first() -> None:
    """The first is closed."""
    archives, first, second = Archives(), BytesIO(b"1"), BytesIO(b"2")
    archives.put("same", first)
    archives.put("same", second)

    assert first.closed
    assert archives.take("same") is second


def test_the_file_of_an_answer_that_comes_too_late_is_closed() -> None:
    """The run is over, or another request of the job was made."""
    body = BytesIO(b"late")

    drop(
        Exchange(Request("http://index.example/a.tar.gz"), 200, {}, b"", PublicUrl("http://index.example/"), file=body)
    )
    drop(b"the result of work has no file")

    assert body.closed
