"""OSV documents: which releases they concern."""

from __future__ import annotations

import json

import pytest

from mirror.errors import Malformed
from mirror.records.advisories import Advisory, Affected, decode, encode, read_osv


def document(**more: object) -> bytes:
    """Return an OSV document about the project acme-tool."""
    affected = {
        "package": {"ecosystem": "PyPI", "name": "Acme_Tool"},
        "ranges": [
            {
                "type": "ECOSYSTEM",
                "events": [{"introduced": "0"}, {"fixed": "1.5"}, {"introduced": "2.0"}, {"fixed": "2.3.1"}],
            }
        ],
        "versions": ["1.0", "2.0"],
    }
    value = {"id": "GHSA-1", "aliases": ["CVE-1"], "summary": "A hole", "affected": [affected],
             "database_specific": {"severity": "high"}}  # fmt: skip
    return json.dumps(value | more).encode()


@pytest.mark.parametrize(
    ("version", "concerned"),
    [
        ("0.1", True),
        ("1.4.9", True),
        ("1.5", False),
        ("1.9", False),
        ("2.0rc1", False),
        ("2.0", True),
        ("2.3", True),
        ("2.3.1", False),
        ("9", False),
    ],
)
def test_ranges_decide(version: str, concerned: bool) -> None:
    """From introduced up to fixed, in PEP 440's order."""
    ((name, advisory),) = read_osv(document())

    assert (name, advisory.severity, advisory.fixed) == ("acme-tool", "HIGH", ("1.5", "2.3.1"))
    assert advisory.concerns(version) == concerned


def test_a_last_affected_release_and_listed_versions() -> None:
    """The other two ways to say it."""
    package = {"ecosystem": "PyPI", "name": "a"}
    last = {
        "package": package,
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1"}, {"last_affected": "2.1"}]}],
    }
    listed = {"package": package, "versions": ["3.0"]}
    first, second = [row for _, row in read_osv(document(affected=[last, listed]))]

    assert [first.concerns(version) for version in ("0.9", "1", "2.1.0", "2.2")] == [False, True, True, False]
    assert [second.concerns(version) for version in ("3", "3.0.1")] == [True, False]


def test_withdrawn_and_foreign_documents_are_left_out() -> None:
    """And what is no document is refused."""
    assert list(read_osv(document(withdrawn="2024-01-01T00:00:00Z"))) == []
    assert list(read_osv(document(affected=[{"package": {"ecosystem": "npm", "name": "a"}}]))) == []
    for broken in (b"[]", b"{", b"{}", b'{"id": 1, "affected": [3]}'):
        with pytest.raises(Malformed):
            list(read_osv(broken))


def test_the_stored_form_gives_them_back() -> None:
    """Whole."""
    rows = [row for _, row in read_osv(document())]

    assert decode(encode(rows)) == rows
    assert isinstance(rows[0], Advisory)
    with pytest.raises(Malformed):
        decode(b'[["a"]]')


def test_a_project_answers_as_each_of_its_advisories() -> None:
    """Ranges that begin, end and overlap, releases listed one by one, last affected ones, and what is no version."""
    spans = [(("1", "2", ""),), (("0", "1.5", ""), ("3", "", "3.1")), (("1.5", "", ""),), ()]
    rows = [Advisory(f"A-{number}", (), "", "", span, ()) for number, span in enumerate(spans)]
    rows.append(Advisory("A-9", (), "", "", (("9", "10", ""),), ("1.2", "1.2.0.post1", "odd one")))
    affected = Affected(rows)

    for version in (
        "0.1",
        "1",
        "1.0rc1",
        "1.2",
        "1.2.0",
        "1.2.post1",
        "1.4",
        "1.5",
        "2",
        "2.9",
        "3.1",
        "3.1.0",
        "3.2",
        "9.5",
        "odd one",
        "odd",
    ):
        assert list(affected.of(version)) == [row for row in rows if row.concerns(version)], version
