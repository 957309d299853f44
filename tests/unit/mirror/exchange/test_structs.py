"""Records off the warm path: they compare by type, and refuse impossible values."""

from __future__ import annotations

import pytest

from mirror.exchange.attestation import Attestation
from mirror.exchange.diff import ProjectChange
from mirror.exchange.publish import Published
from mirror.server.answers import Answer


def test_a_record_is_not_a_tuple() -> None:
    """A record differs from a tuple with the same values."""
    published: object = Published(1, 2, 3, 0, 5)

    assert published != (1, 2, 3, 0, 5)
    assert published == Published(1, 2, 3, 0, 5)


def test_a_record_cannot_be_changed() -> None:
    """Frozen."""
    with pytest.raises(AttributeError):
        Published(1, 2, 3, 0, 5).written = 2  # type: ignore[misc]


def test_impossible_values_are_refused() -> None:
    """When the record is created."""
    with pytest.raises(ValueError, match="sorted"):
        Attestation((), (), 0, 0, (("v/x/b", "1"), ("v/x/a", "2")))
    with pytest.raises(ValueError, match="no kind of change"):
        ProjectChange("app", "x", "moved")
    with pytest.raises(ValueError, match="line end"):
        Answer(200, b"", headers=(("location", "/a\r\nset-cookie: b"),))
