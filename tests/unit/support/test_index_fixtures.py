"""The static index in ``fixtures/index`` is current, and reads the same in both formats."""

from __future__ import annotations

from mirror.metadata.core_metadata import parse_core_metadata
from mirror.records.simple_parse import parse_files, parse_listing
from tests.support.write_index_fixtures import FOLDER, fixture_files


def test_the_fixtures_are_what_the_script_writes() -> None:
    """Nobody edited one by hand, and none is left over."""
    written = {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}
    written.pop("README.md")

    assert written == fixture_files()


def test_every_page_and_sidecar_reads() -> None:
    """JSON and HTML name the same files at the same places."""
    folders = sorted(path for path in FOLDER.iterdir() if path.is_dir())
    assert folders
    for folder in folders:
        url = f"https://index.example/simple/{folder.name}/"
        page = parse_listing((folder / "simple.json").read_bytes(), None, url)
        other = parse_listing((folder / "simple.html").read_bytes(), None, url)

        assert [file.url for file in parse_files(page.raws, url)] == [file.url for file in parse_files(other.raws, url)]
        for sidecar in folder.glob("*.metadata"):
            assert parse_core_metadata(sidecar.read_bytes(), sidecar.name).name == folder.name
