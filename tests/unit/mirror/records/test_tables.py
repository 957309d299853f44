"""Untrusted values: each has its type, and an error has the path of the value."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mirror.errors import Malformed
from mirror.records.tables import Table

DOCUMENT = {
    "name": "x", "count": 3, "on": True, "url": None, "rows": [["a", 1], ["b", 2]], "names": ["a", "b"],
    "by": {"k": "v"}, "inner": {"deep": [{"text": "t"}]},
}  # fmt: skip


def test_values_are_read_by_type() -> None:
    """As they are written."""
    table = Table(DOCUMENT)

    assert (table.text("name"), table.integer("count"), table.flag("on")) == ("x", 3, True)
    assert (table.optional_text("url"), table.optional_text("name"), "url" in table) == (None, "x", False)
    assert table.rows("rows", str, int) == [("a", 1), ("b", 2)]
    assert table.texts("names") == ("a", "b")
    assert (table.text_by_name("by"), table.values("by")) == ({"k": "v"}, {"k": "v"})
    assert [inner.text("text") for inner in table.table("inner").tables("deep")] == ["t"]


Read = Callable[[Table], object]


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda table: table.text("gone"), "gone: missing"),
        (lambda table: table.text("count"), "count: must be text, is a whole number"),
        (lambda table: table.integer("on"), "on: must be a whole number, is true or false"),
        (lambda table: table.texts("rows"), "rows[0]: must be text, is a list"),
        (lambda table: table.rows("rows", str, str), "rows[0][1]: must be text, is a whole number"),
        (lambda table: table.rows("rows", str), "rows[0]: must have 1 values, has 2"),
        (lambda table: table.integers("names", 2), "names[0]: must be a whole number, is text"),
        (lambda table: table.table("names"), "names: must be a table, is a list"),
        (lambda table: list(table.tables("names")), "names[0]: must be a table, is text"),
        (
            lambda table: [inner.integer("text") for inner in table.table("inner").tables("deep")],
            "inner.deep[0].text: must be a",
        ),
        (lambda table: table.text_by_name("inner"), "inner['deep']: must be text, is a list"),
    ],
)
def test_an_error_has_the_path(read: Read, message: str) -> None:
    """A path from the document's top."""
    with pytest.raises(Malformed) as raised:
        read(Table(DOCUMENT))

    assert str(raised.value).startswith(message)


def test_a_document_that_is_not_a_table_is_an_error() -> None:
    """It has no path."""
    with pytest.raises(Malformed, match="the document: must be a table, is a list"):
        Table([])
