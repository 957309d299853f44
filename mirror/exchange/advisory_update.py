"""Take an export of advisories (a ZIP file of OSV documents) into a store, one record a project."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING

import msgspec

from mirror.errors import Malformed, archive_errors
from mirror.exchange.advisory_set import HEADER, replace_advisories
from mirror.keys import ADVISORIES
from mirror.records.advisories import encode, read_osv

if TYPE_CHECKING:
    from mirror.ports import Store
    from mirror.records.advisories import Advisory

LARGEST_EXPORT = 256 * 1024 * 1024  # bytes; OSV's export of Python packages has 32 MB
_LARGEST_DOCUMENT = 16 * 1024 * 1024
_MOST_DOCUMENTS = 1_000_000
_LARGEST_CONTENT = 2 * 1024 * 1024 * 1024  # bytes of all documents


class AdvisoryCounts(msgspec.Struct, frozen=True):
    """What an update took in."""

    projects: int
    advisories: int
    skipped: int  # documents that could not be read


def update(store: Store, data: bytes, source: str, now: float) -> AdvisoryCounts:
    """Replace the advisories of a store by those of an export. Raises ``Malformed`` if ``data`` is no such export."""
    try:
        rows, skipped = read_export(data)
    except Malformed as error:
        raise Malformed(f"{source}: {error}") from error
    if not rows:
        raise Malformed(
            f"{source}: there is no advisory of a Python package in it; give OSV's export of the ecosystem PyPI"
        )
    records = {ADVISORIES.key(name): encode(advisories) for name, advisories in rows.items()}
    count = sum(map(len, rows.values()))
    header = {"source": source, "updated": int(now), "projects": len(rows), "advisories": count}
    replace_advisories(store, {**records, HEADER: json.dumps(header).encode()})
    return AdvisoryCounts(len(rows), count, skipped)


def read_export(data: bytes) -> tuple[dict[str, list[Advisory]], int]:
    """Return the advisories of an export by project, and how many documents could not be read. Raises ``Malformed``."""
    rows: dict[str, list[Advisory]] = {}
    skipped = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if info.filename.endswith(".json")]
            if len(infos) > _MOST_DOCUMENTS or sum(info.file_size for info in infos) > _LARGEST_CONTENT:
                raise Malformed(f"more than {_MOST_DOCUMENTS} documents, or {_LARGEST_CONTENT} bytes of them")
            for info in sorted(infos, key=lambda info: info.filename):
                if info.file_size > _LARGEST_DOCUMENT:
                    skipped += 1
                    continue
                document = archive.read(info)
                try:
                    for name, advisory in read_osv(document):
                        rows.setdefault(name, []).append(advisory)
                except Malformed:
                    skipped += 1
    except archive_errors() as error:
        raise Malformed(f"this is no ZIP file of OSV documents, or it is damaged: {error}") from error
    return rows, skipped
