"""Untrusted heads and indexes: an error has the path of the wrong value."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from mirror.errors import Integrity, Malformed
from mirror.exchange import attestation
from mirror.exchange.published_index import Delta, PublishedIndex, Row
from mirror.exchange.snapshot import MAGIC, Selection, export, read_snapshot
from mirror.records.compression import Packed, pack_block, pack_frame, unpack_block, unpack_frame
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


_ROW = f"0 {'a' * 32} 0 9 5 lib extra[x] [x] base"


def _document(**members: object) -> dict[str, Any]:
    """Return the JSON of an index with one project."""
    head = {"published": 2, "serial": 3, "schema": 5, "indexes": {}, "facts": {}, "packs": [["b" * 64, 9]]}
    return {**head, **members}


@pytest.mark.parametrize(
    ("path", "new", "message"),
    [
        (("projects", "x", "app"), 1, "projects.x['app']: must be text, is a whole number"),
        (("facts",), None, "facts: missing"),
        (("published",), 1, "published: version 1"),
        (("packs", 0, 0), "../../etc/passwd", "packs: must be at most two rows"),
        (("packs", 0, 1), "9", "packs[0][1]: must be a whole number"),
        (("serial",), 1.5, "serial: must be a whole number"),
    ],
)
def test_a_mirror_s_index_is_named_by_path(path: tuple[Any, ...], new: object, message: str) -> None:
    """The index of a published folder."""
    document = _document(projects={"x": {"app": _ROW}})
    assert PublishedIndex.read(pack_frame(json.dumps(document).encode())).row("x", "app") == Row.parse(_ROW)

    with pytest.raises(Malformed) as raised:
        PublishedIndex.read(pack_frame(json.dumps(_changed(document, path, new)).encode()))

    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    "row",
    [
        "",
        "0",
        _ROW.replace("0 9", "-1 9"),
        _ROW.replace("a", "g"),
        "2" + _ROW[1:],
        "1" + _ROW[1:],
        f"0 {'a' * 32} 1 9 0",
    ],
)
def test_a_row_that_leads_outside_its_pack_is_refused(row: str) -> None:
    """Another form, a pack that the index does not have, or bytes after the end of the pack."""
    index = PublishedIndex.read(pack_frame(json.dumps(_document(projects={"x": {"app": row}})).encode()))

    with pytest.raises(Malformed):
        index.row("x", "app")


@pytest.mark.parametrize(
    ("path", "new", "message"),
    [
        (("changes", "x", "app"), [1], "changes: 'app' must have a number and a text"),
        (("changes", "x", "app", 0), "1", "changes: 'app' must have a number and a text"),
        (("since",), "1", "since: must be a whole number"),
        (("index",), 7, "index: must be text"),
        (("retired", "packs/x"), {}, "retired.packs/x: must be a whole number"),
    ],
)
def test_a_delta_is_named_by_path(path: tuple[Any, ...], new: object, message: str) -> None:
    """As the index."""
    document = _document(since=1, index="d", changes={"x": {"app": [3, _ROW]}}, retired={"packs/x": 7})
    assert Delta.read(pack_frame(json.dumps(document).encode())).changes == {"x": {"app": (3, _ROW)}}

    with pytest.raises(Malformed) as raised:
        Delta.read(pack_frame(json.dumps(_changed(document, path, new)).encode()))

    assert str(raised.value).startswith(message)


def test_what_unpacks_to_far_more_than_records_do_is_refused_before_it_is_unpacked() -> None:
    """A frame of zeros, and a block of them; records that differ in little are read."""
    zeros = bytes(64 * 1024 * 1024)
    sizes, block = pack_block(zeros)
    alike = b"".join(b"%d %s\n" % (number, b"1.0 " * 400) for number in range(10_000))

    with pytest.raises(Malformed, match="impossible length"):
        unpack_frame(pack_frame(zeros))
    with pytest.raises(Malformed, match="impossible length"):
        unpack_block(block, sizes)
    assert unpack_frame(pack_frame(alike)) == alike
