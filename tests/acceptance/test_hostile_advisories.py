"""Advisories that mean harm: an export or a mirror's document is read, or refused as damaged; nothing else is raised."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mirror.errors import Malformed
from mirror.exchange.advisory_set import HEADER, unpack_advisories
from mirror.exchange.advisory_update import read_export
from mirror.records.advisories import Advisory, Affected, decode, encode, read_osv
from tests.acceptance.test_audit import DOCUMENTS
from tests.acceptance.test_hostile_generated import mangled_bytes
from tests.acceptance.test_hostile_published import changed_value
from tests.support.dists import zipped
from tests.support.scale import scaled
from tests.support.workspace import Workspace

CASES = scaled(300, 10_000)
ROWS = [["GHSA-1", ["CVE-1"], "A hole", "HIGH", [["0", "1.2", ""], ["2.0", "", "2.1"]], ["3.0", "x"]]]
SET = {"advisories": 1, "header": {"updated": 1, "source": "x"}, "projects": {"app": ROWS, "lib": ROWS}}


def use(rows: list[Advisory]) -> None:
    """Do what locks and audits do with the advisories of a project."""
    Affected(rows).of("1.0")
    for row in rows:
        assert row.concerns("1.0") in {True, False}
        "".join((row.id, row.summary, row.severity, *row.aliases, *row.fixed)).encode()


def read_set(data: bytes) -> None:
    """Read a mirror's document."""
    for key, record in unpack_advisories(data).items():
        if key != HEADER:
            use(decode(record))


def read_document(data: bytes) -> None:
    """Read a document of an export, store it, and read what is stored."""
    use(decode(encode([advisory for _, advisory in read_osv(data)])))


@pytest.mark.parametrize(("read", "sound"), [(read_set, SET), (read_document, DOCUMENTS[0])])
def test_a_document_with_any_values(read: Callable[[bytes], None], sound: dict[str, object]) -> None:
    """It is read or refused, and what was read can be used."""
    refused = 0
    read(json.dumps(sound).encode())
    for seed in range(CASES):
        chance, value = random.Random(seed), dict(sound)  # noqa: S311 - it makes inputs, it guards nothing
        for _ in range(chance.randrange(1, 4)):
            value = changed_value(chance, value)
        try:
            read(json.dumps(value).encode())
        except Malformed:
            refused += 1
    assert 0 < refused < CASES


def test_an_archive_with_any_bytes() -> None:
    """Its compressed data, its directory, its lengths."""
    archive = zipped({f"{number}.json": json.dumps(document).encode() for number, document in enumerate(DOCUMENTS)})
    refused = 0
    assert read_export(archive)[1] == 0
    for seed in range(CASES):
        chance = random.Random(seed)  # noqa: S311 - as above
        try:
            read_export(mangled_bytes(chance, mangled_bytes(chance, archive) or archive))
        except Malformed:
            refused += 1
    assert 0 < refused < CASES


MANY = [{("introduced", "fixed")[number % 2]: str(number)} for number in range(9000)]
AFFECTED = {"package": {"ecosystem": "PyPI", "name": "app"}, "ranges": [{"type": "ECOSYSTEM", "events": MANY}]}


@pytest.mark.parametrize("data", [
    b"[" * 100_000,
    json.dumps({"id": "G", "affected": [AFFECTED]}).encode(),
    json.dumps({**DOCUMENTS[0], "summary": "\ud800"}).encode(),
])  # fmt: skip
def test_a_document_that_costs_much_is_left_out(tmp_path: Path, data: bytes) -> None:
    """The others are taken in."""
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("hostile.json", data)
        archive.writestr("sound.json", json.dumps(DOCUMENTS[1]))

    rows, skipped = read_export(path.read_bytes())

    assert (list(rows), skipped) == (["lib"], 1)


def test_a_damaged_export_is_one_clear_error(workspace: Workspace) -> None:
    """And the advisories that the mirror has stay."""
    archive = zipped({"a.json": json.dumps({**DOCUMENTS[0], "details": "x" * 5000}).encode()})
    half = len(archive) // 4
    (workspace.folder / "all.zip").write_bytes(archive[:half] + bytes([archive[half] ^ 255] * 9) + archive[half + 9 :])

    ran = workspace.run("mirror", "advisories", "update", "all.zip")

    assert (ran.code, ran.out, "Traceback" in ran.err) == (5, "", False), ran.err
    assert "all.zip" in ran.err
