"""What a mirror on the web says of itself: its ``index.json``, read with care (docs/mirror-format.md, "Published folder")."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from mirror.errors import Malformed
from mirror.records.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUERY = 5000  # characters of a bulk question: what every server and proxy takes


class WebIndex(NamedTuple):
    """What a mirror on the web says of itself (``index.json``)."""

    schema: int
    bulk: bool  # a server: records are asked for many at a time
    indexes: dict[str, str]  # index id -> URL
    facts: dict[str, object]  # index id -> what was learned of it
    files: dict[str, str]  # path -> SHA-256


def read_web_index(body: bytes) -> WebIndex:
    """Read ``index.json``. Raises ``ValueError`` with the path of what is wrong."""
    table = Table(json.loads(body))
    if (version := table.integer("published")) != 1:
        raise Malformed(f"published: version {version}, this program reads 1")
    bulk = "bulk" in table and table.flag("bulk")
    schema = table.integer("schema")
    return WebIndex(schema, bulk, table.text_by_name("indexes"), table.values("facts"), table.text_by_name("files"))


def name_chunks(names: list[str]) -> Iterator[list[str]]:
    """Yield the names in portions that fit into a question."""
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
