"""Files in pieces: resumed, checked, and whole or not there. Driven without a network: requests come out, exchanges go in."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mirror.errors import Integrity, MirrorError, NotFound, Offline, Unreachable
from mirror.ports import Exchange, Request
from mirror.records.model import DistFile
from mirror.urls import PublicUrl
from pipx_parallel.bundle import downloads
from pipx_parallel.bundle.downloads import Received, fetch, make_folder
from pipx_parallel.errors import OutputError

BODY = bytes(range(256)) * 64
Server = Callable[[Request], Exchange]


def wheel(*, size: int | None = len(BODY), hashes: dict[str, str] | None = None) -> DistFile:
    """Return a file that promises the hash of ``BODY`` unless told otherwise."""
    hashes_known = {"sha256": hashlib.sha256(BODY).hexdigest()} if hashes is None else hashes
    return DistFile("a-1.0-py3-none-any.whl", "http://index.example/a.whl", tuple(sorted(hashes_known.items())), size)


class Site:
    """Answers as a web server does; ``ranges`` as in the loopback index. Remembers which spans were asked for."""

    def __init__(self, body: bytes = BODY, ranges: str = "yes", breaks_after: int = -1) -> None:
        """Serve ``body``; past ``breaks_after`` requests the line is dead."""
        self.body = body
        self.ranges = ranges
        self.breaks_after = breaks_after
        self.spans: list[str | None] = []

    def __call__(self, request: Request) -> Exchange:
        """Answer one request."""
        span = dict(request.headers).get("Range")
        self.spans.append(span)
        if 0 <= self.breaks_after < len(self.spans):
            return Exchange(request, 0, {}, b"", PublicUrl(request.url), "timed out")
        if span is None or self.ranges == "ignore":
            return Exchange(request, 200, {}, self.body, PublicUrl(request.url))
        first, _, last = span.removeprefix("bytes=").partition("-")
        if self.ranges == "refuse" or int(first) >= len(self.body):
            return Exchange(request, 416, {"content-range": f"bytes */{len(self.body)}"}, b"", PublicUrl(request.url))
        piece = self.body[int(first) : int(last) + 1]
        fields = {"content-range": f"bytes {first}-{int(first) + len(piece) - 1}/{len(self.body)}"}
        return Exchange(request, 206, fields, piece, PublicUrl(request.url))


def run(file: DistFile, folder: Path, site: Server, *, offline: bool = False) -> Received:
    """Drive the steps to their end."""
    steps = fetch(file, str(folder), offline=offline)
    try:
        request = next(steps)
        while True:
            request = steps.send(site(request))
    except StopIteration as ended:
        received: Received = ended.value
        return received


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a small file take several pieces."""
    monkeypatch.setattr(downloads, "PIECE", 4096)


@pytest.mark.parametrize("ranges", ["yes", "ignore", "refuse"])
@pytest.mark.parametrize("size", [len(BODY), None], ids=["size known", "size unknown"])
def test_a_file_arrives_whole_whatever_the_index_can(tmp_path: Path, ranges: str, size: int | None) -> None:
    """Ranges are used where they work, and not needed."""
    got = run(wheel(size=size), tmp_path, Site(ranges=ranges))

    assert Path(got.path).read_bytes() == BODY
    assert (got.sha256, got.size, got.fetched) == (hashlib.sha256(BODY).hexdigest(), len(BODY), len(BODY))
    assert [path.name for path in tmp_path.iterdir()] == [Path(got.path).name]


def test_a_small_file_is_one_plain_request(tmp_path: Path) -> None:
    """Most wheels are smaller than a piece: nothing is asked twice."""
    site = Site(BODY[:100])

    run(wheel(size=100, hashes={"sha256": hashlib.sha256(BODY[:100]).hexdigest()}), tmp_path, site)

    assert site.spans == [None]


def test_a_killed_download_is_resumed(tmp_path: Path) -> None:
    """Two pieces came before the line broke: the next run asks for the third."""
    with pytest.raises(Unreachable, match=r"a-1\.0-py3-none-any\.whl: timed out"):
        run(wheel(), tmp_path, Site(breaks_after=2))
    site = Site()

    got = run(wheel(), tmp_path, site)

    assert site.spans[0] == "bytes=8192-12287"
    assert (Path(got.path).read_bytes(), got.fetched) == (BODY, len(BODY) - 8192)


def test_a_complete_part_of_unknown_size_is_recognised(tmp_path: Path) -> None:
    """It ended with a piece, and nobody had said that it was the last."""
    got = run(wheel(size=None), tmp_path, Site())
    Path(got.path).rename(got.path + ".part")

    again = run(wheel(size=None), tmp_path, Site())

    assert (again.sha256, again.fetched) == (got.sha256, 0)


def test_a_wrong_part_is_thrown_away(tmp_path: Path) -> None:
    """What an earlier run left was no beginning of this file: it starts over and succeeds."""
    got = run(wheel(), tmp_path, Site())
    Path(got.path).unlink()
    Path(got.path + ".part").write_bytes(b"x" * 8192)

    assert Path(run(wheel(), tmp_path, Site()).path).read_bytes() == BODY


def test_a_wrong_hash_is_an_integrity_error_and_leaves_nothing(tmp_path: Path) -> None:
    """Not what was promised is not installed."""
    with pytest.raises(Integrity, match=r"a-1\.0-py3-none-any\.whl: the downloaded file has sha256:"):
        run(wheel(), tmp_path, Site(BODY[:-1] + b"!"))

    assert list(tmp_path.iterdir()) == []


def test_what_is_here_is_not_fetched_again(tmp_path: Path) -> None:
    """Also offline."""
    run(wheel(), tmp_path, Site())
    site = Site()

    got = run(wheel(), tmp_path, site, offline=True)

    assert (got.fetched, site.spans) == (0, [])


def test_what_is_here_and_damaged_is_fetched_again(tmp_path: Path) -> None:
    """A disk may forget."""
    got = run(wheel(), tmp_path, Site())
    Path(got.path).write_bytes(b"damaged")

    assert run(wheel(), tmp_path, Site()).fetched == len(BODY)


def test_an_index_without_hashes_is_taken_at_its_word(tmp_path: Path) -> None:
    """The bundle's own hash is of what came."""
    assert run(wheel(hashes={}), tmp_path, Site()).sha256 == hashlib.sha256(BODY).hexdigest()


def test_a_weak_hash_is_better_than_none(tmp_path: Path) -> None:
    """It catches a broken transfer."""
    with pytest.raises(Integrity):
        run(wheel(hashes={"md5": "0" * 32}), tmp_path, Site())


@pytest.mark.parametrize(("status", "kind"), [(404, NotFound), (410, NotFound), (500, Unreachable), (302, Unreachable)])
def test_an_answer_without_the_file_is_reported(tmp_path: Path, status: int, kind: type[MirrorError]) -> None:
    """Each with its own exit code."""
    with pytest.raises(kind, match=r"a-1\.0"):
        run(wheel(), tmp_path, lambda request: Exchange(request, status, {}, b"", PublicUrl(request.url)))


def test_offline_names_what_is_not_here(tmp_path: Path) -> None:
    """Nothing is asked."""
    with pytest.raises(Offline, match=r"a-1\.0-py3-none-any\.whl has not been downloaded"):
        run(wheel(), tmp_path, Site(), offline=True)


def test_what_no_bundle_used_for_a_month_is_dropped(tmp_path: Path) -> None:
    """The folder does not grow without bound."""
    for name, days in (("old", 31), ("new", 29)):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (time.time() - days * 86400,) * 2)

    make_folder(str(tmp_path))

    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_folder_that_cannot_be_is_reported(tmp_path: Path) -> None:
    """With the way out."""
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(OutputError, match="choose another mirror"):
        make_folder(str(tmp_path / "file" / "below"))
