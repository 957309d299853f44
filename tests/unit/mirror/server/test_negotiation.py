"""Which format a page is answered in, and whether gzip is accepted."""

from __future__ import annotations

import pytest

from mirror.records.simple_serialize import HTML_TYPE, JSON_TYPE, LEGACY_TYPE
from mirror.server.negotiation import accepts_gzip, matches, page_type

PIP = f"{JSON_TYPE}, {HTML_TYPE}; q=0.1, text/html; q=0.01"
UV = f"{JSON_TYPE}, {HTML_TYPE};q=0.2, text/html;q=0.01"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (PIP, JSON_TYPE), (UV, JSON_TYPE), (None, LEGACY_TYPE), ("", LEGACY_TYPE), ("*/*", LEGACY_TYPE),
        ("text/html", LEGACY_TYPE), ("text/*", LEGACY_TYPE), (HTML_TYPE, HTML_TYPE),
        ("application/vnd.pypi.simple.latest+json", JSON_TYPE), ("text/html,application/xhtml+xml,*/*;q=0.8", LEGACY_TYPE),
        ("image/png", None), (f"{JSON_TYPE};q=0", None), ("application/vnd.pypi.simple.v2+json", None),
        (f"{JSON_TYPE};q=nonsense, text/html;q=0.1", LEGACY_TYPE),
    ],
)  # fmt: skip
def test_the_best_that_both_can(accept: str | None, expected: str | None) -> None:
    """What pip, uv, a browser and a curl send."""
    assert page_type(accept) == expected


def test_gzip_only_where_it_is_wanted() -> None:
    """A quality of 0 refuses."""
    assert accepts_gzip("gzip, deflate")
    assert accepts_gzip("br, *;q=0.1")
    assert not accepts_gzip("gzip;q=0")
    assert not accepts_gzip(None)
    assert not accepts_gzip("identity")


def test_entity_tags_compare_weakly() -> None:
    """As RFC 9110 wants for If-None-Match."""
    assert matches('W/"a", "b"', '"a"')
    assert matches("*", '"a"')
    assert not matches('"b"', '"a"')
    assert not matches(None, '"a"')
