"""The stored sample of OSV documents (fixtures/advisories): what is read of each."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from mirror.exchange.advisory_update import read_export
from mirror.records.advisories import Advisory, decode, encode

FOLDER = Path(__file__).resolve().parents[4] / "fixtures" / "advisories"


@pytest.fixture(scope="module")
def export() -> dict[str, list[Advisory]]:
    """Return the sample as the export that OSV offers, read and stored."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(FOLDER.glob("*.json")):
            archive.write(path, path.name)
    rows, skipped = read_export(buffer.getvalue())
    assert skipped == 0
    return {name: decode(encode(advisories)) for name, advisories in rows.items()}


def test_projects_of_this_ecosystem_are_read(export: dict[str, list[Advisory]]) -> None:
    """By their normalised names; withdrawn documents and other ecosystems are not."""
    assert {name: sorted({row.id for row in rows}) for name, rows in export.items()} == {
        "flask": ["GHSA-m2qf-hxjv-5gpq"],
        "imagecodecs": ["GHSA-j7hp-h8jx-5ppr"],
        "jinja2": ["PYSEC-2014-8"],
        "pillow": ["GHSA-j7hp-h8jx-5ppr"],
        "python-jose": ["GHSA-6c5p-j8vq-pqhj"],
        "pyyaml": ["GHSA-8q59-q68h-6hv4"],
        "reqeusts": ["MAL-2024-2246"],
        "requests": ["GHSA-j8r2-6x86-q33q"],
        "urllib3": ["GHSA-v845-jxx5-vc9f", "PYSEC-2023-192"],
    }


@pytest.mark.parametrize(
    ("name", "affected", "others"),
    [
        ("requests", ("2.3", "2.3.0", "2.30.0", "2.31.0rc1"), ("2.2.1", "2.31.0", "2.32.3")),
        ("urllib3", ("0.3", "1.26.16", "2.0", "2.0.5"), ("1.26.17", "1.27", "2.0.0a1", "2.0.6")),
        ("pyyaml", ("3.13", "5.3.1", "5.4b2"), ("5.4", "6.0")),
        ("python-jose", ("1.0", "3.3.0", "3.3"), ("3.3.1", "3.4.0")),
        ("pillow", ("9.5.0", "10.0.0"), ("10.0.1",)),
        ("imagecodecs", ("2022.2.22", "2023.9.4"), ("2023.9.18",)),
        ("flask", ("0.1", "2.2.4", "2.3.0", "2.3.1", "2.2.5.post1"), ("2.2.5", "2.3.2", "3.0")),
        ("jinja2", ("2.0", "2.7.1", "2.7.0"), ("2.7.2", "2.6", "3.1")),
        ("reqeusts", ("1.0.0", "1.0.1"), ("1.0.2", "0.9")),
    ],
)
def test_affected_releases(
    export: dict[str, list[Advisory]], name: str, affected: tuple[str, ...], others: tuple[str, ...]
) -> None:
    """Ranges of versions and listed versions count, ranges of commits do not; each document of urllib3 alone says the same."""
    for identity in {row.id for row in export[name]}:
        rows = [row for row in export[name] if row.id == identity]
        assert [version for version in affected if not any(row.concerns(version) for row in rows)] == []
        assert [version for version in others if any(row.concerns(version) for row in rows)] == []


def test_what_is_shown_of_them(export: dict[str, list[Advisory]]) -> None:
    """Severity as a word, else as the first vector; aliases; fixed releases; a sentence, of the details if there is no summary."""
    (requests,) = export["requests"]
    assert (requests.severity, requests.fixed) == ("MODERATE", ("2.31.0",))
    assert requests.aliases == ("CVE-2023-32681", "PYSEC-2023-74")
    (jose,) = export["python-jose"]
    assert (jose.severity[:8], jose.fixed) == ("CVSS:3.1", ())
    other = next(row for row in export["urllib3"] if row.id.startswith("PYSEC"))
    assert (other.severity, other.fixed) == ("", ("1.26.17", "2.0.6"))
    assert other.summary == "A Cookie header that a caller sets is sent on to another host."
    assert [row.versions for row in export["flask"]] == [(), ("2.2.5.post1",)]
