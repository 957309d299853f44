"""Source archives that nobody builds or waits for are closed."""

from __future__ import annotations

from io import BytesIO

from mirror.http.fetch_job import drop
from mirror.ports import Exchange, Request
from mirror.urls import PublicUrl
from tests.support.scenarios import memory_mirror


def test_what_is_not_built_is_closed_at_the_end() -> None:
    """A run may read a source archive and need no build of it."""
    left = BytesIO(b"left")
    with memory_mirror({}) as mirror:
        mirror._metadata_loader._archives["left"] = left
        assert not left.closed

    assert left.closed


def test_the_file_of_an_answer_that_comes_too_late_is_closed() -> None:
    """The run is over, or another request of the job was made."""
    body = BytesIO(b"late")

    drop(
        Exchange(Request("http://index.example/a.tar.gz"), 200, {}, b"", PublicUrl("http://index.example/"), file=body)
    )
    drop(b"the result of work has no file")

    assert body.closed
