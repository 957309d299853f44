"""The ``index.json`` of a mirror on the web, parsed as untrusted input (docs/mirror-format.md, "Published folder")."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from mirror.equality import equal_by_type
from mirror.errors import Malformed
from mirror.records.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_QUERY = 5000  # characters of names in a bulk request: a URL that every server and proxy accepts


@equal_by_type
class WebIndex(NamedTuple):
    """The content of ``index.json``."""

    schema: int
    bulk: bool  # a server: one request gets many records
    indexes: dict[str, str]  # index id -> URL
    facts: dict[str, object]  # index id -> IndexFacts, in stored form
    files: dict[str, str]  # path -> SHA-256


def read_web_index(body: bytes) -> WebIndex:
    """Parse ``index.json``. Raises ``ValueError`` with the path of the wrong value."""
    table = Table(json.loads(body))
    if (version := table.integer("published")) != 1:
        raise Malformed(f"published: version {version}, this program reads 1")
    bulk = "bulk" in table and table.flag("bulk")
    schema = table.integer("schema")
    return WebIndex(schema, bulk, table.text_by_name("indexes"), table.values("facts"), table.text_by_name("files"))


def read_key_sizes(body: bytes) -> dict[str, int]:
    """Parse ``keys.json`` of a server: size by key of each record. Raises ``ValueError`` with the path of the wrong value."""
    return dict(Table(json.loads(body)).rows("keys", str, int))


def record_urls(base: str, part: str, rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return the URLs that ask a server for ``part`` of records (``files``, …); rows are (index id, project or project:version)."""
    by_index: dict[str, list[str]] = {}
    for index_id, name in rows:
        by_index.setdefault(index_id, []).append(name)
    return [
        f"{base}/records?{part}=1&index={index_id}&names={','.join(chunk)}"
        for index_id, names in by_index.items()
        for chunk in _name_chunks(names)
    ]


def _name_chunks(names: list[str]) -> Iterator[list[str]]:
    """Yield the names in chunks that fit into a request."""
    chunk: list[str] = []
    size = 0
    for name in names:
        if chunk and size + len(name) > _QUERY:
            yield chunk
            chunk, size = [], 0
        chunk.append(name)
        size += len(name) + 1
    if chunk:
        yield chunk
