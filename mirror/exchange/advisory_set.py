"""All advisories of a store as one JSON document: part of snapshots and published folders, and the answer of a server.

Only together do they say that a project has none, so they are never divided.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mirror.errors import FOREIGN_TEXT_ERRORS, Malformed
from mirror.keys import ADVISORIES
from mirror.names import normalize_name
from mirror.records.advisories import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mirror.ports import Store

HEADER = ADVISORIES.key("")  # when and from where they came
PATH = "advisories.json"  # in a published folder


def pack_advisories(store: Store) -> bytes:
    """Return the document; b"" if the store has no advisories."""
    keys = sorted(key for key, _ in store.scan(ADVISORIES.prefix))
    records = store.get_many(keys)
    if HEADER not in records:
        return b""
    header = json.loads(records.pop(HEADER))
    projects = {ADVISORIES.name(key): json.loads(records[key]) for key in keys if key in records}
    document = {"advisories": 1, "header": header, "projects": projects}
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def unpack_advisories(data: bytes) -> dict[str, bytes]:
    """Return the records of an untrusted document by key, none of an empty one. Raises ``Malformed``."""
    if not data:
        return {}
    try:
        document: dict[str, Any] = json.loads(data)
        if document["advisories"] != 1 or type(document["header"]["updated"]) is not int:
            raise Malformed("advisories of another version")
        records = {HEADER: json.dumps(document["header"], separators=(",", ":")).encode()}
        for name, rows in document["projects"].items():
            records[ADVISORIES.key(normalize_name(name))] = record = json.dumps(rows, separators=(",", ":")).encode()
            decode(record)
    except FOREIGN_TEXT_ERRORS as error:
        raise Malformed(f"damaged advisories: {error}") from error
    return records


def replace_advisories(store: Store, records: Mapping[str, bytes]) -> None:
    """Replace the advisories of a store by these records."""
    store.delete_many([key for key, _ in store.scan(ADVISORIES.prefix) if key not in records])
    store.put_many(records)


def take_newer(store: Store, records: Mapping[str, bytes]) -> None:
    """Replace the advisories of a store by these records if they are of a later update."""
    stored = store.get_many((HEADER,)).get(HEADER)
    if records and (stored is None or _updated(stored) < _updated(records[HEADER])):
        replace_advisories(store, records)


def _updated(header: bytes) -> int:
    return int(json.loads(header).get("updated", 0))
