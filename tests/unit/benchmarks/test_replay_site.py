"""The files that a recorded index serves are real ones: their hashes hold, and standard tools read them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from benchmarks import synthetic
from benchmarks.recording import RecordedFile, RecordedMetadata, RecordedProject, Release
from benchmarks.replay_site import Body, ReplaySite, fill_gaps

_LINES = ("Requires-Python: >=3.9", "Requires-Dist: other>=2", 'Requires-Dist: more; extra == "x"')


def _release(version: str, metadata: RecordedMetadata | None, *, yanked: bool = False) -> Release:
    files = (
        RecordedFile(f"my_demo-{version}-py3-none-any.whl", 1_700_000_000, yanked),
        RecordedFile(f"my_demo-{version}.tar.gz"),
    )
    return Release(version, ">=3.9", files, metadata)


@pytest.fixture
def site() -> ReplaySite:
    """Serve one project with two releases, the older one yanked and with no recorded dependencies."""
    releases = (_release("2.0", RecordedMetadata(_LINES, 3_000)), _release("1.0", None, yanked=True))
    return ReplaySite([RecordedProject("my-demo", releases)])


def _body_of(site: ReplaySite, path: str) -> Body:
    body = site.find(path)
    assert body is not None
    return body


def test_every_hash_size_and_address_on_a_page_is_that_of_the_file_served(site: ReplaySite) -> None:
    """So tools that check what they download are content, and relative addresses lead somewhere."""
    page = json.loads(_body_of(site, "/simple/my-demo/").content)

    for file in page["files"]:
        content = _body_of(site, file["url"].removeprefix("../..")).content
        assert file["size"] == len(content)
        assert file["hashes"] == {"sha256": hashlib.sha256(content).hexdigest()}
    assert [file["filename"] for file in page["files"] if file["yanked"]] == ["my_demo-1.0-py3-none-any.whl"]
    assert page["files"][0]["upload-time"] == "2023-11-14T22:13:20.000000Z"


def test_an_advertised_sidecar_is_the_wheels_own_metadata(site: ReplaySite) -> None:
    """PEP 658: the sidecar's bytes are those inside the wheel, and the page has their hash."""
    advertised = json.loads(_body_of(site, "/simple/my-demo/").content)["files"][2]["core-metadata"]["sha256"]

    sidecar = _body_of(site, "/files/my_demo-2.0-py3-none-any.whl.metadata").content
    with zipfile.ZipFile(io.BytesIO(_body_of(site, "/files/my_demo-2.0-py3-none-any.whl").content)) as wheel:
        inside = wheel.read("my_demo-2.0.dist-info/METADATA")
        assert wheel.testzip() is None

    assert sidecar == inside
    assert hashlib.sha256(sidecar).hexdigest() == advertised
    assert len(sidecar) == 3_000


def test_an_sdist_has_static_metadata_and_a_build_that_needs_nothing(site: ReplaySite) -> None:
    """PEP 643: version 2.2 and no Dynamic; a tool that builds anyway gets the same answer."""
    with tarfile.open(fileobj=io.BytesIO(_body_of(site, "/files/my_demo-2.0.tar.gz").content)) as sdist:
        info = sdist.extractfile("my_demo-2.0/PKG-INFO")
        assert info is not None
        text = info.read().decode()
        names = sdist.getnames()

    assert text.startswith("Metadata-Version: 2.2\nName: my-demo\nVersion: 2.0\n")
    assert "Requires-Dist: other>=2\n" in text
    assert "my_demo-2.0/backend.py" in names


def test_the_gzip_form_is_the_page(site: ReplaySite) -> None:
    """Compressed beforehand, once."""
    page = _body_of(site, "/simple/my-demo/")

    assert page.gzipped is not None
    assert gzip.decompress(page.gzipped) == page.content


@pytest.mark.parametrize(
    "path", ["/simple/absent/", "/simple/", "/files/absent.whl", "/files/my_demo-2.0.tar.gz.metadata", "/"]
)
def test_what_was_not_recorded_is_not_there(site: ReplaySite, path: str) -> None:
    """Also a sidecar of an sdist: indexes have none."""
    assert site.find(path) is None


def test_releases_without_recorded_dependencies_answer_like_their_nearest_neighbour() -> None:
    """The newer one where two are as near."""
    new, old = RecordedMetadata(("Requires-Dist: new",), 9), RecordedMetadata(("Requires-Dist: old",), 9)
    dependencies = {"5": new, "3": old}
    releases = tuple(_release(version, dependencies.get(version)) for version in "54321")

    filled = fill_gaps(RecordedProject("my-demo", releases))

    assert [release.metadata for release in filled.releases] == [new, new, old, old, old]


def test_pages_that_were_kept_are_served_again_unchanged(tmp_path: Path) -> None:
    """Rendering a large recording takes seconds; a second start reads what the first one kept."""
    keep = tmp_path / "pages"
    project = RecordedProject("my-demo", (_release("2.0", RecordedMetadata(_LINES, 3_000)),))
    first = _body_of(ReplaySite([project], keep=keep), "/simple/my-demo/")

    second = _body_of(ReplaySite([project], keep=keep), "/simple/my-demo/")

    assert second == first
    assert list(keep.iterdir()) == [keep / "my-demo.json.gz"]


def test_only_the_lines_that_a_resolver_reads_are_kept() -> None:
    """Continuation lines are joined, the description is dropped."""
    header = "Metadata-Version: 2.1\nName: demo\nSummary: x\nRequires-Dist: a;\n python_version < '3'\n"
    text = f"{header}\nRequires-Dist: not a header\n"

    shortened = synthetic.resolver_lines(text)

    assert shortened == ("Metadata-Version: 2.1", "Name: demo", "Requires-Dist: a; python_version < '3'")
