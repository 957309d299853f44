"""Untrusted heads and indexes: an error has the path of the wrong value."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from mirror.errors import Integrity, Malformed
from mirror.exchange import attestation
from mirror.exchange.snapshot import MAGIC, Selection, export, read_snapshot
from mirror.exchange.web_index import read_web_index
from mirror.records.compression import Packed, pack_block, unpack_block
from tests.support.dict_store import DictStore
from tests.support.scenarios import memory_mirror


def _changed(value: Any, path: tuple[Any, ...], new: object) -> Any:
    """Put a value into a parsed document."""
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = new
    return value


def _snapshot(path: tuple[Any, ...], new: object) -> bytes:
    """Return a snapshot whose head has another value, with a right digest."""
    with memory_mirror({"app": {"1.0": []}}) as mirror:
        mirror.project("app")
        store = mirror._parts.store
    data = export(DictStore({key: store.get_many((key,))[key] for key, _ in store.scan()}), Selection(files="all"))
    start = len(MAGIC)
    sizes = Packed(*[int.from_bytes(data[start + offset : start + offset + 8], "little") for offset in (0, 8)])
    head = json.loads(unpack_block(memoryview(data)[start + 16 : start + 16 + sizes.packed], sizes))
    sizes_now, packed = pack_block(json.dumps(_changed(head, path, new)).encode())
    lengths = sizes_now.raw.to_bytes(8, "little") + sizes_now.packed.to_bytes(8, "little")
    body = MAGIC + lengths + packed + data[start + 16 + sizes.packed : -32]
    return body + hashlib.sha256(body).digest()


@pytest.mark.parametrize(
    ("path", "new", "message"),
    [
        (("keys", 0), 7, "keys[0]: must be text"),
        (("views",), [1], "views: must have 2 values, has 1"),
        (("files", 0, 2), "9", "files[0][2]: must be a whole number, is text"),
        (("indexes",), [], "indexes: must be a table, is a list"),
        (("complete",), 1, "complete: must be true or false"),
        (("content",), None, "content: missing"),
    ],
)
def test_a_snapshot_s_head_is_named_by_path(path: tuple[Any, ...], new: object, message: str) -> None:
    """Always as ``Integrity``."""
    with pytest.raises(Integrity) as raised:
        read_snapshot(_snapshot(path, new))

    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("path", "new", "message"),
    [
        (("projects", 0, 1), 5, "projects[0][1]: must be text, is a whole number"),
        (("roots",), "x", "roots: must be a list, is text"),
        (("as_of",), "now", "as_of: must be a whole number, is text"),
        (("certificate",), 9, "certificate: version 9"),
    ],
)
def test_an_attestation_is_named_by_path(path: tuple[Any, ...], new: object, message: str) -> None:
    """As a snapshot's head."""
    whole = attestation.Attestation(("app",), ("t",), 1, 1, (("v/x/app", "d"),))
    assert attestation.from_bytes(whole.to_bytes()) == whole

    with pytest.raises(Malformed) as raised:
        attestation.from_bytes(json.dumps(_changed(json.loads(whole.to_bytes()), path, new)).encode())

    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("path", "new", "message"),
    [
        (("files", "v/a.json"), 1, "files['v/a.json']: must be text, is a whole number"),
        (("facts",), None, "facts: missing"),
        (("published",), 2, "published: version 2"),
        (("bulk",), "yes", "bulk: must be true or false, is text"),
    ],
)
def test_a_mirror_s_index_is_named_by_path(path: tuple[Any, ...], new: object, message: str) -> None:
    """The index of a published folder."""
    head = {"published": 1, "schema": 3, "bulk": True, "indexes": {}, "facts": {}, "files": {"v/a.json": "d"}}
    assert read_web_index(json.dumps(head).encode()).files == {"v/a.json": "d"}

    with pytest.raises(Malformed) as raised:
        read_web_index(json.dumps(_changed(head, path, new)).encode())

    assert str(raised.value).startswith(message)
